import { checkKnownOptions, checkOneOf } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import { checkArn } from './plan-names.ts'

/** Where KMS keeps a key's material; one outside of KMS itself is in a custom key store. */
export type PlanKeyOrigin = 'AWS_KMS' | 'AWS_CLOUDHSM' | 'EXTERNAL_KEY_STORE'

/**
 * `made` by the template, or given by its ARN. A key of a custom key store has to be given, since CloudFormation makes
 * none there.
 */
export type PlanKey = 'made' | { readonly arn: string; readonly origin?: PlanKeyOrigin }

/** One key for each purpose, none of which is ever used for another. */
export interface PlanKeys {
  /** Wraps the data keys of the records; only producers and readers use it, never a service. @default 'made' */
  readonly envelope?: PlanKey
  /** The stream at rest. @default 'made' */
  readonly stream?: PlanKey
  /** Delivery streams and what they deliver, at rest. @default 'made' */
  readonly sink?: PlanKey
  /** Lease table, dead letters, logs and secrets, at rest. @default 'made' */
  readonly state?: PlanKey
  /**
   * What the services beside the pipeline keep at rest, other than what is delivered: catalogues, states of applications.
   * @default 'made', where a plan has such a service
   */
  readonly services?: PlanKey
}

export type KeyPurpose = keyof PlanKeys

export const keyPurposes = [
  'envelope',
  'stream',
  'sink',
  'state',
  'services'
] as const satisfies readonly KeyPurpose[]

/** `arn` is undefined for a key that the template makes. */
export interface ResolvedKey {
  readonly arn: string | undefined
  readonly origin: PlanKeyOrigin
}

/** The key of one tenant. */
export interface ResolvedTenant {
  readonly id: string
  /** What the runtime names it by: its ARN, or the alias of a key that the template makes. */
  readonly keyId: string
  readonly arn: string | undefined
}

/** Each tenant has an open data key in every producer and worker; more of them want a keyring that asks for their keys. */
export const maxTenants = 100

const origins = ['AWS_KMS', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const
const keyResource = /^key\/[A-Za-z0-9-]+$/

/**
 * Checks `keys` and fills in their defaults; `sealingKeyId` and `sealing.tenants` say who wraps the data keys already.
 * @throws InvalidOptionError, also for one key with two purposes
 */
export function resolveKeys(
  value: PlanKeys | undefined,
  sealingKeyId: string | undefined,
  hasTenants: boolean
): Readonly<Record<KeyPurpose, ResolvedKey>> {
  const given = section('keys', value, keyPurposes)
  const keys = {
    envelope: resolveKey('keys.envelope', given.envelope ?? keyOf(sealingKeyId)),
    stream: resolveKey('keys.stream', given.stream),
    sink: resolveKey('keys.sink', given.sink),
    state: resolveKey('keys.state', given.state),
    services: resolveKey('keys.services', given.services)
  }
  const { arn } = keys.envelope
  if (hasTenants && given.envelope !== undefined) {
    throw new InvalidOptionError(
      'keys.envelope',
      'does not go with sealing.tenants, each with a key of its own'
    )
  }
  if (arn !== undefined && sealingKeyId !== undefined && sealingKeyId !== arn) {
    throw new InvalidOptionError(
      'sealing.keyId',
      'is another key than keys.envelope: expected one of the two'
    )
  }
  if (given.envelope === 'made' && keyOf(sealingKeyId) !== undefined) {
    throw new InvalidOptionError('keys.envelope', "is 'made', but sealing.keyId names a key that is there")
  }
  for (const [index, purpose] of keyPurposes.entries()) {
    const other = keyPurposes.slice(0, index).find(name => keys[name].arn === keys[purpose].arn)
    if (other === undefined || keys[purpose].arn === undefined) continue
    throw new InvalidOptionError(`keys.${purpose}`, `is the key of keys.${other}: expected one of its own`)
  }
  return keys
}

/** What a message holds of encrypted data keys by default, the first one included, and opens. */
const maxWrappingKeys = 5

/** @throws InvalidOptionError, also for a key that is named twice */
export function resolveAdditionalKeys(
  value: readonly string[] | undefined,
  keys: Readonly<Record<KeyPurpose, ResolvedKey>>,
  hasTenants: boolean
): readonly string[] {
  const option = 'sealing.additionalKeys'
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
  if (!Array.isArray(value) || value.length >= maxWrappingKeys) {
    throw new InvalidOptionError(option, `expected a list of at most ${maxWrappingKeys - 1} ARNs of keys`)
  }
  if (hasTenants) {
    throw new InvalidOptionError(option, 'does not go with sealing.tenants, each with a key of its own')
  }
  const taken = keyPurposes.map(purpose => keys[purpose].arn)
  return value.map((arn: unknown, index) => {
    const key = checkArn(`${option}[${index}]`, arn, 'kms', keyResource)
    if (!taken.includes(key) && value.indexOf(key) === index) return key
    throw new InvalidOptionError(`${option}[${index}]`, 'is another key of the plan: expected one of its own')
  })
}

function resolveKey(option: string, value: PlanKey | undefined): ResolvedKey {
  if (value === undefined || value === 'made') return { arn: undefined, origin: 'AWS_KMS' }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(option, "expected 'made', or { arn } of a key that is there")
  }
  checkKnownOptions(option, value, ['arn', 'origin'])
  const origin = checkOneOf(`${option}.origin`, value.origin ?? 'AWS_KMS', origins)
  if (value.arn === undefined && origin !== 'AWS_KMS') {
    throw new InvalidOptionError(
      `${option}.arn`,
      `is missing: CloudFormation makes no key of origin '${origin}'`
    )
  }
  return { arn: checkArn(`${option}.arn`, value.arn, 'kms', keyResource), origin }
}

/** The key that `sealing.keyId` names, where that is an ARN; an alias is given to the key that is made. */
function keyOf(sealingKeyId: string | undefined): PlanKey | undefined {
  return sealingKeyId !== undefined && /:key\//.test(sealingKeyId) ? { arn: sealingKeyId } : undefined
}

/**
 * Checks `sealing.tenants`: id -> `made`, or the ARN of the tenant's key. Ids stand in every message, readable by
 * everyone who sees the stream.
 * @throws InvalidOptionError
 */
export function resolveTenants(value: unknown, pipelineName: string): readonly ResolvedTenant[] {
  const option = 'sealing.tenants'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(option, "expected an object, such as { 'a1': 'made' }")
  }
  const tenants = Object.entries(value).map(([id, key]: [string, unknown]) => {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9-]{0,39}$/.test(id)) {
      throw new InvalidOptionError(option, 'expected ids of 1 to 40 letters, digits and hyphens')
    }
    const arn = key === 'made' ? undefined : checkArn(`${option}.${id}`, key, 'kms', keyResource)
    return { id, keyId: arn ?? `alias/${pipelineName}/tenant-${id}`, arn }
  })
  if (tenants.length > maxTenants) {
    throw new InvalidOptionError(option, `expected at most ${maxTenants} tenants, found ${tenants.length}`)
  }
  const arns = tenants.flatMap(({ arn }) => arn ?? [])
  if (new Set(arns).size < arns.length) {
    throw new InvalidOptionError(option, 'names a key twice: expected one for each tenant')
  }
  return tenants
}
