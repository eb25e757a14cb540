import type { AccessRequest } from '../access.ts'
import { accountOfArn } from './arn.ts'

const contextPrefix = 'kms:encryptioncontext:'

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
  readonly #values = new Map<string, readonly string[]>()
  /** Names as they were sent, and values. */
  readonly encryptionContext: readonly (readonly [name: string, value: string])[]

  constructor(request: AccessRequest) {
    const given = Object.entries(request.context ?? {}).map(([name, values]) => ({
      name,
      values: typeof values === 'string' ? [values] : values
    }))
    for (const { name, values } of given) {
      const key = name.toLowerCase()
      this.#values.set(key, [...(this.#values.get(key) ?? []), ...values])
    }
    const pairs = given.filter(({ name }) => name.toLowerCase().startsWith(contextPrefix))
    this.encryptionContext = pairs.flatMap(({ name, values }) =>
      values.map(value => [name.slice(contextPrefix.length), value] as const)
    )
    this.#fillIn(request)
  }

  /** Undefined when the request has no such key, or no value of it. */
  values(key: string): readonly string[] | undefined {
    const values = this.#values.get(key.toLowerCase())
    return values === undefined || values.length === 0 ? undefined : values
  }

  #fillIn({ principal, action, resource, resourceAccountId }: AccessRequest): void {
    const isService = principal.accountId === undefined
    const filledIn = {
      'aws:PrincipalIsAWSService': String(isService),
      'aws:PrincipalServiceName': isService ? principal.arn : undefined,
      // Of a service AWS tells neither; conditions on them take the key for missing.
      'aws:PrincipalArn': isService ? undefined : principal.arn,
      'aws:PrincipalAccount': principal.accountId,
      'aws:ResourceAccount': resourceAccountId ?? accountOfArn(resource) ?? principal.accountId,
      'kms:CallerAccount': /^kms:/i.test(action) ? principal.accountId : undefined
    }
    for (const [name, value] of Object.entries(filledIn)) {
      const key = name.toLowerCase()
      if (value !== undefined && !this.#values.has(key)) this.#values.set(key, [value])
    }
    const names = this.encryptionContext.map(([name]) => name)
    const keysKey = 'kms:encryptioncontextkeys'
    if (names.length > 0 && !this.#values.has(keysKey)) this.#values.set(keysKey, [...new Set(names)])
  }
}
