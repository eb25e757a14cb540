import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { CallOptions } from '../../core/aws-ports.ts'
import type { DeadLetter, DeadLetterStore } from '../../core/record-sink.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'
import { encodeDeadLetter } from './layout.ts'

export interface S3DeadLetterStoreOptions {
  readonly client: S3Client
  readonly bucket: string
  /** @default '' */
  readonly prefix?: string
}

/**
 * Keeps dead letters as one S3 object each, under a key made of stream, shard and sequence number: storing the
 * same one again, after a lost answer or by a second worker, changes nothing. Sealed bytes stay sealed.
 */
export class S3DeadLetterStore implements DeadLetterStore {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor(options: S3DeadLetterStoreOptions) {
    this.#client = options.client
    this.#bucket = options.bucket
    this.#prefix = options.prefix ?? ''
  }

  /** @throws ServiceError */
  async put(deadLetter: DeadLetter, options: CallOptions = {}): Promise<void> {
    await callService('s3', 'PutObject', () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: deadLetterKey(this.#prefix, deadLetter),
          Body: encodeDeadLetter(deadLetter),
          ContentType: 'application/json'
        }),
        sendOptions(options)
      )
    )
  }
}

function deadLetterKey(prefix: string, deadLetter: DeadLetter): string {
  // Dead letters of single user records of one Kinesis record are separate findings: they do not overwrite it.
  const subs = deadLetter.subSequenceNumbers
  const suffix = subs === undefined ? '' : `-${subs[0]}-${subs.at(-1)}`
  return `${prefix}${deadLetter.streamName}/${deadLetter.shardId}/${deadLetter.sequenceNumber}${suffix}.json`
}
