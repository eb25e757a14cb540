import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KeyMetadata,
  KMSClient,
  type KMSClientConfig
} from '@aws-sdk/client-kms'
import { checkAtMostOne } from '../../core/check-option.ts'
import { isSealstreamError, KeyUnavailableError } from '../../core/errors.ts'
import { serviceErrorName } from '../../core/service-errors.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import { DataKey, type EncryptedDataKey } from '../materials.ts'
import type { KeyRequest } from './keyring.ts'
import { type KmsKeyArn, parseKmsKeyArn, regionOf } from './kms-key-arn.ts'

export type KmsClient = Pick<KMSClient, 'send'>

/** How a keyring reaches KMS. At most one of `client`, `clientFor` and `clientConfig`. */
export interface KmsClientOptions {
  /** A ready client, taken as it is for every key; the caller destroys it. */
  readonly client?: KmsClient
  /** Makes the client of one region, at first use; undefined for a key that is named without a region. */
  readonly clientFor?: (region: string | undefined) => KmsClient
  /** What to make one client per region from, at first use. @default the SDK's conventions */
  readonly clientConfig?: KMSClientConfig
  readonly grantTokens?: readonly string[]
}

export const kmsProviderId = 'aws-kms'

/** KMS says that the ciphertext is not what it claims to be: the record is at fault, not the key. */
const recordFaults = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

/** The KMS calls of the keyrings. The key is always named, and what the answer says is checked. */
export class KmsCalls {
  readonly #options: KmsClientOptions
  readonly #grantTokens: string[] | undefined
  readonly #clients = new Map<string | undefined, KmsClient>()
  readonly #refusesDeletedKeys: boolean

  constructor(options: KmsClientOptions, refusesDeletedKeys = false) {
    checkAtMostOne(options, ['client', 'clientFor', 'clientConfig'])
    this.#options = options
    this.#refusesDeletedKeys = refusesDeletedKeys
    this.#grantTokens = options.grantTokens === undefined ? undefined : [...options.grantTokens]
  }

