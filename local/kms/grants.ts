export const GrantOperation = {
  decrypt: 'Decrypt',
  encrypt: 'Encrypt',
  generateDataKey: 'GenerateDataKey',
  generateDataKeyWithoutPlaintext: 'GenerateDataKeyWithoutPlaintext',
  reEncryptFrom: 'ReEncryptFrom',
  reEncryptTo: 'ReEncryptTo',
  createGrant: 'CreateGrant',
  retireGrant: 'RetireGrant',
  describeKey: 'DescribeKey'
} as const
/** What a grant on a symmetric key may allow. */
export type GrantOperation = (typeof GrantOperation)[keyof typeof GrantOperation]

export type EncryptionContext = Readonly<Record<string, string>>

export interface GrantConstraints {
  readonly EncryptionContextEquals?: EncryptionContext
  readonly EncryptionContextSubset?: EncryptionContext
}

export interface Grant {
  readonly id: string
  readonly name: string | undefined
  readonly createdMs: number
  readonly granteePrincipal: string
  readonly retiringPrincipal: string | undefined
  readonly operations: readonly GrantOperation[]
  readonly constraints: GrantConstraints | undefined
}

/** Operations that take an encryption context; the constraints of a grant hold for no others. */
const withContext: readonly string[] = [
  GrantOperation.decrypt,
  GrantOperation.encrypt,
  GrantOperation.generateDataKey,
  GrantOperation.generateDataKeyWithoutPlaintext,
  GrantOperation.reEncryptFrom,
  GrantOperation.reEncryptTo
]

/** Whether the grant lets `principal` carry out `operation`, such as `Decrypt`, under `context`. */
export function grantAllows(
  grant: Grant,
  operation: string,
  principal: string | undefined,
  context: EncryptionContext
): boolean {
  if (!isPrincipal(grant.granteePrincipal, principal)) return false
  if (!grant.operations.some(allowed => allowed === operation)) return false
  if (!withContext.includes(operation)) return true
  const { EncryptionContextEquals: equal, EncryptionContextSubset: subset } = grant.constraints ?? {}
  return (
    (subset === undefined || includes(context, subset)) &&
    (equal === undefined || (includes(context, equal) && includes(equal, context)))
  )
}

/** Whether whoever has `parent` may pass `child` on: no more operations, and under the same constraints or closer ones. */
export function isWithin(
  child: Pick<Grant, 'operations' | 'constraints'>,
  parent: Pick<Grant, 'operations' | 'constraints'>
): boolean {
  const { EncryptionContextEquals: equal, EncryptionContextSubset: subset } = parent.constraints ?? {}
  const inner = child.constraints ?? {}
  const held = inner.EncryptionContextEquals ?? inner.EncryptionContextSubset ?? {}
  return (
    child.operations.every(operation => parent.operations.includes(operation)) &&
    (subset === undefined || includes(held, subset)) &&
    (equal === undefined ||
      (inner.EncryptionContextEquals !== undefined && includes(held, equal) && includes(equal, held)))
  )
}

/** Whether a principal of a grant is who asks: the access key id itself, or an ARN that ends with it. */
export function isPrincipal(named: string | undefined, accessKeyId: string | undefined): boolean {
  if (named === undefined || accessKeyId === undefined) return false
  return named === accessKeyId || (named.startsWith('arn:') && named.endsWith(`/${accessKeyId}`))
}

function includes(whole: EncryptionContext, part: EncryptionContext): boolean {
  return Object.entries(part).every(([name, value]) => Object.hasOwn(whole, name) && whole[name] === value)
}
