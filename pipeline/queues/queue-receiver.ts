import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient
} from '@aws-sdk/client-sqs'
import type { CallOptions } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import { checkInteger, checkKnownOptions, checkString } from '../../core/check-option.ts'
import { KeyUnavailableError, RecordFaultError } from '../../core/errors.ts'
import { QueueAddress } from '../../core/queue-address.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../../core/surroundings.ts'
import type { QueueEvent } from './queue-events.ts'
import { SealedBodies, type SealedBodiesOptions } from './sealed-bodies.ts'

export interface SealedQueueReceiverOptions
  extends Omit<SealedBodiesOptions, 'queueName' | 'maxBodyBytes'>,
    Partial<Surroundings<QueueEvent>> {
  readonly client: SQSClient
  /** Name of a standard queue, or its URL, which saves the right `sqs:GetQueueUrl`. */
  readonly queue: string
  /** Queue that the messages were sealed for, where they were moved by a redrive policy. @default the queue itself */
  readonly sealedFor?: string
  /**
   * How long a message that was received is hidden from others, in seconds, until it is removed or kept for longer.
   * Range 3 to 43_200.
   * @default 60
   */
  readonly visibilitySeconds?: number
  /** How long `receive` waits for a first message, in seconds. Range 0 to 20. @default 20 */
  readonly waitSeconds?: number
}

export interface QueueReceiveOptions extends CallOptions {
  /** Most messages. Range 1 to 10, the most that SQS hands out at once. @default 10 */
  readonly max?: number
}

/** A message that was opened. It comes again unless it is removed while it is hidden. */
export interface QueueMessage {
  readonly messageId: string
  readonly data: Uint8Array
  /** How often it was received, this time included. */
  readonly receiveCount: number
  /** Removes it from the queue: what it stands for is done. @throws ServiceError */
  remove(options?: CallOptions): Promise<void>
  /** Hides it for so many seconds from now on; 0 gives it back at once. Range 0 to 43_200. @throws ServiceError */
  keep(seconds: number, options?: CallOptions): Promise<void>
}

/** A message in hand, opened or not yet. */
interface Held {
  readonly message: Message
  readonly receiveCount: number
  readonly data: Uint8Array | undefined
}

/** How long SQS hides a message at most, counted from its receipt, in seconds. */
const longestHiddenSeconds = 43_200
const optionNames = [
  'client',
  'queue',
  'sealedFor',
  'keyring',
  'context',
  'visibilitySeconds',
  'waitSeconds',
  ...surroundingNames
]

/** Longest pause between two attempts to have a key, in milliseconds. */
const maxPauseMs = 30_000

/**
 * Receives messages of a queue and opens them. What can never be opened is not handed on and stays in the queue, whose
 * redrive policy moves it aside. While a key cannot be had, messages are held: they are not handed out again meanwhile,
 * so that an outage does not count against them.
 */
export class SealedQueueReceiver {
  readonly #client: SQSClient
  readonly #address: QueueAddress
  readonly #bodies: SealedBodies
  readonly #visibilitySeconds: number
  readonly #waitSeconds: number
  readonly #surroundings: Surroundings<QueueEvent>

