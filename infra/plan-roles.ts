import type { ResolvedPlan } from '../pipeline/plan.ts'
import { deliveryRoleId, readerRoleId, roleIds, transformRoleId } from './plan-arns.ts'
import { mappedFunctions, readerFunctions, sourcedDeliveries, transformFunctions } from './plan-readers.ts'
import { consumerPolicy } from './policies/consumer.ts'
import { deliveryPolicy, deliveryTrust, sourcedDeliveryPolicy } from './policies/delivery.ts'
import { flinkPolicy, flinkTrust } from './policies/flink.ts'
import { iotErrorPolicy, iotKeyPolicy, iotLoggingPolicy, iotRulePolicy, iotTrust } from './policies/iot.ts'
import { operatorPolicy } from './policies/operator.ts'
import { producerPolicy } from './policies/producer.ts'
import { lambdaPolicy } from './policies/reader.ts'
import { replayerPolicy } from './policies/replayer.ts'
import { transformPolicy, transformTrust } from './policies/transform.ts'
import { operatorTrust, workloadTrust } from './policies/trust.ts'
import type { PolicyDocument } from './policy-document.ts'

/** A role that the template makes, and what it may do. */
export interface MadeRole {
  readonly kind:
    | 'producer'
    | 'consumer'
    | 'replayer'
    | 'operator'
    | 'delivery'
    | 'transform'
    | 'lambda'
    | 'flink'
    | 'iot'
  /** The delivery stream or function that it is for; or else its kind. */
  readonly subject: string
  readonly logicalId: string
  readonly name: string
  readonly trust: PolicyDocument
  readonly policy: PolicyDocument
}

/** Every role of a plan that is made, one for each task; none can assume another. */
export function madeRoles(plan: ResolvedPlan): readonly MadeRole[] {
  const { roles } = plan
  const workload = workloadTrust(plan)
  return [
    {
      kind: 'producer',
      subject: 'producer',
      logicalId: roleIds.producer,
      name: roles.producerName,
      trust: workload,
      policy: producerPolicy(plan)
    },
    {
      kind: 'consumer',
      subject: 'consumer',
      logicalId: roleIds.consumer,
      name: roles.consumerName,
      trust: workload,
      policy: consumerPolicy(plan)
    },
    ...(roles.replayer
      ? [
          {
            kind: 'replayer' as const,
            subject: 'replayer',
            logicalId: roleIds.replayer,
            name: roles.replayerName,
            trust: workload,
            policy: replayerPolicy(plan)
          }
        ]
      : []),
    {
      kind: 'operator',
      subject: 'operator',
      logicalId: roleIds.operator,
      name: roles.operatorName,
      trust: operatorTrust(plan),
      policy: operatorPolicy(plan)
    },
    ...plan.destinations.map(destination =>
      deliveryRole(destination.deliveryStreamName, deliveryPolicy(plan, destination))
    ),
    ...sourcedDeliveries(plan).map(delivery =>
      deliveryRole(delivery.deliveryStreamName, sourcedDeliveryPolicy(plan, delivery))
    ),
    ...transformFunctions(plan).map(name => ({
      kind: 'transform' as const,
      subject: name,
      logicalId: transformRoleId(name),
      name: shortened(name, '-transform'),
      trust: transformTrust(),
      policy: transformPolicy(plan, name)
    })),
    ...readerFunctions(plan).map(name => ({
      kind: 'lambda' as const,
      subject: name,
      logicalId: readerRoleId(name),
      name: shortened(name, '-reader'),
      trust: transformTrust(),
      policy: lambdaPolicy(plan, mappedFunctions(plan).find(({ made }) => made === name)!)
    })),
    ...flinkRoles(plan),
    ...iotRoles(plan)
  ]
}

function flinkRoles(plan: ResolvedPlan): readonly MadeRole[] {
  const { flink } = plan.services
  if (flink === undefined) return []
  return [
    {
      kind: 'flink',
      subject: flink.name,
      logicalId: roleIds.flink,
      name: shortened(flink.name, '-application'),
      trust: flinkTrust(flink),
      policy: flinkPolicy(plan, flink)
    }
  ]
}

function iotRoles(plan: ResolvedPlan): readonly MadeRole[] {
  const { iot } = plan.services
  if (iot === undefined) return []
  const role = (id: 'iotRule' | 'iotError' | 'iotLogging' | 'iotKey', policy: PolicyDocument): MadeRole => {
    const subject = id.replace(/[A-Z]/, letter => `-${letter.toLowerCase()}`)
    return {
      kind: 'iot',
      subject,
      logicalId: roleIds[id],
      name: `${plan.name}-${subject}`,
      trust: iotTrust(plan, id === 'iotRule' || id === 'iotError'),
      policy
    }
  }
  return [
    role('iotRule', iotRulePolicy(plan)),
    role('iotError', iotErrorPolicy(plan)),
    ...(iot.logging ? [role('iotLogging', iotLoggingPolicy())] : []),
    ...(iot.encryption ? [role('iotKey', iotKeyPolicy(plan))] : [])
  ]
}

function deliveryRole(deliveryStreamName: string, policy: PolicyDocument): MadeRole {
  return {
    kind: 'delivery',
    subject: deliveryStreamName,
    logicalId: deliveryRoleId(deliveryStreamName),
    name: shortened(deliveryStreamName, '-delivery'),
    trust: deliveryTrust(deliveryStreamName),
    policy
  }
}

/** IAM takes 64 characters. Two names that are cut to the same one are refused when the stack is made. */
function shortened(name: string, suffix: string): string {
  return `${name.slice(0, 64 - suffix.length)}${suffix}`
}
