import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient
} from '@aws-sdk/client-sqs'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkInteger, checkKnownOptions } from '../../core/check-option.ts'
import { QueueAddress } from '../../core/queue-address.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'
import { type ClaimOptions, Claims } from './claims.ts'
import type { DeadLetterSource, HeldDeadLetter, ReceiveOptions } from './dead-letter-source.ts'
import { type ParsedDeadLetter, parseDeadLetter } from './layout.ts'

export interface SqsDeadLetterSourceOptions {
  readonly client: SQSClient
  /** Name of the queue, or its URL, which saves the right `sqs:GetQueueUrl`. */
  readonly queue: string
  /** Where claims lie. A message that names an object elsewhere is refused. */
  readonly claims: ClaimOptions
  /**
   * How long `receive` waits for a first message, in seconds. A queue that is not empty may answer with nothing when
   * it is not waited for. Range 0 to 20.
   * @default 2
   */
  readonly waitSeconds?: number
}

/** Reads the dead letters of an SQS queue. */
export class SqsDeadLetterSource implements DeadLetterSource {
  readonly #client: SQSClient
  readonly #address: QueueAddress
  readonly #claims: Claims
  readonly #waitSeconds: number

  /** @throws InvalidOptionError */
  constructor(options: SqsDeadLetterSourceOptions) {
    checkKnownOptions('', options, ['client', 'queue', 'claims', 'waitSeconds'])
    this.#client = options.client
    this.#address = new QueueAddress(options.client, options.queue)
    this.#claims = new Claims(options.claims)
    this.#waitSeconds = checkInteger('waitSeconds', options.waitSeconds ?? 2, 0, 20)
  }

  async receive(options: ReceiveOptions = {}): Promise<readonly HeldDeadLetter[]> {
    const holdMs = checkInteger('holdMs', options.holdMs ?? 300_000, 0, 43_200_000)
    const url = await this.#address.url(options)
    const { Messages: messages = [] } = await callService('sqs', 'ReceiveMessage', () =>
      this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: checkInteger('max', options.max ?? 10, 1, 10),
          VisibilityTimeout: Math.ceil(holdMs / 1000),
          WaitTimeSeconds: this.#waitSeconds
        }),
        sendOptions(options)
      )
    )
    return messages.map(message => this.#held(message, url))
  }

  #held(message: Message, url: string): HeldDeadLetter {
    const parsed = attempt(() => parseDeadLetter(message.Body ?? ''))
    const named = { QueueUrl: url, ReceiptHandle: message.ReceiptHandle }
    return {
      id: message.MessageId ?? '',
      summary: summaryOf(parsed),
      read: async (options = {}) => {
        if ('error' in parsed) throw parsed.error
        const { letter, claim } = parsed.value
        return claim === undefined ? letter : this.#claims.get(claim, letter, options)
      },
      remove: async (options: CallOptions = {}) => {
        await callService('sqs', 'DeleteMessage', () =>
          this.#client.send(new DeleteMessageCommand(named), sendOptions(options))
        )
        // Behind the message: without its claim it could never be read again.
        if ('value' in parsed && parsed.value.claim !== undefined) {
          await this.#claims.delete(parsed.value.claim, options)
        }
      },
      release: async (options: CallOptions = {}) => {
        await callService('sqs', 'ChangeMessageVisibility', () =>
          this.#client.send(
            new ChangeMessageVisibilityCommand({ ...named, VisibilityTimeout: 0 }),
            sendOptions(options)
          )
        )
      }
    }
  }
}

type Attempt = { readonly value: ParsedDeadLetter } | { readonly error: unknown }

function attempt(parse: () => ParsedDeadLetter): Attempt {
  try {
    return { value: parse() }
  } catch (error) {
    return { error }
  }
}

function summaryOf(parsed: Attempt): HeldDeadLetter['summary'] {
  return 'value' in parsed ? parsed.value.letter : undefined
}
