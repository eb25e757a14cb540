import type { AuthorizationContext } from '../authorization.ts'
import type { EncryptionContext, GrantConstraints } from './grants.ts'

export interface KmsCircumstances {
  /** Such as `Decrypt`. */
  readonly action: string
  readonly context: EncryptionContext
  readonly input: Readonly<Record<string, unknown>>
  readonly viaService: string | undefined
}

/** AWS waits this long when the request does not say. */
const defaultPendingDays = 30

/**
 * What policies of keys can speak of:
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
export function conditionKeys({
  action,
  context,
  input,
  viaService
}: KmsCircumstances): AuthorizationContext {
  const { KeyId, PendingWindowInDays = defaultPendingDays } = input
  return {
    ...contextKeys(context),
    ...(viaService === undefined ? {} : { 'kms:ViaService': viaService }),
    ...(typeof KeyId === 'string' && KeyId.includes('alias/')
      ? { 'kms:RequestAlias': KeyId.slice(KeyId.indexOf('alias/')) }
      : {}),
    ...(action === 'ScheduleKeyDeletion'
      ? { 'kms:ScheduleKeyDeletionPendingWindowInDays': String(PendingWindowInDays) }
      : {}),
    ...(action === 'CreateGrant' ? grantKeys(input) : {})
  }
}

function contextKeys(context: EncryptionContext): AuthorizationContext {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
  )
}

/** The context that a grant is bound to counts as that of the request. The input has been checked. */
function grantKeys(input: KmsCircumstances['input']): AuthorizationContext {
  const { Operations, GranteePrincipal, RetiringPrincipal, Constraints } = input
  const constraints = Object.entries((Constraints ?? {}) as GrantConstraints).filter(([type]) =>
    type.startsWith('EncryptionContext')
  )
  return {
    'kms:GrantOperations': Operations as readonly string[],
    'kms:GranteePrincipal': String(GranteePrincipal),
    ...(RetiringPrincipal === undefined ? {} : { 'kms:RetiringPrincipal': String(RetiringPrincipal) }),
    ...(constraints.length === 0 ? {} : { 'kms:GrantConstraintType': constraints.map(([type]) => type) }),
    ...contextKeys(Object.assign({}, ...constraints.map(([, pairs]) => pairs)))
  }
}
