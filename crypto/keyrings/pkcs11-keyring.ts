import { randomBytes } from 'node:crypto'
import { checkInteger, checkOneOf, checkString } from '../../core/check-option.ts'
import { InvalidOptionError, KeyUnavailableError } from '../../core/errors.ts'
import { ivBytes, tagBytes } from '../algorithm-suites.ts'
import { encodeContext } from '../encryption-context.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import { DataKey, type EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'
import { Ck, Ckr, type Pkcs11Mechanism, type Pkcs11Module, returnValueOf } from './pkcs11-module.ts'
import { type Pkcs11Place, Pkcs11Token, unavailable } from './pkcs11-token.ts'
import { RawAesLayout, type WrappedDataKey } from './raw-aes-layout.ts'

/** How the token makes AES-GCM, and who chooses the IV. */
export const Pkcs11Gcm = {
  /** CKM_AES_GCM with an IV of ours: most tokens, SoftHSM2 among them. */
  callerIv: 'caller-iv',
  /** CKM_AES_GCM; the token writes the IV into the parameter: AWS CloudHSM refuses any other. */
  tokenIv: 'token-iv',
  /** CKM_CLOUDHSM_AES_GCM; the token puts the IV before the ciphertext. To be preferred with AWS CloudHSM. */
  cloudhsm: 'cloudhsm'
} as const
export type Pkcs11Gcm = (typeof Pkcs11Gcm)[keyof typeof Pkcs11Gcm]

export interface Pkcs11KeyringOptions extends KeyringOptions {
  /** Path of the PKCS #11 library, such as `/opt/cloudhsm/lib/libcloudhsm_pkcs11.so`. */
  readonly library: string
  /** Label of the token. @default the first token that is present */
  readonly tokenLabel?: string
  /** PIN of the user, `<user>:<password>` for AWS CloudHSM; a function is asked at every login. */
  readonly pin: string | (() => string | Promise<string>)
  /** Label of the AES key on the token. It may be sensitive and not extractable. */
  readonly keyLabel: string
  /** Provider id of the encrypted data keys. Must not begin with `aws-kms`. */
  readonly namespace: string
  /** Name of the wrapping key; travels readable in every message. */
  readonly name: string
  /** @default 'caller-iv' */
  readonly gcm?: Pkcs11Gcm
  /** Operations at a time. Range 1 to 64. @default 4 */
  readonly maxSessions?: number
  /** The package `pkcs11js`, where it cannot be found by that name. */
  readonly pkcs11js?: Pkcs11Module
}

/** A keyring that holds sessions to a token. */
export interface Pkcs11Keyring extends Keyring {
  /** Closes the sessions; the next use opens them anew. */
  close(): void
}

/**
 * Wraps data keys with an AES key that never leaves a token: AWS CloudHSM, or any other with AES-GCM. The encrypted
 * data keys are those of a raw AES keyring, so that a reader that holds the same key itself can open the messages.
 * Needs the package `pkcs11js`.
 */
export function pkcs11Keyring(options: Pkcs11KeyringOptions): Pkcs11Keyring {
  return new TokenKeyring(options)
}

/** Answers to Decrypt that blame the data, whatever the token. */
const dataFaults: ReadonlySet<number> = new Set([
  Ckr.dataInvalid,
  Ckr.encryptedDataInvalid,
  Ckr.encryptedDataLengthRange,
  Ckr.aeadDecryptFailed,
  Ckr.signatureInvalid
])
/** Answers that may blame either: SoftHSM2 says so of a wrong tag. */
const vagueFaults: ReadonlySet<number> = new Set([Ckr.generalError, Ckr.functionFailed])

class TokenKeyring extends Keyring implements Pkcs11Keyring {
  readonly #token: Pkcs11Token
  readonly #layout: RawAesLayout
  readonly #gcm: Pkcs11Gcm

