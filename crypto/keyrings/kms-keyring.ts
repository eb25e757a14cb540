import { checkOneOf, checkString } from '../../core/check-option.ts'
import { SingleFlight } from '../../core/concurrency.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import type { DataKey, EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'
import { KmsCalls, type KmsClientOptions, kmsProviderId } from './kms-calls.ts'
import { areReplicas, type KmsKeyArn, parseKmsKeyArn } from './kms-key-arn.ts'

export interface KmsKeyringOptions extends KeyringOptions, KmsClientOptions {
  /**
   * Key that makes the data keys: ARN, key id, alias (`alias/…`) or alias ARN. Anything but a key ARN is
   * resolved with `kms:DescribeKey` when the first message is opened.
   */
  readonly keyId: string
  /** Keys that wrap every data key as well, so that either opens the messages. */
  readonly additionalKeyIds?: readonly string[]
  /**
   * Whether a replica of a multi-Region key opens what another replica of it sealed: Decrypt is then asked of the
   * configured replica. A message needs one encrypted data key for all regions.
   * @default false
   */
  readonly multiRegion?: boolean
  /**
   * What a message is under a key that is scheduled for deletion, or gone: `hold` takes it for a key that cannot be
   * had at the moment, since a deletion can be taken back; `refuse` for a fault of the record, as after the key of
   * a tenant was destroyed on purpose. Needs `kms:DescribeKey`.
   * @default 'hold'
   */
  readonly deletedKeys?: 'hold' | 'refuse'
}

/**
 * Data keys from AWS KMS, strict: only messages under the configured keys are opened, the key is always named
 * in the call, and the answer must name it, too. A key in a custom key store, such as one backed by CloudHSM, is
 * used like any other.
 */
export function kmsKeyring(options: KmsKeyringOptions): Keyring {
  return new KmsKeyring(options)
}

class KmsKeyring extends Keyring {
  readonly #keyIds: readonly string[]
  readonly #isMultiRegion: boolean
  readonly #kms: KmsCalls
  /** Configured id -> key ARN. An alias is resolved once; pointing it elsewhere needs a new keyring. */
  readonly #arns = new Map<string, KmsKeyArn>()
  readonly #resolving = new SingleFlight<string, KmsKeyArn>()

  constructor(options: KmsKeyringOptions) {
    super(options)
    this.#keyIds = [options.keyId, ...(options.additionalKeyIds ?? [])].map(id => checkString('keyId', id))
    this.#isMultiRegion = options.multiRegion ?? false
    const deletedKeys = checkOneOf('deletedKeys', options.deletedKeys ?? 'hold', ['hold', 'refuse'])
    this.#kms = new KmsCalls(options, deletedKeys === 'refuse')
    for (const id of this.#keyIds) this.#remember(id, id)
    if (this.#isMultiRegion) refuseReplicas([...this.#arns.values()])
  }

  async generateDataKey(request: KeyRequest): Promise<GeneratedDataKey> {
    const [keyId, ...others] = this.#keyIds as readonly [string, ...string[]]
    const { dataKey, encryptedDataKey } = await this.#kms.generateDataKey(request, keyId)
    this.#remember(keyId, encryptedDataKey.providerInfo.toString('utf8'))
    try {
      const further = await Promise.all(others.map(other => this.#kms.encrypt(request, other, dataKey)))
      return { dataKey, encryptedDataKeys: [encryptedDataKey, ...further] }
    } catch (error) {
      dataKey.wipe()
      throw error
    }
  }

  async wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]> {
    return Promise.all(this.#keyIds.map(keyId => this.#kms.encrypt(request, keyId, dataKey)))
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const configured = await Promise.all(this.#keyIds.map(keyId => this.#resolve(request, keyId)))
    const candidates = encryptedDataKeys.flatMap(({ providerId, providerInfo, wrappedKey }) => {
      if (providerId !== kmsProviderId) return []
      const keyArn = this.#match(providerInfo.toString('utf8'), configured)
      return keyArn === undefined ? [] : [{ keyArn, wrappedKey }]
    })
    return this.#kms.decryptFirst(request, candidates)
  }

  /** The configured key that opens what was wrapped under `keyArn`. */
  #match(keyArn: string, configured: readonly KmsKeyArn[]): string | undefined {
    const equal = configured.find(({ text }) => text === keyArn)
    if (equal !== undefined || !this.#isMultiRegion) return equal?.text
    const arn = parseKmsKeyArn(keyArn)
    return arn && configured.find(replica => areReplicas(replica, arn))?.text
  }

  #resolve(request: KeyRequest, keyId: string): Promise<KmsKeyArn> | KmsKeyArn {
    const known = this.#arns.get(keyId)
    if (known !== undefined) return known
    return this.#resolving.run(keyId, async () => {
      const arn = await this.#kms.resolve(request, keyId)
      this.#arns.set(keyId, arn)
      return arn
    })
  }

  #remember(keyId: string, text: string): void {
    const arn = parseKmsKeyArn(text)
    if (arn !== undefined) this.#arns.set(keyId, arn)
  }
}

/** The same multi-Region key in two regions would wrap twice what either opens. */
function refuseReplicas(arns: readonly KmsKeyArn[]): void {
  for (const [index, arn] of arns.entries()) {
    if (arns.slice(index + 1).some(other => areReplicas(arn, other))) {
      throw new InvalidOptionError('additionalKeyIds', `names a replica of ${arn.keyId} twice`)
    }
  }
}
