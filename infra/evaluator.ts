import type { AccessDecision, AccessPolicies, AccessRequest } from './access.ts'
import { accountOfArn, splitArn } from './evaluation/arn.ts'
import { type CheckedPolicies, checkPolicies } from './evaluation/checked-policies.ts'
import { grantAllows } from './evaluation/grants.ts'
import { RequestContext } from './evaluation/request-context.ts'
import { matchingStatements, type Question, type StatementMatch } from './evaluation/statements.ts'

/**
 * Decides as AWS does, in this order:
 *
 * 1. A Deny of any policy is final.
 * 2. What a limit does not allow is denied implicitly.
 * 3. Within one account an Allow of the identity's or the resource's policy is enough; the resource's has to name the
 *    principal (or everyone), for one that names the account leaves it to the identity's. Between accounts both have to
 *    allow. A service has no identity policies: the resource's has to name it.
 * 4. For a KMS key and for the trust of a role the identity's policy is never enough by itself; a grant on a key is.
 *
 * What AWS does with sessions (policies of a session, principals that are one session) is not asked: the principal is
 * the role.
 *
 * @throws InvalidOptionError for a policy that AWS would refuse, so that nothing is guessed from it. Its path begins
 *   with the policy's name.
 */
export function evaluate(request: AccessRequest, policies: AccessPolicies): AccessDecision {
  const checked = checkPolicies(policies)
  const { principal, action, resource } = request
  const question: Question = { principal, action, resource, context: new RequestContext(request) }
  const { identity, limits } = checked
  const all = [...identity, ...(checked.resource === undefined ? [] : [checked.resource]), ...limits]
  const [denial] = all.flatMap(policy => matchingStatements(policy, 'Deny', question))
  if (denial !== undefined) {
    return {
      effect: 'explicitDeny',
      decidedBy: toDecider(denial),
      reason: `${describe(denial)} denies ${action}`
    }
  }
  const limit = limits.find(policy => matchingStatements(policy, 'Allow', question).length === 0)
  if (limit !== undefined) {
    return { effect: 'implicitDeny', reason: `the limit ${limit.name} does not allow ${action}` }
  }
  return decideAllowed(request, checked, question)
}

function decideAllowed(
  request: AccessRequest,
  policies: CheckedPolicies,
  question: Question
): AccessDecision {
  const { action, principal } = request
  const [byIdentity] =
    principal.accountId === undefined
      ? []
      : policies.identity.flatMap(policy => matchingStatements(policy, 'Allow', question))
  const resourceMatches =
    policies.resource === undefined ? [] : matchingStatements(policies.resource, 'Allow', question)
  const byResource = resourceMatches.find(({ reach }) => reach === 'name')
  const byAccount = resourceMatches.find(({ reach }) => reach === 'account')
  const isSameAccount = principal.accountId === undefined || principal.accountId === accountOf(request)

  if (byResource !== undefined && isSameAccount) return allowed(action, byResource)
  if (byIdentity !== undefined) {
    const other = byResource ?? byAccount
    if (other !== undefined) return allowed(action, byIdentity, other)
    if (isSameAccount && !needsResourcePolicy(request)) return allowed(action, byIdentity)
  }
  const grant = policies.grants?.find(candidate => grantAllows(candidate, question))
  if (grant !== undefined) {
    return { effect: 'allow', grant: grant.name, reason: `the grant ${grant.name} allows ${action}` }
  }
  return { effect: 'implicitDeny', reason: whyNot(request, byIdentity, byResource ?? byAccount) }
}

function allowed(action: string, decider: StatementMatch, other?: StatementMatch): AccessDecision {
  const together = other === undefined ? '' : `, and ${describe(other)} lets it`
  return {
    effect: 'allow',
    decidedBy: toDecider(decider),
    reason: `${describe(decider)} allows ${action}${together}`
  }
}

function whyNot(
  request: AccessRequest,
  byIdentity: StatementMatch | undefined,
  byOther: StatementMatch | undefined
): string {
  const { action } = request
  if (byIdentity !== undefined)
    return `no policy of the resource allows ${action}, and the identity's is not enough`
  if (byOther !== undefined)
    return `${describe(byOther)} leaves ${action} to the identity's policies, and none allows it`
  return `no policy allows ${action}`
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html */
function needsResourcePolicy({ action, resource }: AccessRequest): boolean {
  if (/^kms:/i.test(action)) return resource !== '*' && !splitArn(resource)?.[5]?.startsWith('alias/')
  return /^sts:/i.test(action) && splitArn(resource)?.[5]?.startsWith('role/') === true
}

function accountOf({ resourceAccountId, resource, principal }: AccessRequest): string | undefined {
  return resourceAccountId ?? accountOfArn(resource) ?? principal.accountId
}

function toDecider({ policy, sid, index }: StatementMatch): NonNullable<AccessDecision['decidedBy']> {
  return { policy, sid, index }
}

function describe({ policy, sid, index }: StatementMatch): string {
  return `${sid ?? `statement ${index}`} of ${policy}`
}
