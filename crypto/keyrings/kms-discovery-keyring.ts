import { InvalidOptionError, type SealstreamError } from '../../core/errors.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import type { DataKey, EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type KeyRequest, Keyring } from './keyring.ts'
import { KmsCalls, type KmsClientOptions, kmsProviderId } from './kms-calls.ts'
import { inRegion, isMultiRegion, type KmsKeyArn, parseKmsKeyArn } from './kms-key-arn.ts'

export interface KmsDiscoveryFilter {
  /** Such as `aws`, `aws-cn` or `aws-us-gov`. */
  readonly partition: string
  /** Twelve digits each; at least one. */
  readonly accountIds: readonly string[]
}

export interface KmsDiscoveryKeyringOptions extends KeyringOptions, KmsClientOptions {
  /**
   * Whose keys may open messages. `'any-account'` waives the filter: then whoever can write to the stream can have
   * the reader ask for a key of their own account.
   */
  readonly filter: KmsDiscoveryFilter | 'any-account'
  /**
   * Asks in this region alone: for a multi-Region key the replica there, and no single-Region key of another
   * region. Without it every key is asked for in its own region.
   */
  readonly multiRegionIn?: string
}

/**
 * Opens messages under whatever KMS key they name, as far as the filter and the rights of the caller go. It seals
 * nothing: name the keys, with `kmsKeyring`, wherever they are known.
 */
export function kmsDiscoveryKeyring(options: KmsDiscoveryKeyringOptions): Keyring {
  return new KmsDiscoveryKeyring(options)
}

class KmsDiscoveryKeyring extends Keyring {
  readonly #filter: KmsDiscoveryFilter | undefined
  readonly #region: string | undefined
  readonly #kms: KmsCalls

  constructor(options: KmsDiscoveryKeyringOptions) {
    super(options)
    this.#filter = checkFilter(options.filter)
    this.#region = options.multiRegionIn
    this.#kms = new KmsCalls(options)
  }

  override createSealer(): never {
    throw opensOnly()
  }

  async generateDataKey(): Promise<never> {
    throw opensOnly()
  }

  async wrapDataKey(): Promise<never> {
    throw opensOnly()
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const candidates = encryptedDataKeys.flatMap(({ providerId, providerInfo, wrappedKey }) => {
      if (providerId !== kmsProviderId) return []
      const arn = parseKmsKeyArn(providerInfo.toString('utf8'))
      if (arn === undefined) {
        throw new NoUsableDataKeyError('sealed message: an encrypted data key of KMS names no key ARN')
      }
      const keyArn = this.#isAllowed(arn) ? this.#toAsk(arn) : undefined
      return keyArn === undefined ? [] : [{ keyArn, wrappedKey }]
    })
    return this.#kms.decryptFirst(request, candidates)
  }

  #isAllowed({ partition, accountId }: KmsKeyArn): boolean {
    const filter = this.#filter
    return filter === undefined || (partition === filter.partition && filter.accountIds.includes(accountId))
  }

  #toAsk(arn: KmsKeyArn): string | undefined {
    if (this.#region === undefined || arn.region === this.#region) return arn.text
    return isMultiRegion(arn) ? inRegion(arn, this.#region).text : undefined
  }
}

function checkFilter(filter: KmsDiscoveryKeyringOptions['filter']): KmsDiscoveryFilter | undefined {
  if (filter === 'any-account') return undefined
  if (typeof filter?.partition !== 'string' || filter.partition === '') {
    throw new InvalidOptionError('filter', "expected { partition, accountIds }, or 'any-account' to waive it")
  }
  const { partition, accountIds } = filter
  if (!Array.isArray(accountIds) || accountIds.length === 0 || !accountIds.every(id => /^\d{12}$/.test(id))) {
    throw new InvalidOptionError('filter.accountIds', 'expected account ids of twelve digits, at least one')
  }
  return { partition, accountIds: [...accountIds] }
}

function opensOnly(): SealstreamError {
  return new InvalidOptionError('keyring', 'a discovery keyring opens and never seals')
}
