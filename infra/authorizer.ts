import type { NamedPolicy } from './access.ts'
import { accountOfArn, splitArn } from './evaluation/arn.ts'
import { evaluate } from './evaluator.ts'
import { parsePolicy } from './parse-policy.ts'

/** What the embedded engines ask before they carry a request out; more members are left alone. */
export interface AuthorizationQuestion {
  readonly action: string
  readonly resource: string
  /** As it was put; undefined for a resource without one. */
  readonly resourcePolicy: string | undefined
  /** Access key id, ARN of a role, or undefined for an unsigned request. */
  readonly principal: string | undefined
  readonly context: Readonly<Record<string, string | readonly string[]>>
}

export interface AuthorizerOptions {
  /**
   * Access key id -> ARN of the role that it stands for. One that is not here stands for the role of that name. A grant
   * on a KMS key finds its grantee by the end of the ARN: a key id that is the role's name serves both.
   * @default none
   */
  readonly principals?: Readonly<Record<string, string>>
  /** By ARN of the role. @default none: what is not allowed by a resource's policy is refused */
  readonly identityPolicies?: ReadonlyMap<string, readonly NamedPolicy[]>
  /**
   * By ARN of the resource: a bucket's for its objects, a table's for its indexes. They stand in for those that were put
   * to the engine. @default none
   */
  readonly resourcePolicies?: ReadonlyMap<string, NamedPolicy>
  /** Limits of everybody; see `AccessPolicies`. @default none */
  readonly limits?: readonly NamedPolicy[]
  /** Account of the resources. @default '000000000000', the account of the embedded engines */
  readonly accountId?: string
}

/** Decides as the evaluator does: `startLocal({ authorize: authorizer({ identityPolicies }) })`. */
export function authorizer({
  principals = {},
  identityPolicies = new Map(),
  resourcePolicies = new Map(),
  limits = [],
  accountId = '000000000000'
}: AuthorizerOptions): (question: AuthorizationQuestion) => 'allow' | 'deny' | 'implicitDeny' {
  const arnOf = (principal: string): string => {
    if (principal.startsWith('arn:')) return principal
    return Object.hasOwn(principals, principal)
      ? principals[principal]!
      : `arn:aws:iam::${accountId}:role/${principal}`
  }
  return ({ action, resource, resourcePolicy, principal, context }) => {
    const arn = principal === undefined ? anonymous.arn : arnOf(principal)
    const owner = policyOwner(resource)
    const put =
      resourcePolicy === undefined
        ? undefined
        : { name: `policy of ${owner}`, document: parsePolicy(resourcePolicy, `policy of ${owner}`) }
    const policy = resourcePolicies.get(owner) ?? put
    const { effect } = evaluate(
      {
        principal: { arn, accountId: principal === undefined ? undefined : accountOfArn(arn) },
        action,
        resource,
        resourceAccountId: accountOfArn(resource) ?? accountId,
        context: principal === undefined ? { ...context, ...anonymous.context } : context
      },
      {
        identity: identityPolicies.get(arn) ?? [],
        limits,
        ...(policy === undefined ? {} : { resource: policy })
      }
    )
    return effect === 'explicitDeny' ? 'deny' : effect
  }
}

/** Nobody is no service, though it has no account either. */
const anonymous = {
  arn: 'anonymous',
  context: { 'aws:PrincipalIsAWSService': 'false', 'aws:PrincipalServiceName': [] }
} as const

/** ARN of the resource whose policy speaks of this one. */
function policyOwner(resource: string): string {
  const [, , service] = splitArn(resource) ?? []
  if (service === 's3') return resource.split('/')[0]!
  if (service === 'dynamodb') return resource.split('/index/')[0]!
  return resource
}
