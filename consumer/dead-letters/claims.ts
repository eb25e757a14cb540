import { randomUUID } from 'node:crypto'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkKnownOptions, checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import type { DeadLetter } from '../../core/record-sink.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'
import { MalformedDeadLetterError } from './errors.ts'
import { type Claim, type DeadLetterSummary, encodeDeadLetter, parseDeadLetter } from './layout.ts'

export interface ClaimOptions {
  readonly client: S3Client
  readonly bucket: string
  /** Begins the key of every claim. @default '' */
  readonly prefix?: string
}

/** Dead letters that are too large for a message, as S3 objects. */
export class Claims {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  /** @throws InvalidOptionError */
  constructor(options: ClaimOptions) {
    if (typeof options !== 'object' || options === null) {
      throw new InvalidOptionError('claims', 'expected an object with client and bucket')
    }
    checkKnownOptions('claims', options, ['client', 'bucket', 'prefix'])
    this.#client = options.client
    this.#bucket = checkString('claims.bucket', options.bucket)
    this.#prefix = options.prefix ?? ''
  }

  /** Stores the letter under a key that is used once: a claim belongs to one message, and goes with it. */
  async put(letter: DeadLetter, options: CallOptions): Promise<Claim> {
    const { streamName, shardId, sequenceNumber } = letter
    const claim = {
      bucket: this.#bucket,
      key: `${this.#prefix}${streamName}/${shardId}/${sequenceNumber}-${randomUUID()}.json`
    }
    await callService('s3', 'PutObject', () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: claim.bucket,
          Key: claim.key,
          Body: encodeDeadLetter(letter),
          ContentType: 'application/json'
        }),
        sendOptions(options)
      )
    )
    return claim
  }

  /** @throws MalformedDeadLetterError, ServiceError */
  async get(claim: Claim, summary: DeadLetterSummary, options: CallOptions): Promise<DeadLetter> {
    this.#check(claim)
    const text = await callService('s3', 'GetObject', async () => {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: claim.bucket, Key: claim.key }),
        sendOptions(options)
      )
      return (await Body?.transformToString()) ?? ''
    })
    const parsed = parseDeadLetter(text)
    const isSame =
      parsed.letter.streamName === summary.streamName &&
      parsed.letter.shardId === summary.shardId &&
      parsed.letter.sequenceNumber === summary.sequenceNumber
    if (parsed.claim !== undefined || !isSame) throw new MalformedDeadLetterError('claim')
    return parsed.letter
  }

  /** @throws MalformedDeadLetterError, ServiceError */
  async delete(claim: Claim, options: CallOptions): Promise<void> {
    this.#check(claim)
    await callService('s3', 'DeleteObject', () =>
      this.#client.send(
        new DeleteObjectCommand({ Bucket: claim.bucket, Key: claim.key }),
        sendOptions(options)
      )
    )
  }

  /** Whoever can send a message must not be able to have any other object read or deleted by the reader's rights. */
  #check({ bucket, key }: Claim): void {
    if (bucket !== this.#bucket || !key.startsWith(this.#prefix)) throw new MalformedDeadLetterError('claim')
  }
}