  constructor(options: Pkcs11KeyringOptions) {
    super(options)
    const { pin, tokenLabel, pkcs11js } = options
    if (typeof pin !== 'string' && typeof pin !== 'function') {
      throw new InvalidOptionError('pin', 'expected a string, or a function that gives one')
    }
    this.#layout = new RawAesLayout(options.namespace, options.name)
    this.#gcm = checkOneOf('gcm', options.gcm ?? Pkcs11Gcm.callerIv, Object.values(Pkcs11Gcm))
    this.#token = new Pkcs11Token({
      library: checkString('library', options.library),
      tokenLabel: tokenLabel === undefined ? undefined : checkString('tokenLabel', tokenLabel),
      pin,
      keyLabel: checkString('keyLabel', options.keyLabel),
      maxSessions: checkInteger('maxSessions', options.maxSessions ?? 4, 1, 64),
      pkcs11js
    })
  }

  async generateDataKey(request: KeyRequest): Promise<GeneratedDataKey> {
    const dataKey = new DataKey(randomBytes(request.suite.keyBytes))
    try {
      return { dataKey, encryptedDataKeys: await this.wrapDataKey(request, dataKey) }
    } catch (error) {
      dataKey.wipe()
      throw error
    }
  }

  async wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]> {
    const aad = encodeContext(request.context)
    const wrapped = await this.#twice(request, place => this.#encrypt(place, dataKey.bytes, aad))
    return [this.#layout.write(wrapped)]
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const aad = encodeContext(request.context)
    for (const encrypted of encryptedDataKeys) {
      const wrapped = this.#layout.read(encrypted, request.suite.keyBytes)
      if (wrapped === undefined) continue
      const plain = await this.#unwrap(request, wrapped, aad)
      if (plain?.length === request.suite.keyBytes) return new DataKey(plain)
      plain?.fill(0)
    }
    throw new NoUsableDataKeyError('sealed message: no encrypted data key is for this PKCS #11 keyring')
  }

  close(): void {
    this.#token.forget()
  }

  /** Undefined when the token says that the wrapped key is not what it claims to be. */
  async #unwrap(request: KeyRequest, wrapped: WrappedDataKey, aad: Buffer): Promise<Buffer | undefined> {
    try {
      return await this.#twice(request, place => this.#decrypt(place, wrapped, aad), dataFaults)
    } catch (error) {
      if (error instanceof DataFault) return undefined
      throw error
    }
  }

  /**
   * Runs an operation, and once more after a failure, in a new session and login: sessions and devices are lost
   * without notice. What fails twice with a vague answer is blamed on the data when the token proves to work.
   */
  async #twice<T>(
    request: KeyRequest,
    operation: (place: Pkcs11Place) => Promise<T>,
    blamesData: ReadonlySet<number> = new Set()
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      request.onKeyServiceCall()
      try {
        return await this.#token.use(operation)
      } catch (error) {
        if (error instanceof KeyUnavailableError || error instanceof InvalidOptionError) throw error
        const value = returnValueOf(error)
        if (value !== undefined && blamesData.has(value)) throw new DataFault()
        if (attempt === 2) {
          if (blamesData.size > 0 && vagueFaults.has(value ?? -1) && (await this.#works()))
            throw new DataFault()
          throw unavailable('the operation failed', error)
        }
        this.#token.forget()
      }
    }
  }

  /** Whether the token wraps and unwraps something of our own. */
  async #works(): Promise<boolean> {
    const probe = randomBytes(32)
    try {
      const found = await this.#token.use(async place =>
        this.#decrypt(place, await this.#encrypt(place, probe, probe), probe)
      )
      return found.equals(probe)
    } catch {
      return false
    }
  }

  async #encrypt({ pkcs11, session, key }: Pkcs11Place, data: Buffer, aad: Buffer): Promise<WrappedDataKey> {
    const iv = {
      'caller-iv': () => randomBytes(ivBytes),
      'token-iv': () => Buffer.alloc(ivBytes),
      cloudhsm: () => Buffer.alloc(0)
    }[this.#gcm]()
    const isPrefixed = this.#gcm === Pkcs11Gcm.cloudhsm
    const ivLength = isPrefixed ? ivBytes : 0
    pkcs11.C_EncryptInit(session, this.#mechanism(iv, aad), key)
    const out = await pkcs11.C_EncryptAsync(session, data, Buffer.alloc(ivLength + data.length + tagBytes))
    if (out.length !== ivLength + data.length + tagBytes)
      throw unavailable('an answer of another length', undefined)
    return {
      // The token has written its IV into the parameter, or before the ciphertext.
      iv: isPrefixed ? out.subarray(0, ivBytes) : iv,
      ciphertext: out.subarray(ivLength, ivLength + data.length),
      tag: out.subarray(-tagBytes)
    }
  }

  #decrypt(
    { pkcs11, session, key }: Pkcs11Place,
    { iv, ciphertext, tag }: WrappedDataKey,
    aad: Buffer
  ): Promise<Buffer> {
    const isPrefixed = this.#gcm === Pkcs11Gcm.cloudhsm
    pkcs11.C_DecryptInit(session, this.#mechanism(isPrefixed ? Buffer.alloc(0) : Buffer.from(iv), aad), key)
    const input = Buffer.concat(isPrefixed ? [iv, ciphertext, tag] : [ciphertext, tag])
    return pkcs11.C_DecryptAsync(session, input, Buffer.alloc(ciphertext.length + tagBytes))
  }

  #mechanism(iv: Buffer, aad: Buffer): Pkcs11Mechanism {
    return {
      mechanism: this.#gcm === Pkcs11Gcm.cloudhsm ? Ck.cloudhsmAesGcm : Ck.aesGcm,
      // An empty buffer arrives as a null pointer.
      parameter: { type: Ck.gcmParameters, iv, aad, ivBits: iv.length * 8, tagBits: tagBytes * 8 }
    }
  }
}

/** The wrapped key is at fault, not the token. Never leaves this file. */
class DataFault extends Error {}
