import type { AccessPrincipal } from '../access.ts'
import type { AuditModel } from './model.ts'

/** Whether a service of AWS other than CloudFormation takes on the role: a task, a function, a delivery stream. */
export function isWorkload(model: AuditModel, { arn }: AccessPrincipal): boolean {
  const trust = model.resourcePolicies.get(arn)
  return (trust?.document.Statement ?? []).some(
    ({ Effect, Principal }) =>
      Effect === 'Allow' &&
      Principal !== undefined &&
      Principal !== '*' &&
      [Principal.Service ?? []].flat().some(service => service !== 'cloudformation.amazonaws.com')
  )
}
