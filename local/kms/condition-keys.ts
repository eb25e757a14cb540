import type { AuthorizationContext } from '../authorization.ts'
import type { EncryptionContext } from './grants.ts'

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
  const { KeyId, PendingWindowInDays = defaultPendingDays, Operations, GranteePrincipal } = input
  return {
    ...Object.fromEntries(
      Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
    ),
    ...(viaService === undefined ? {} : { 'kms:ViaService': viaService }),
    ...(typeof KeyId === 'string' && KeyId.includes('alias/')
      ? { 'kms:RequestAlias': KeyId.slice(KeyId.indexOf('alias/')) }
      : {}),
    ...(action === 'ScheduleKeyDeletion'
      ? { 'kms:ScheduleKeyDeletionPendingWindowInDays': String(PendingWindowInDays) }
      : {}),
    ...(action === 'CreateGrant' && Array.isArray(Operations)
      ? { 'kms:GrantOperations': Operations.map(String), 'kms:GranteePrincipal': String(GranteePrincipal) }
      : {})
  }
}