  async generateDataKey(
    request: KeyRequest,
    keyId: string
  ): Promise<{ readonly dataKey: DataKey; readonly encryptedDataKey: EncryptedDataKey }> {
    const answer = await this.#call(request, 'GenerateDataKey', keyId, client =>
      client.send(
        new GenerateDataKeyCommand({
          KeyId: keyId,
          NumberOfBytes: request.suite.keyBytes,
          EncryptionContext: request.context,
          GrantTokens: this.#grantTokens
        })
      )
    )
    const dataKey = checkedKey(answer.Plaintext, request)
    try {
      return { dataKey, encryptedDataKey: checkedWrap(answer.KeyId, answer.CiphertextBlob) }
    } catch (error) {
      dataKey.wipe()
      throw error
    }
  }

  async encrypt(request: KeyRequest, keyId: string, dataKey: DataKey): Promise<EncryptedDataKey> {
    const answer = await this.#call(request, 'Encrypt', keyId, client =>
      client.send(
        new EncryptCommand({
          KeyId: keyId,
          Plaintext: dataKey.bytes,
          EncryptionContext: request.context,
          GrantTokens: this.#grantTokens
        })
      )
    )
    return checkedWrap(answer.KeyId, answer.CiphertextBlob)
  }

  /**
   * The data key behind the first of the wrapped keys that can be had, each under the key that is named with it.
   * @throws NoUsableDataKeyError when there are none, or KMS refuses all of them
   * @throws KeyUnavailableError when one may fit but its key cannot be had at the moment
   */
  async decryptFirst(
    request: KeyRequest,
    candidates: readonly { readonly keyArn: string; readonly wrappedKey: Buffer }[]
  ): Promise<DataKey> {
    const failures: unknown[] = []
    for (const { keyArn, wrappedKey } of candidates) {
      try {
        return await this.#decrypt(request, keyArn, wrappedKey)
      } catch (error) {
        failures.push((await this.#isDeleted(request, keyArn, error)) ? deletedKey(error) : error)
      }
    }
    // One that may still come outweighs any number that do not fit: the record must not be given up.
    const unavailable = failures.find(failure => failure instanceof KeyUnavailableError)
    if (unavailable !== undefined) throw unavailable
    throw new NoUsableDataKeyError(
      failures.length === 0
        ? 'sealed message: no encrypted data key is for the KMS keys of this keyring'
        : 'sealed message: KMS refused every encrypted data key that is for the keys of this keyring',
      { errors: failures }
    )
  }

  /** ARN of the key behind an id or an alias. */
  async resolve(request: KeyRequest, keyId: string): Promise<KmsKeyArn> {
    const arn = parseKmsKeyArn((await this.#describe(request, keyId))?.Arn ?? '')
    if (arn === undefined) throw new KeyUnavailableError('kms: DescribeKey answered without a key ARN')
    return arn
  }

  async #decrypt(request: KeyRequest, keyArn: string, wrappedKey: Buffer): Promise<DataKey> {
    const answer = await this.#call(request, 'Decrypt', keyArn, client =>
      client.send(
        new DecryptCommand({
          KeyId: keyArn,
          CiphertextBlob: wrappedKey,
          EncryptionContext: request.context,
          GrantTokens: this.#grantTokens
        })
      )
    )
    if (answer.KeyId === keyArn) return checkedKey(answer.Plaintext, request)
    answer.Plaintext?.fill(0)
    throw new NoUsableDataKeyError('kms: Decrypt answered for another key')
  }

  /** Whether Decrypt failed because the key is scheduled for deletion, or gone. */
  async #isDeleted(request: KeyRequest, keyArn: string, error: unknown): Promise<boolean> {
    if (!this.#refusesDeletedKeys || !(error instanceof KeyUnavailableError)) return false
    if (error.serviceCode === 'NotFoundException') return true
    if (error.serviceCode !== 'KMSInvalidStateException') return false
    const state = (await this.#describe(request, keyArn))?.KeyState
    return state === 'PendingDeletion' || state === 'PendingReplicaDeletion'
  }

  async #describe(request: KeyRequest, keyId: string): Promise<KeyMetadata | undefined> {
    const answer = await this.#call(request, 'DescribeKey', keyId, client =>
      client.send(new DescribeKeyCommand({ KeyId: keyId, GrantTokens: this.#grantTokens }))
    )
    return answer.KeyMetadata
  }

  async #call<T>(
    request: KeyRequest,
    operation: string,
    keyId: string,
    send: (client: KmsClient) => Promise<T>
  ): Promise<T> {
    request.onKeyServiceCall()
    try {
      return await send(this.#clientOf(regionOf(keyId)))
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

  #clientOf(region: string | undefined): KmsClient {
    const { client, clientFor, clientConfig } = this.#options
    if (client !== undefined) return client
    const known = this.#clients.get(region)
    if (known !== undefined) return known
    const made =
      clientFor?.(region) ?? new KMSClient({ ...clientConfig, ...(region === undefined ? {} : { region }) })
    this.#clients.set(region, made)
    return made
  }
}

function deletedKey(cause: unknown): NoUsableDataKeyError {
  return new NoUsableDataKeyError('kms: the key of the message is scheduled for deletion, or gone', { cause })
}

function checkedKey(plaintext: Uint8Array | undefined, request: KeyRequest): DataKey {
  if (plaintext?.length === request.suite.keyBytes) return new DataKey(plaintext)
  plaintext?.fill(0)
  throw new KeyUnavailableError('kms: the answer holds no data key of the right length')
}

function checkedWrap(keyId: string | undefined, blob: Uint8Array | undefined): EncryptedDataKey {
  if (keyId === undefined || parseKmsKeyArn(keyId) === undefined || blob === undefined) {
    throw new KeyUnavailableError('kms: the answer holds no key ARN, or no wrapped key')
  }
  return { providerId: kmsProviderId, providerInfo: Buffer.from(keyId), wrappedKey: Buffer.from(blob) }
}
