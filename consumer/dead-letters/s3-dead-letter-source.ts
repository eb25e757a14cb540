import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type S3Client
} from '@aws-sdk/client-s3'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkInteger } from '../../core/check-option.ts'
import type { DeadLetter } from '../../core/record-sink.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService, FailureClass, ServiceError } from '../../core/service-errors.ts'
import type { DeadLetterSource, HeldDeadLetter, ReceiveOptions } from './dead-letter-source.ts'
import { MalformedDeadLetterError } from './errors.ts'
import { parseDeadLetter } from './layout.ts'
import type { S3DeadLetterStoreOptions } from './s3-dead-letter-store.ts'

/**
 * Reads the dead letters of a bucket, each once, in the order of the keys. Two readers at a time are handed the same
 * ones: S3 cannot hold an object for one of them.
 */
export class S3DeadLetterSource implements DeadLetterSource {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  #after: string | undefined

  constructor(options: S3DeadLetterStoreOptions) {
    this.#client = options.client
    this.#bucket = options.bucket
    this.#prefix = options.prefix ?? ''
  }

  async receive(options: ReceiveOptions = {}): Promise<readonly HeldDeadLetter[]> {
    const max = checkInteger('max', options.max ?? 10, 1, 10)
    for (;;) {
      const keys = await this.#list(max, options)
      const held = await Promise.all(keys.map(key => this.#hold(key, options)))
      // Only now: what could not be had comes again.
      this.#after = keys.at(-1) ?? this.#after
      const found = held.flatMap(letter => (letter === undefined ? [] : [letter]))
      if (found.length > 0 || keys.length === 0) return found
    }
  }

  async #list(max: number, options: CallOptions): Promise<readonly string[]> {
    const { Contents: contents = [] } = await callService('s3', 'ListObjectsV2', () =>
      this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix,
          MaxKeys: max,
          ...(this.#after === undefined ? {} : { StartAfter: this.#after })
        }),
        sendOptions(options)
      )
    )
    return contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
  }

  /** Undefined when somebody removed it since it was listed. */
  async #hold(key: string, options: CallOptions): Promise<HeldDeadLetter | undefined> {
    const named = { Bucket: this.#bucket, Key: key }
    const text = await callService('s3', 'GetObject', async () => {
      const { Body } = await this.#client.send(new GetObjectCommand(named), sendOptions(options))
      return (await Body?.transformToString()) ?? ''
    }).catch((error: unknown) => {
      if (error instanceof ServiceError && error.failure === FailureClass.notFound) return undefined
      throw error
    })
    if (text === undefined) return undefined
    const letter = parseWhole(text)
    return {
      id: key,
      summary: letter instanceof MalformedDeadLetterError ? undefined : letter,
      read: async () => {
        if (letter instanceof MalformedDeadLetterError) throw letter
        return letter
      },
      remove: async (removal: CallOptions = {}) => {
        await callService('s3', 'DeleteObject', () =>
          this.#client.send(new DeleteObjectCommand(named), sendOptions(removal))
        )
      },
      release: async () => {}
    }
  }
}

function parseWhole(text: string): DeadLetter | MalformedDeadLetterError {
  try {
    const { letter, claim } = parseDeadLetter(text)
    return claim === undefined ? letter : new MalformedDeadLetterError('data')
  } catch (error) {
    if (error instanceof MalformedDeadLetterError) return error
    throw error
  }
}
