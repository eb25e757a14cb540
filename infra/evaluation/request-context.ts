import type { AccessRequest } from '../access.ts'
import { accountOfArn } from './arn.ts'

const contextPrefix = 'kms:encryptioncontext:'

interface FilledContext {
  /** By name in lower case. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly encryptionContext: readonly (readonly [name: string, value: string])[]
}

/**
 * The condition keys of a request with those that AWS fills in itself.
 *
 * Names of condition keys are compared without regard to case. AWS documents this for all of them, and so for the part
 * behind `kms:EncryptionContext:`, although a KMS request itself distinguishes `Stream` from `stream`: only the *values*
 * of `kms:EncryptionContextKeys` do. A policy that means exactly these names has to list them there. Pairs that differ in
 * nothing but case are one key with several values here.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
 */
export class RequestContext {
  readonly #request: AccessRequest
  #filled: FilledContext | undefined

  constructor(request: AccessRequest) {
    this.#request = request
  }

  /** Names as they were sent, and values. */
  get encryptionContext(): FilledContext['encryptionContext'] {
    return this.#fill().encryptionContext
  }

  /** Undefined when the request has no such key, or no value of it. */
  values(key: string): readonly string[] | undefined {
    const values = this.#fill().values.get(key.toLowerCase())
    return values === undefined || values.length === 0 ? undefined : values
  }

  /** When a statement first asks: most requests are decided by their action alone. */
  #fill(): FilledContext {
    this.#filled ??= fillContext(this.#request)
    return this.#filled
  }
}

function fillContext(request: AccessRequest): FilledContext {
  const values = new Map<string, readonly string[]>()
  const given = Object.entries(request.context ?? {}).map(([name, value]) => ({
    name,
    values: typeof value === 'string' ? [value] : value
  }))
  for (const { name, values: added } of given) {
    const key = name.toLowerCase()
    values.set(key, [...(values.get(key) ?? []), ...added])
  }
  const pairs = given.filter(({ name }) => name.toLowerCase().startsWith(contextPrefix))
  const encryptionContext = pairs.flatMap(({ name, values: sent }) =>
    sent.map(value => [name.slice(contextPrefix.length), value] as const)
  )
  for (const [name, value] of Object.entries(filledInBy(request))) {
    const key = name.toLowerCase()
    if (value !== undefined && !values.has(key)) values.set(key, [value])
  }
  const names = encryptionContext.map(([name]) => name)
  const keysKey = 'kms:encryptioncontextkeys'
  if (names.length > 0 && !values.has(keysKey)) values.set(keysKey, [...new Set(names)])
  return { values, encryptionContext }
}

function filledInBy({
  principal,
  action,
  resource,
  resourceAccountId
}: AccessRequest): Readonly<Record<string, string | undefined>> {
  const isService = principal.accountId === undefined
  return {
    'aws:PrincipalIsAWSService': String(isService),
    'aws:PrincipalServiceName': isService ? principal.arn : undefined,
    // Of a service AWS tells neither; conditions on them take the key for missing.
    'aws:PrincipalArn': isService ? undefined : principal.arn,
    'aws:PrincipalAccount': principal.accountId,
    'aws:ResourceAccount': resourceAccountId ?? accountOfArn(resource) ?? principal.accountId,
    'kms:CallerAccount': /^kms:/i.test(action) ? principal.accountId : undefined
  }
}
