import type { CancelTimer } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import {
  ContextName,
  type EncryptionContext,
  type RecordOpener,
  type RecordSealer,
  type SealerOptions
} from '../core/record-transform.ts'
import { committingSuite } from './algorithm-suites.ts'
import { OpenKeyCache } from './data-key-cache.ts'
import { decryptMessage } from './decrypt.ts'
import { MessageWriter } from './encrypt.ts'
import { checkContext } from './encryption-context.ts'
import { ContextMismatchError } from './errors.ts'
import type { Keyring } from './keyrings/keyring.ts'
import type { DataKey } from './materials.ts'
import { looksSealed, type ParsedHeader, parseHeader } from './message-format/header.ts'
import type { ResolvedKeyringOptions } from './options.ts'

/** Stands in for the overhead of a message while no data key was had: more than any usual header. */
const overheadGuessBytes = 2_048
/** The part of a data key's age after which its successor is fetched in the background. */
const refreshAt = 0.9

/** A data key in use: what it has sealed so far, and until when it may. */
interface SealingKey {
  readonly writer: MessageWriter
  readonly dataKey: DataKey
  readonly bornMs: number
  messages: number
  bytes: number
}

/** Seals the payloads of one stream; keeps one data key within its limits. */
export class Sealer implements RecordSealer {
  readonly #keyring: Keyring
  readonly #context: EncryptionContext
  readonly #options: ResolvedKeyringOptions
  readonly #fetching = new SingleFlight<'key', SealingKey>()
  #key: SealingKey | undefined
  #keyServiceCalls = 0
  #cancelExpiry: CancelTimer | undefined

  constructor(keyring: Keyring, options: SealerOptions, settings: ResolvedKeyringOptions) {
    this.#keyring = keyring
    this.#options = settings
    this.#context = contextOf(options)
  }

  get keyServiceCalls(): number {
    return this.#keyServiceCalls
  }

  seal(plaintext: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const key = this.#key
    if (key === undefined || !this.#isUsable(key, plaintext.length)) return this.#sealAfterMiss(plaintext)
    if (this.#ageOf(key) > this.#options.cache.maxAgeMs * refreshAt) this.#refresh()
    return use(key, plaintext)
  }

  overheadBytes(plaintextBytes: number): number {
    return this.#key?.writer.overheadBytes(plaintextBytes) ?? overheadGuessBytes
  }

  close(): void {
    this.#cancelExpiry?.()
    this.#cancelExpiry = undefined
    this.#key?.dataKey.wipe()
    this.#key = undefined
  }

  async #sealAfterMiss(plaintext: Uint8Array): Promise<Uint8Array> {
    for (;;) {
      const key = await this.#fetch()
      // Others that waited for the same key may have used it up. A fresh one takes a payload of any size.
      if (key.messages === 0 || this.#isUsable(key, plaintext.length)) return use(key, plaintext)
    }
  }

  #isUsable(key: SealingKey, bytes: number): boolean {
    const { maxAgeMs, maxMessages, maxBytes } = this.#options.cache
    return key.messages < maxMessages && key.bytes + bytes <= maxBytes && this.#ageOf(key) < maxAgeMs
  }

  #ageOf(key: SealingKey): number {
    return this.#options.clock.now() - key.bornMs
  }

  #fetch(): Promise<SealingKey> {
    return this.#fetching.run('key', async () => {
      const { dataKey, encryptedDataKeys } = await this.#keyring.generateDataKey({
        suite: committingSuite,
        context: this.#context,
        onKeyServiceCall: () => {
          this.#keyServiceCalls += 1
        }
      })
      const materials = { suite: committingSuite, context: this.#context, dataKey, encryptedDataKeys }
      this.close()
      this.#key = {
        writer: new MessageWriter(materials),
        dataKey,
        bornMs: this.#options.clock.now(),
        messages: 0,
        bytes: 0
      }
      // An idle sealer does not keep a key in memory beyond its age.
      const { clock, cache } = this.#options
      this.#cancelExpiry = clock.schedule(() => this.close(), cache.maxAgeMs, { unref: true })
      return this.#key
    })
  }

  /** Fetches the next key while the present one still serves. A failure shows at the next miss. */
  #refresh(): void {
    this.#fetch().catch(() => {})
  }
}

/** Opens messages that are bound to one stream; keeps their data keys. */
export class Opener implements RecordOpener {
  readonly #keyring: Keyring
  readonly #required: readonly (readonly [string, string])[]
  readonly #maxEncryptedDataKeys: number
  readonly #keys: OpenKeyCache
  #keyServiceCalls = 0

  constructor(keyring: Keyring, options: SealerOptions, settings: ResolvedKeyringOptions) {
    this.#keyring = keyring
    this.#required = Object.entries(contextOf(options))
    this.#maxEncryptedDataKeys = settings.maxEncryptedDataKeys
    this.#keys = new OpenKeyCache({
      maxAgeMs: settings.cache.maxAgeMs,
      maxKeys: settings.cache.maxOpenKeys,
      clock: settings.clock
    })
  }

  get keyServiceCalls(): number {
    return this.#keyServiceCalls
  }

  isSealed(data: Uint8Array): boolean {
    return looksSealed(data)
  }

  open(data: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const message = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const header = parseHeader(message, this.#maxEncryptedDataKeys)
    // Before any key is asked for: a message for another stream costs no call.
    this.#checkRequired(header)
    const dataKey = this.#keys.get(header.materialBytes)
    return dataKey === undefined
      ? this.#openAfterMiss(message, header)
      : decryptMessage(message, header, dataKey.bytes)
  }

  close(): void {
    this.#keys.close()
  }

  async #openAfterMiss(message: Buffer, header: ParsedHeader): Promise<Uint8Array> {
    const request = {
      suite: header.suite,
      context: Object.fromEntries(header.context),
      onKeyServiceCall: (): void => {
        this.#keyServiceCalls += 1
      }
    }
    for (;;) {
      const dataKey = await this.#keys.load(header.materialBytes, () =>
        this.#keyring.unwrapDataKey(request, header.encryptedDataKeys)
      )
      // A full cache may have given the key up again between its arrival and this moment.
      if (!dataKey.isWiped) return decryptMessage(message, header, dataKey.bytes)
    }
  }

  #checkRequired({ context }: ParsedHeader): void {
    const missing = this.#required.filter(([name, value]) => context.get(name) !== value)
    if (missing.length > 0) throw new ContextMismatchError(missing.map(([name]) => name))
  }
}

function contextOf(options: SealerOptions): EncryptionContext {
  return checkContext({ ...options.context, [ContextName.stream]: options.streamName })
}

function use(key: SealingKey, plaintext: Uint8Array): Uint8Array {
  key.messages += 1
  key.bytes += plaintext.length
  return key.writer.encrypt(plaintext)
}
