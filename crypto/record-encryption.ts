import type { CancelTimer } from '../core/clock.ts'
import { SingleFlight } from '../core/concurrency.ts'
import { ClosedError, InvalidOptionError } from '../core/errors.ts'
import {
  ContextName,
  type EncryptionContext,
  type KeyStats,
  type OpenerOptions,
  type RecordOpener,
  type RecordSealer,
  type SealerOptions
} from '../core/record-transform.ts'
import { type OpenKey, OpenKeyCache } from './data-key-cache.ts'
import { decryptMessage } from './decrypt.ts'
import { MessageWriter } from './encrypt.ts'
import { checkContext, encodeContext } from './encryption-context.ts'
import { ContextMismatchError, UncommittedMessageError } from './errors.ts'
import { KeyCounters } from './key-counters.ts'
import type { Keyring } from './keyrings/keyring.ts'
import type { DataKey } from './materials.ts'
import { generateSigningKey, readPublicKey } from './message-format/footer.ts'
import { looksSealed, type ParsedHeader, parseHeader } from './message-format/header.ts'
import { publicKeyName } from './message-format/identifiers.ts'
import { CommitmentPolicy, type ResolvedKeyringOptions } from './options.ts'

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

/** Seals the payloads of one stream or queue; keeps one data key within its limits. */
export class Sealer implements RecordSealer {
  readonly #keyring: Keyring
  readonly #context: EncryptionContext
  readonly #options: ResolvedKeyringOptions
  readonly #fetching = new SingleFlight<'key', SealingKey>()
  #key: SealingKey | undefined
  readonly #counters: KeyCounters
  #cancelExpiry: CancelTimer | undefined
  #isClosed = false

  constructor(keyring: Keyring, options: SealerOptions, settings: ResolvedKeyringOptions) {
    if (settings.commitmentPolicy === CommitmentPolicy.forbidAllow) {
      throw new InvalidOptionError('commitmentPolicy', `${settings.commitmentPolicy} opens and never seals`)
    }
    this.#keyring = keyring
    this.#options = settings
    this.#counters = new KeyCounters(settings.clock)
    this.#context = contextOf(options)
  }

  get keyStats(): KeyStats {
    return this.#counters.stats(this.#key === undefined ? 0 : 1)
  }

  seal(plaintext: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const key = this.#key
    if (key === undefined || !this.#isUsable(key, plaintext.length)) {
      this.#counters.misses += 1
      return this.#sealAfterMiss(plaintext)
    }
    this.#counters.hits += 1
    if (this.#ageOf(key) > this.#options.cache.maxAgeMs * refreshAt) this.#refresh()
    return use(key, plaintext)
  }

  overheadBytes(plaintextBytes: number): number {
    return this.#key?.writer.overheadBytes(plaintextBytes) ?? overheadGuessBytes
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  #drop(): void {
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
      const { suite, frameLength } = this.#options
      const signingKey = suite.signature === undefined ? undefined : generateSigningKey(suite.signature)
      const context =
        signingKey === undefined
          ? this.#context
          : { ...this.#context, [publicKeyName]: signingKey.publicKeyText }
      const { onKeyServiceCall } = this.#counters
      const { dataKey, encryptedDataKeys } = await this.#counters.time(() =>
        this.#keyring.generateDataKey({ suite, context, onKeyServiceCall })
      )
      // Whoever closed it meanwhile counts on no key being held.
      if (this.#isClosed) {
        dataKey.wipe()
        throw new ClosedError('sealer')
      }
      const { maxEncryptedDataKeys } = this.#options
      if (encryptedDataKeys.length > maxEncryptedDataKeys) {
        dataKey.wipe()
        throw new InvalidOptionError(
          'maxEncryptedDataKeys',
          `the keyring wraps every data key ${encryptedDataKeys.length} times; at most ${maxEncryptedDataKeys} are allowed`
        )
      }
      this.#drop()
      this.#key = {
        writer: new MessageWriter({ suite, context, dataKey, encryptedDataKeys, signingKey }, frameLength),
        dataKey,
        bornMs: this.#options.clock.now(),
        messages: 0,
        bytes: 0
      }
      // An idle sealer does not keep a key in memory beyond its age.
      const { clock, cache } = this.#options
      this.#cancelExpiry = clock.schedule(() => this.#drop(), cache.maxAgeMs, { unref: true })
      return this.#key
    })
  }

  /** Fetches the next key while the present one still serves. A failure shows at the next miss. */
  #refresh(): void {
    this.#fetch().catch(() => {})
  }
}

/** A pair that every message must be bound to. */
interface RequiredPair {
  readonly name: string
  readonly value: string
  readonly mayBeUnstored: boolean
}

