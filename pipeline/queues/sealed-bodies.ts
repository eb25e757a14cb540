import { checkInteger, checkKnownOptions, checkString } from '../../core/check-option.ts'
import {
  ClosedError,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  RecordFaultError
} from '../../core/errors.ts'
import {
  addKeyStats,
  type EncryptionContext,
  type KeyStats,
  noKeyStats,
  type RecordOpener,
  type RecordSealer,
  type SealingKeyring
} from '../../core/record-transform.ts'

/*
 * Body of a queue message: one message of the AWS Encryption SDK, in base64 with padding (RFC 4648, section 4).
 * SQS carries text alone.
 */

export interface SealedBodiesOptions {
  /** Name of the queue; bound to every message as the pair `queue`. */
  readonly queueName: string
  readonly keyring: SealingKeyring
  /** Further pairs, the same for every message of the queue. */
  readonly context?: EncryptionContext
  /**
   * Largest body, in bytes, for a queue with a lower limit than that of SQS. Range 1_024 to 1_048_576
   * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
   * @default 1_048_576
   */
  readonly maxBodyBytes?: number
}

const largestBodyBytes = 1_048_576

/**
 * Seals payloads into bodies of queue messages, and opens them: for functions that an event source hands the messages
 * of a queue, and whoever sends and receives by other means.
 */
export class SealedBodies {
  readonly #options: SealedBodiesOptions
  readonly #maxBodyBytes: number
  readonly #opener: RecordOpener
  /** Made at the first use: there are keyrings that only open. */
  #sealer: RecordSealer | undefined
  #isClosed = false

  /** @throws InvalidOptionError */
  constructor(options: SealedBodiesOptions) {
    checkKnownOptions('', options, ['queueName', 'keyring', 'context', 'maxBodyBytes'])
    checkString('queueName', options.queueName)
    if (typeof options.keyring?.createSealer !== 'function') {
      throw new InvalidOptionError('keyring', 'expected a keyring, such as kmsKeyring({ keyId })')
    }
    this.#options = options
    this.#maxBodyBytes = checkInteger(
      'maxBodyBytes',
      options.maxBodyBytes ?? largestBodyBytes,
      1_024,
      largestBodyBytes
    )
    this.#opener = options.keyring.createOpener(this.#bound())
  }

  /** Of sealing and opening together. */
  get keyStats(): KeyStats {
    return addKeyStats(this.#sealer?.keyStats ?? noKeyStats, this.#opener.keyStats)
  }

  /**
   * The body that carries `data`; `tenant` for a tenant keyring alone.
   * @throws InvalidRecordError when it would be larger than the queue takes
   * @throws KeyUnavailableError
   */
  async seal(data: Uint8Array, tenant?: string): Promise<string> {
    if (this.#isClosed) throw new ClosedError('queue')
    if (!(data instanceof Uint8Array)) throw new InvalidRecordError('data', 'expected bytes')
    // Before a key is asked for: it can only grow.
    this.#checkSize(data.length)
    this.#sealer ??= this.#options.keyring.createSealer(this.#bound())
    const message = await this.#sealer.seal(data, tenant)
    this.#checkSize(message.length)
    return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('base64')
  }

  /**
   * What the body carries.
   * @throws RecordFaultError when it was not sealed for this queue, or may not be opened
   * @throws KeyUnavailableError
   */
  async open(body: string): Promise<Uint8Array> {
    if (this.#isClosed) throw new ClosedError('queue')
    return this.#opener.open(decodeBody(body))
  }

  /** Wipes the data keys that are held. */
  close(): void {
    this.#isClosed = true
    this.#sealer?.close()
    this.#opener.close()
  }

  #bound(): { readonly queueName: string; readonly context: EncryptionContext } {
    return { queueName: this.#options.queueName, context: this.#options.context ?? {} }
  }

  #checkSize(bytes: number): void {
    const bodyBytes = Math.ceil(bytes / 3) * 4
    if (bodyBytes <= this.#maxBodyBytes) return
    throw new InvalidRecordError(
      'data',
      `makes a body of ${bodyBytes} bytes; the queue takes ${this.#maxBodyBytes}`
    )
  }
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** `Buffer.from` alone would pass over what is no base64. */
function decodeBody(body: string): Buffer {
  if (body.length % 4 === 0 && base64.test(body)) return Buffer.from(body, 'base64')
  throw new RecordFaultError(ErrorCode.malformedMessage, 'queue message: the body is not base64')
}
