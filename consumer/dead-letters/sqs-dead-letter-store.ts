import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkInteger, checkKnownOptions } from '../../core/check-option.ts'
import { QueueAddress } from '../../core/queue-address.ts'
import type { DeadLetter, DeadLetterStore } from '../../core/record-sink.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService, FailureClass, ServiceError } from '../../core/service-errors.ts'
import { type ClaimOptions, Claims } from './claims.ts'
import { encodeClaimed, encodeDeadLetter } from './layout.ts'

export interface SqsDeadLetterStoreOptions {
  readonly client: SQSClient
  /** Name of the queue, or its URL, which saves the right `sqs:GetQueueUrl`. */
  readonly queue: string
  /** Where dead letters go that are too large for a message. */
  readonly claims: ClaimOptions
  /**
   * Largest message, in bytes: what goes beyond becomes a claim. Also what a queue with a lower limit refuses does.
   * Range 1_024 to 1_048_576, the limit of SQS
   * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
   * @default 1_048_576
   */
  readonly maxMessageBytes?: number
}

const largestMessageBytes = 1_048_576

/** A send that failed in one of these ways was not carried out. */
const notSent: readonly FailureClass[] = [
  FailureClass.denied,
  FailureClass.notFound,
  FailureClass.invalid,
  FailureClass.throttled
]

/**
 * Keeps dead letters as messages of an SQS queue, each the Kinesis record as it was received: sealed bytes stay
 * sealed. Storing the same one again, after a lost answer or by a second worker, makes a second message: at least
 * once, like everything here.
 */
export class SqsDeadLetterStore implements DeadLetterStore {
  readonly #client: SQSClient
  readonly #address: QueueAddress
  readonly #claims: Claims
  readonly #maxMessageBytes: number

  /** @throws InvalidOptionError */
  constructor(options: SqsDeadLetterStoreOptions) {
    checkKnownOptions('', options, ['client', 'queue', 'claims', 'maxMessageBytes'])
    this.#client = options.client
    this.#address = new QueueAddress(options.client, options.queue)
    this.#claims = new Claims(options.claims)
    this.#maxMessageBytes = checkInteger(
      'maxMessageBytes',
      options.maxMessageBytes ?? largestMessageBytes,
      1_024,
      largestMessageBytes
    )
  }

  /** Resolves when the message is stored, and its claim before it. @throws ServiceError */
  async put(letter: DeadLetter, options: CallOptions = {}): Promise<void> {
    const url = await this.#address.url(options)
    const body = encodeDeadLetter(letter)
    if (body.length > this.#maxMessageBytes) {
      await this.#putClaimed(letter, url, options)
      return
    }
    try {
      await this.#send(url, body, options)
    } catch (error) {
      // How a queue answers whose own limit is lower. Without this the shard would never get past the record.
      if (!(error instanceof ServiceError) || !error.serviceCode.startsWith('InvalidParameterValue'))
        throw error
      await this.#putClaimed(letter, url, options)
    }
  }

  /** The payload first: a message must never name what is not there. */
  async #putClaimed(letter: DeadLetter, url: string, options: CallOptions): Promise<void> {
    const claim = await this.#claims.put(letter, options)
    try {
      await this.#send(url, encodeClaimed(letter, claim), options)
    } catch (error) {
      // Where the answer was lost the message may be there and needs its claim; one too many harms nobody.
      if (error instanceof ServiceError && notSent.includes(error.failure)) {
        await this.#claims.delete(claim, options).catch(() => {})
      }
      throw error
    }
  }

  async #send(url: string, body: string, options: CallOptions): Promise<void> {
    await callService('sqs', 'SendMessage', () =>
      this.#client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }), sendOptions(options))
    )
  }
}
