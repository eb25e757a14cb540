import type { ResolvedFunction, ResolvedPlan } from '../pipeline/plan.ts'

/** Whether a service beside the pipeline keeps something at rest that is none of the records. */
export function hasServicesKey({ services }: ResolvedPlan): boolean {
  return services.glue !== undefined
}

/** Name of the security configuration of Glue. */
export const securityConfiguration = ({ name }: ResolvedPlan): string => name

export const hasVariables = ({ variables }: ResolvedFunction): boolean => Object.keys(variables).length > 0
