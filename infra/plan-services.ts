import type { ResolvedFunction, ResolvedPlan } from '../pipeline/plan.ts'
import { arnOf } from './placeholders.ts'
import { applicationLogGroup, iotLogGroup } from './plan-arns.ts'

/** Whether a service beside the pipeline keeps something at rest that is none of the records. */
export function hasServicesKey({ services }: ResolvedPlan): boolean {
  const { glue, flink, iot } = services
  return glue !== undefined || flink !== undefined || iot?.encryption === true
}

/** Name of the security configuration of Glue. */
export const securityConfiguration = ({ name }: ResolvedPlan): string => name

export const hasVariables = ({ variables }: ResolvedFunction): boolean => Object.keys(variables).length > 0

/** Name of the stream that Flink writes to, where that is its output. */
export function outputStream({ services }: ResolvedPlan): string | undefined {
  const output = services.flink?.output
  return output?.kind === 'stream' ? output.name : undefined
}

/** Queue of the messages of devices that did not get into the stream. */
export const iotErrorQueue = ({ name }: ResolvedPlan): string => `${name}-iot-errors`

/** A rule's name takes letters, digits and underscores. */
export const iotRuleName = ({ name }: ResolvedPlan): string => name.replaceAll('-', '_')

export const iotRuleArn = (plan: ResolvedPlan): string => arnOf('iot', `rule/${iotRuleName(plan)}`)

export const iotPolicyName = ({ name }: ResolvedPlan): string => `${name}-devices`

/** Log groups of the services, with their logical ids. */
export function serviceLogGroups({
  services
}: ResolvedPlan): readonly { readonly logicalId: string; readonly name: string }[] {
  const { flink, iot } = services
  return [
    ...(flink === undefined ? [] : [{ logicalId: 'FlinkLogs', name: applicationLogGroup(flink.name) }]),
    ...(iot?.logging ? [{ logicalId: 'IotLogs', name: iotLogGroup }] : [])
  ]
}
