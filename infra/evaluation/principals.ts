import type { AccessPrincipal } from '../access.ts'
import type { PolicyPrincipal } from '../policy-document.ts'
import { accountOfPrincipal } from './arn.ts'
import { toList } from './conditions.ts'

/**
 * How a statement reaches who asks: by name (or as everyone), or through the account. Through the account an Allow lets
 * the account's own policies decide; a Deny denies all the same.
 */
export type PrincipalReach = 'name' | 'account'

/** Undefined when the statement is about others. */
export function reachOf(
  {
    Principal,
    NotPrincipal
  }: { readonly Principal?: PolicyPrincipal; readonly NotPrincipal?: PolicyPrincipal },
  effect: 'Allow' | 'Deny',
  principal: AccessPrincipal
): PrincipalReach | undefined {
  if (NotPrincipal !== undefined) return isExcepted(NotPrincipal, effect, principal) ? undefined : 'name'
  // A policy of an identity has neither: it is about whoever it is attached to.
  if (Principal === undefined || isNamed(Principal, principal)) return 'name'
  return isInNamedAccount(Principal, principal) ? 'account' : undefined
}

/**
 * A Deny spares only those whom it lists together with their account, as AWS asks for; an Allow to all others is taken
 * to leave out the whole of a listed account. Both on the side of less access.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
function isExcepted(listed: PolicyPrincipal, effect: 'Allow' | 'Deny', principal: AccessPrincipal): boolean {
  const isByName = isNamed(listed, principal)
  const isByAccount = isInNamedAccount(listed, principal)
  if (effect === 'Allow') return isByName || isByAccount
  return isByName && (isByAccount || principal.accountId === undefined || listed === '*')
}

function isNamed(listed: PolicyPrincipal, principal: AccessPrincipal): boolean {
  if (listed === '*') return true
  if (principal.accountId === undefined) {
    return listsOf(listed, 'Service').includes(principal.arn) || listsOf(listed, 'AWS').includes('*')
  }
  const isRoot = accountOfPrincipal(principal.arn) === principal.accountId
  return [...listsOf(listed, 'AWS'), ...listsOf(listed, 'Federated')].some(
    name => name === '*' || name === principal.arn || (isRoot && name === principal.accountId)
  )
}

function isInNamedAccount(listed: PolicyPrincipal, { accountId }: AccessPrincipal): boolean {
  return (
    accountId !== undefined &&
    listed !== '*' &&
    listsOf(listed, 'AWS').some(name => accountOfPrincipal(name) === accountId)
  )
}

function listsOf(
  listed: Exclude<PolicyPrincipal, '*'>,
  kind: 'AWS' | 'Service' | 'Federated'
): readonly string[] {
  return toList(listed[kind] ?? [])
}
