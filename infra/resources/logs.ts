import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo } from '../placeholders.ts'
import { deliveryLogGroup, functionLogGroup, idPart, keyArn } from '../plan-arns.ts'
import { readerFunctions, sourcedDeliveries, transformFunctions } from '../plan-readers.ts'
import { serviceLogGroups } from '../plan-services.ts'
import type { TemplateResources } from '../template.ts'

/** The one log stream of a delivery stream, of its destination and its backup: the role may write events alone. */
export const deliveryLogStream = 'delivery'

/** A log group for each delivery stream, each function and each other service, under the state key. */
export function logResources(plan: ResolvedPlan): TemplateResources {
  const group = (name: string): TemplateResources[string] => ({
    Type: 'AWS::Logs::LogGroup',
    Properties: {
      LogGroupName: name,
      KmsKeyId: keyArn(plan, 'state'),
      RetentionInDays: plan.logs.retentionDays
    }
  })
  const deliveries = [...plan.destinations, ...sourcedDeliveries(plan)].map(({ deliveryStreamName }) => ({
    [deliveryLogGroupId(deliveryStreamName)]: group(deliveryLogGroup(deliveryStreamName)),
    [deliveryLogStreamId(deliveryStreamName)]: {
      Type: 'AWS::Logs::LogStream',
      Properties: {
        LogGroupName: refTo(deliveryLogGroupId(deliveryStreamName)),
        LogStreamName: deliveryLogStream
      }
    }
  }))
  const functions = [...transformFunctions(plan), ...readerFunctions(plan)].map(name => ({
    [functionLogGroupId(name)]: group(functionLogGroup(name))
  }))
  const services = serviceLogGroups(plan).map(({ logicalId, name }) => ({ [logicalId]: group(name) }))
  return Object.assign({}, ...deliveries, ...functions, ...services)
}

export const functionLogGroupId = (functionName: string): string => `${idPart(functionName)}FunctionLogs`
const deliveryLogGroupId = (deliveryStreamName: string): string => `${idPart(deliveryStreamName)}DeliveryLogs`
export const deliveryLogStreamId = (deliveryStreamName: string): string =>
  `${idPart(deliveryStreamName)}DeliveryLogStream`
