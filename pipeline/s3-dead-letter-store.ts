import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { CallOptions } from '../core/aws-ports.ts'
import type { DeadLetter, DeadLetterStore } from '../core/record-sink.ts'
import { sendOptions } from '../core/sdk-client.ts'

export interface S3DeadLetterStoreOptions {
  readonly client: S3Client
  readonly bucket: string
  /** @default '' */
  readonly prefix?: string
}

/** What one object of the store holds, as JSON. `data` is base64 of the bytes as they were received. */
export interface StoredDeadLetter {
  readonly streamName: string
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumbers?: readonly number[]
  readonly partitionKey?: string
  readonly approximateArrivalTimestamp?: string
  readonly errorCode: string
  readonly data: string
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

  async put(deadLetter: DeadLetter, options: CallOptions = {}): Promise<void> {
    const body: StoredDeadLetter = {
      streamName: deadLetter.streamName,
      shardId: deadLetter.shardId,
      sequenceNumber: deadLetter.sequenceNumber,
      ...(deadLetter.subSequenceNumbers === undefined
        ? {}
        : { subSequenceNumbers: deadLetter.subSequenceNumbers }),
      ...(deadLetter.partitionKey === undefined ? {} : { partitionKey: deadLetter.partitionKey }),
      ...(deadLetter.approximateArrivalTimestamp === undefined
        ? {}
        : { approximateArrivalTimestamp: deadLetter.approximateArrivalTimestamp.toISOString() }),
      errorCode: deadLetter.errorCode,
      data: Buffer.from(deadLetter.data).toString('base64')
    }
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: deadLetterKey(this.#prefix, deadLetter),
        Body: JSON.stringify(body),
        ContentType: 'application/json'
      }),
      sendOptions(options)
    )
  }
}

function deadLetterKey(prefix: string, deadLetter: DeadLetter): string {
  // Dead letters of single user records of one Kinesis record are separate findings: they do not overwrite it.
  const subs = deadLetter.subSequenceNumbers
  const suffix = subs === undefined ? '' : `-${subs[0]}-${subs.at(-1)}`
  return `${prefix}${deadLetter.streamName}/${deadLetter.shardId}/${deadLetter.sequenceNumber}${suffix}.json`
}
