import type { EncryptionContext } from '../core/record-transform.ts'
import { evaluate, type PlanAccess } from '../infra/index.ts'

/** Whether the policies of a plan let a caller do something with a key, directly and under these pairs. */
export function mayUseKey(
  access: Pick<PlanAccess, 'identityPolicies' | 'resourcePolicies'>,
  keyArn: string,
  { principal, action, context }: { principal: string; action: string; context: EncryptionContext }
): boolean {
  const accountId = keyArn.split(':')[4] ?? ''
  const keyPolicy = access.resourcePolicies.get(keyArn)
  const pairs = Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
  const { effect } = evaluate(
    {
      principal: { arn: principal, accountId: principal.split(':')[4] ?? accountId },
      action,
      resource: keyArn,
      resourceAccountId: accountId,
      context: Object.fromEntries(pairs)
    },
    {
      identity: access.identityPolicies.get(principal) ?? [],
      ...(keyPolicy === undefined ? {} : { resource: keyPolicy })
    }
  )
  return effect === 'allow'
}