/** Opens messages that are bound to one stream or queue; keeps their data keys. */
export class Opener implements RecordOpener {
  readonly #keyring: Keyring
  readonly #required: readonly RequiredPair[]
  readonly #maxEncryptedDataKeys: number
  readonly #commitmentPolicy: CommitmentPolicy
  readonly #keys: OpenKeyCache
  readonly #counters: KeyCounters

  constructor(keyring: Keyring, options: OpenerOptions, settings: ResolvedKeyringOptions) {
    this.#keyring = keyring
    this.#counters = new KeyCounters(settings.clock)
    this.#required = requiredPairs(contextOf(options), checkContext(options.unstoredContext ?? {}))
    this.#maxEncryptedDataKeys = settings.maxEncryptedDataKeys
    this.#commitmentPolicy = settings.commitmentPolicy
    this.#keys = new OpenKeyCache({
      maxAgeMs: settings.cache.maxAgeMs,
      maxKeys: settings.cache.maxOpenKeys,
      clock: settings.clock
    })
  }

  get keyStats(): KeyStats {
    return this.#counters.stats(this.#keys.size)
  }

  isSealed(data: Uint8Array): boolean {
    return looksSealed(data)
  }

  open(data: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const message = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const header = parseHeader(message, this.#maxEncryptedDataKeys)
    // Before any key is asked for: a message that will not be opened costs no call.
    if (!header.suite.committing && this.#commitmentPolicy === CommitmentPolicy.requireRequire) {
      throw new UncommittedMessageError(header.suite.id)
    }
    const unstored = this.#checkRequired(header)
    const key = this.#keys.get(header)
    if (key === undefined) {
      this.#counters.misses += 1
      return this.#openAfterMiss(message, header, unstored)
    }
    this.#counters.hits += 1
    return decrypt(message, header, key, unstored)
  }

  close(): void {
    this.#keys.close()
  }

  async #openAfterMiss(
    message: Buffer,
    header: ParsedHeader,
    unstored: EncryptionContext
  ): Promise<Uint8Array> {
    const unwrap = async (): Promise<OpenKey> => {
      const { suite, context, encryptedDataKeys } = header
      const publicKey =
        suite.signature === undefined
          ? undefined
          : readPublicKey(suite.signature, context.get(publicKeyName)!)
      const request = {
        suite,
        context: { ...Object.fromEntries(context), ...unstored },
        onKeyServiceCall: this.#counters.onKeyServiceCall
      }
      const dataKey = await this.#counters.time(() => this.#keyring.unwrapDataKey(request, encryptedDataKeys))
      return { dataKey, publicKey }
    }
    if (header.suite.kdfHash === undefined) {
      // The data key is the content key, so it belongs to this message alone.
      const key = await unwrap()
      try {
        return decrypt(message, header, key, unstored)
      } finally {
        key.dataKey.wipe()
      }
    }
    for (;;) {
      const key = await this.#keys.load(header, unwrap)
      // A full cache may have given the key up again between its arrival and this moment.
      if (!key.dataKey.isWiped) return decrypt(message, header, key, unstored)
    }
  }

  /** The pairs that are bound to the message and do not stand in it. @throws ContextMismatchError */
  #checkRequired({ context }: ParsedHeader): EncryptionContext {
    const differing = this.#required.filter(({ name, value }) => context.get(name) !== value)
    if (differing.length === 0) return noPairs
    const missing = differing.filter(({ name, mayBeUnstored }) => context.has(name) || !mayBeUnstored)
    if (missing.length > 0) throw new ContextMismatchError(missing.map(({ name }) => name))
    return Object.fromEntries(differing.map(({ name, value }) => [name, value]))
  }
}

const noPairs: EncryptionContext = {}

function decrypt(
  message: Buffer,
  header: ParsedHeader,
  { dataKey, publicKey }: OpenKey,
  unstored: EncryptionContext
): Buffer {
  const unstoredContext = encodeContext(unstored)
  return decryptMessage(message, header, { dataKey: dataKey.bytes, publicKey, unstoredContext })
}

function requiredPairs(context: EncryptionContext, unstored: EncryptionContext): RequiredPair[] {
  const names = new Set([...Object.keys(context), ...Object.keys(unstored)])
  return [...names].map(name => {
    const value = context[name] ?? unstored[name]!
    if ((unstored[name] ?? value) !== value) {
      throw new InvalidOptionError(`unstoredContext.${name}`, 'differs from the pair that is required')
    }
    return { name, value, mayBeUnstored: Object.hasOwn(unstored, name) }
  })
}

function contextOf({ context, streamName, queueName }: SealerOptions): EncryptionContext {
  const carrier =
    queueName === undefined ? { [ContextName.stream]: streamName } : { [ContextName.queue]: queueName }
  return checkContext({ ...context, ...carrier })
}

function use(key: SealingKey, plaintext: Uint8Array): Uint8Array {
  key.messages += 1
  key.bytes += plaintext.length
  return key.writer.encrypt(plaintext)
}
