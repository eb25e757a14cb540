import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  type KMSClientConfig
} from '@aws-sdk/client-kms'
import { checkString } from '../../core/check-option.ts'
import { SingleFlight } from '../../core/concurrency.ts'
import { isSealstreamError, KeyUnavailableError } from '../../core/errors.ts'
import { serviceErrorName } from '../../core/service-errors.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import { DataKey, type EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'

export interface KmsKeyringOptions extends KeyringOptions {
  /**
   * Key that makes the data keys: ARN, key id, alias (`alias/…`) or alias ARN. Anything but a key ARN is
   * resolved with `kms:DescribeKey` when the first message is opened.
   */
  readonly keyId: string
  /** Keys that wrap every data key as well, so that either opens the messages. */
  readonly additionalKeyIds?: readonly string[]
  readonly grantTokens?: readonly string[]
  /** A ready client, taken as it is. */
  readonly client?: Pick<KMSClient, 'send'>
  /** Or what to make one from, at first use. */
  readonly clientConfig?: KMSClientConfig
}

/**
 * Data keys from AWS KMS, strict: only messages under the configured keys are opened, the key is always named
 * in the call, and the answer must name it, too.
 */
export function kmsKeyring(options: KmsKeyringOptions): Keyring {
  return new KmsKeyring(options)
}

const providerId = 'aws-kms'
const keyArnPattern = /^arn:[^:]+:kms:[^:]+:[^:]+:key\/[A-Za-z0-9-]+$/
/** KMS says that the ciphertext is not what it claims to be: the record is at fault, not the key. */
const recordFaults = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

class KmsKeyring extends Keyring {
  readonly #keyIds: readonly string[]
  readonly #grantTokens: string[] | undefined
  readonly #config: KMSClientConfig
  #client: Pick<KMSClient, 'send'> | undefined
  /** Configured id -> key ARN. An alias is resolved once; pointing it elsewhere needs a new keyring. */
  readonly #arns = new Map<string, string>()
  readonly #resolving = new SingleFlight<string, string>()

  constructor(options: KmsKeyringOptions) {
    super(options)
    this.#keyIds = [options.keyId, ...(options.additionalKeyIds ?? [])].map(id => checkString('keyId', id))
    for (const id of this.#keyIds) if (keyArnPattern.test(id)) this.#arns.set(id, id)
    this.#grantTokens = options.grantTokens === undefined ? undefined : [...options.grantTokens]
    this.#client = options.client
    this.#config = options.clientConfig ?? {}
  }

  async generateDataKey(request: KeyRequest): Promise<GeneratedDataKey> {
    const [keyId, ...others] = this.#keyIds
    const answer = await this.#call(request, 'GenerateDataKey', () =>
      this.#kms().send(
        new GenerateDataKeyCommand({
          KeyId: keyId,
          NumberOfBytes: request.suite.keyBytes,
          EncryptionContext: request.context,
          GrantTokens: this.#grantTokens
        })
      )
    )
    const dataKey = this.#checkedKey(answer.Plaintext, request)
    const first = this.#checkedWrap(answer.KeyId, answer.CiphertextBlob)
    this.#arns.set(keyId!, answer.KeyId!)
    try {
      const further = await Promise.all(others.map(other => this.#wrap(request, dataKey, other)))
      return { dataKey, encryptedDataKeys: [first, ...further] }
    } catch (error) {
      dataKey.wipe()
      throw error
    }
  }

  async wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]> {
    return Promise.all(this.#keyIds.map(keyId => this.#wrap(request, dataKey, keyId)))
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const arns = await Promise.all(this.#keyIds.map(keyId => this.#resolve(request, keyId)))
    const failures: unknown[] = []
    let unavailable: KeyUnavailableError | undefined
    for (const { providerId: provider, providerInfo, wrappedKey } of encryptedDataKeys) {
      const keyArn = providerInfo.toString('utf8')
      if (provider !== providerId || !arns.includes(keyArn)) continue
      try {
        const answer = await this.#call(request, 'Decrypt', () =>
          this.#kms().send(
            new DecryptCommand({
              KeyId: keyArn,
              CiphertextBlob: wrappedKey,
              EncryptionContext: request.context,
              GrantTokens: this.#grantTokens
            })
          )
        )
        if (answer.KeyId !== keyArn) throw new NoUsableDataKeyError('kms: Decrypt answered for another key')
        return this.#checkedKey(answer.Plaintext, request)
      } catch (error) {
        if (error instanceof KeyUnavailableError) unavailable ??= error
        failures.push(error)
      }
    }
    // One that may still come outweighs any number that do not fit: the record must not be given up.
    if (unavailable !== undefined) throw unavailable
    throw new NoUsableDataKeyError(
      failures.length === 0
        ? 'sealed message: no encrypted data key is for the configured KMS keys'
        : 'sealed message: KMS refused every encrypted data key that is for the configured keys',
      { errors: failures }
    )
  }

  async #wrap(request: KeyRequest, dataKey: DataKey, keyId: string): Promise<EncryptedDataKey> {
    const answer = await this.#call(request, 'Encrypt', () =>
      this.#kms().send(
        new EncryptCommand({
          KeyId: keyId,
          Plaintext: dataKey.bytes,
          EncryptionContext: request.context,
          GrantTokens: this.#grantTokens
        })
      )
    )
    return this.#checkedWrap(answer.KeyId, answer.CiphertextBlob)
  }

  #resolve(request: KeyRequest, keyId: string): Promise<string> | string {
    const known = this.#arns.get(keyId)
    if (known !== undefined) return known
    return this.#resolving.run(keyId, async () => {
      const answer = await this.#call(request, 'DescribeKey', () =>
        this.#kms().send(new DescribeKeyCommand({ KeyId: keyId, GrantTokens: this.#grantTokens }))
      )
      const arn = answer.KeyMetadata?.Arn
      if (arn === undefined) throw new KeyUnavailableError('kms: DescribeKey answered without a key ARN')
      this.#arns.set(keyId, arn)
      return arn
    })
  }

  #checkedKey(plaintext: Uint8Array | undefined, request: KeyRequest): DataKey {
    if (plaintext?.length !== request.suite.keyBytes) {
      plaintext?.fill(0)
      throw new KeyUnavailableError('kms: the answer holds no data key of the right length')
    }
    return new DataKey(plaintext)
  }

  #checkedWrap(keyId: string | undefined, blob: Uint8Array | undefined): EncryptedDataKey {
    if (keyId === undefined || !keyArnPattern.test(keyId) || blob === undefined) {
      throw new KeyUnavailableError('kms: the answer holds no key ARN, or no wrapped key')
    }
    return { providerId, providerInfo: Buffer.from(keyId), wrappedKey: Buffer.from(blob) }
  }

  #kms(): Pick<KMSClient, 'send'> {
    this.#client ??= new KMSClient(this.#config)
    return this.#client
  }

  async #call<T>(request: KeyRequest, operation: string, send: () => Promise<T>): Promise<T> {
    request.onKeyServiceCall()
    try {
      return await send()
    } catch (error) {
      if (isSealstreamError(error)) throw error
      const serviceCode = serviceErrorName(error)
      if (operation === 'Decrypt' && recordFaults.has(serviceCode)) {
        throw new NoUsableDataKeyError(`kms: Decrypt refused the encrypted data key (${serviceCode})`, {
          cause: error
        })
      }
      throw new KeyUnavailableError(`kms: ${operation} failed (${serviceCode})`, {
        cause: error,
        serviceCode
      })
    }
  }
}