  /** @throws InvalidOptionError */
  constructor(options: SealedQueueReceiverOptions) {
    checkKnownOptions('', options, optionNames)
    const { client, queue, keyring, context, visibilitySeconds, waitSeconds } = options
    this.#client = client
    this.#address = new QueueAddress(client, queue)
    const queueName =
      options.sealedFor === undefined ? this.#address.queueName : checkString('sealedFor', options.sealedFor)
    this.#bodies = new SealedBodies({ queueName, keyring, ...(context === undefined ? {} : { context }) })
    this.#visibilitySeconds = checkInteger(
      'visibilitySeconds',
      visibilitySeconds ?? 60,
      3,
      longestHiddenSeconds
    )
    this.#waitSeconds = checkInteger('waitSeconds', waitSeconds ?? 20, 0, 20)
    this.#surroundings = resolveSurroundings(options, DiagnosticsChannel.queue, this.#address.queueName)
  }

  /**
   * Messages that were there, opened; none when none came in time, or none could be opened. While a key cannot be had
   * it waits, until the signal aborts or the messages cannot be held any longer.
   * @throws ServiceError
   */
  async receive(options: QueueReceiveOptions = {}): Promise<readonly QueueMessage[]> {
    const max = checkInteger('max', options.max ?? 10, 1, 10)
    const url = await this.#address.url(options)
    const { Messages: messages = [] } = await callService('sqs', 'ReceiveMessage', () =>
      this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: max,
          VisibilityTimeout: this.#visibilitySeconds,
          WaitTimeSeconds: this.#waitSeconds,
          MessageSystemAttributeNames: ['ApproximateReceiveCount']
        }),
        sendOptions(options)
      )
    )
    let held: readonly Held[] = messages.map(message => ({
      message,
      receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
      data: undefined
    }))
    for (let attempt = 0; ; attempt += 1) {
      const { opened, outage } = await this.#openAll(held)
      if (outage === undefined) return opened.map(each => this.#handedOn(each, url))
      this.#surroundings.onEvent({
        type: 'keyUnavailable',
        messages: opened.length,
        serviceCode: outage.serviceCode
      })
      await this.#pause(attempt, options)
      held = await this.#hideLonger(opened, url, options)
    }
  }

  /** Wipes the data keys. The client stays open, and messages that were handed on can still be removed. */
  close(): void {
    this.#bodies.close()
  }

  /** Opens what is not opened yet, and leaves out what never can be. */
  async #openAll(
    held: readonly Held[]
  ): Promise<{ readonly opened: readonly Held[]; readonly outage: KeyUnavailableError | undefined }> {
    let outage: KeyUnavailableError | undefined
    const tried = await Promise.all(
      held.map(async each => {
        if (each.data !== undefined) return each
        try {
          return { ...each, data: await this.#bodies.open(each.message.Body ?? '') }
        } catch (error) {
          if (error instanceof KeyUnavailableError) {
            outage = error
            return each
          }
          if (!(error instanceof RecordFaultError)) throw error
          this.#surroundings.onEvent({
            type: 'messageRefused',
            messageId: each.message.MessageId ?? '',
            receiveCount: each.receiveCount,
            errorCode: error.code
          })
          return undefined
        }
      })
    )
    return { opened: tried.filter(each => each !== undefined), outage }
  }

  /** Never so long that what is held could be handed out to others meanwhile. */
  #pause(attempt: number, { signal }: CallOptions): Promise<void> {
    const { clock, random } = this.#surroundings
    const maxMs = Math.min(maxPauseMs, (this.#visibilitySeconds * 1_000) / 3)
    return clock.sleep(backoffDelayMs(attempt, { baseMs: 1_000, maxMs, random }), signal)
  }

  /** What is still held: SQS gives a message back to its queue when it was hidden for twelve hours in all. */
  async #hideLonger(held: readonly Held[], url: string, options: CallOptions): Promise<readonly Held[]> {
    const { Failed: failed = [] } = await callService('sqs', 'ChangeMessageVisibilityBatch', () =>
      this.#client.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: url,
          Entries: held.map(({ message }, index) => ({
            Id: String(index),
            ReceiptHandle: message.ReceiptHandle,
            VisibilityTimeout: this.#visibilitySeconds
          }))
        }),
        sendOptions(options)
      )
    )
    const lost = new Map(failed.map(({ Id, Code }) => [Number(Id), Code ?? 'Unknown']))
    return held.filter(({ message }, index) => {
      const errorCode = lost.get(index)
      if (errorCode === undefined) return true
      this.#surroundings.onEvent({ type: 'messageNotHeld', messageId: message.MessageId ?? '', errorCode })
      return false
    })
  }

  #handedOn({ message, receiveCount, data }: Held, url: string): QueueMessage {
    const named = { QueueUrl: url, ReceiptHandle: message.ReceiptHandle }
    return {
      messageId: message.MessageId ?? '',
      data: data!,
      receiveCount,
      remove: async (options = {}) => {
        await callService('sqs', 'DeleteMessage', () =>
          this.#client.send(new DeleteMessageCommand(named), sendOptions(options))
        )
      },
      keep: async (seconds, options = {}) => {
        const VisibilityTimeout = checkInteger('seconds', seconds, 0, longestHiddenSeconds)
        await callService('sqs', 'ChangeMessageVisibility', () =>
          this.#client.send(
            new ChangeMessageVisibilityCommand({ ...named, VisibilityTimeout }),
            sendOptions(options)
          )
        )
      }
    }
  }
}
