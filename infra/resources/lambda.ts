import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf } from '../placeholders.ts'
import { idPart } from '../plan-arns.ts'
import { mappedFunctions } from '../plan-readers.ts'
import { after, type TemplateResources } from '../template.ts'
import { aliasId } from './functions.ts'
import { failureQueueId } from './sqs.ts'

/** The event source mappings of functions that are there, or made. */
export function mappingResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries(
    mappedFunctions(plan).map(({ made, functionArn, onFailureQueue, parallelizationFactor }) => [
      `${idPart(functionArn.split(':function:')[1]!)}EventSource`,
      {
        Type: 'AWS::Lambda::EventSourceMapping',
        // Its ARN does not tell CloudFormation that the alias has to be there.
        ...(made === undefined ? {} : after(aliasId(made, functionArn.split(':').at(-1)!))),
        Properties: {
          EventSourceArn: attributeOf('Stream', 'Arn'),
          FunctionName: functionArn,
          StartingPosition: plan.consumer.initialPosition,
          ParallelizationFactor: parallelizationFactor,
          BisectBatchOnFunctionError: true,
          MaximumRetryAttempts: 100,
          // Without it Lambda ignores which records failed.
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          DestinationConfig: {
            OnFailure: { Destination: attributeOf(failureQueueId(onFailureQueue), 'Arn') }
          }
        }
      }
    ])
  )
}
