import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkInteger, checkKnownOptions } from '../../core/check-option.ts'
import { QueueAddress } from '../../core/queue-address.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'
import { SealedBodies, type SealedBodiesOptions } from './sealed-bodies.ts'

export interface SealedQueueSenderOptions extends Omit<SealedBodiesOptions, 'queueName'> {
  readonly client: SQSClient
  /** Name of a standard queue, or its URL, which saves the right `sqs:GetQueueUrl`. */
  readonly queue: string
}

export interface QueueSendOptions extends CallOptions {
  /** Of the message, for a tenant keyring alone. */
  readonly tenant?: string
  /** Time until it can be received, in seconds. Range 0 to 900. @default what the queue says */
  readonly delaySeconds?: number
}

/** Seals payloads and sends them to a queue. Nothing of a payload leaves the process but sealed. */
export class SealedQueueSender {
  readonly #client: SQSClient
  readonly #address: QueueAddress
  readonly #bodies: SealedBodies

  /** @throws InvalidOptionError */
  constructor(options: SealedQueueSenderOptions) {
    checkKnownOptions('', options, ['client', 'queue', 'keyring', 'context', 'maxBodyBytes'])
    const { client, queue, ...sealing } = options
    this.#client = client
    this.#address = new QueueAddress(client, queue)
    this.#bodies = new SealedBodies({ ...sealing, queueName: this.#address.queueName })
  }

  /**
   * Resolves when SQS has stored the message. Sending again after a lost answer makes a second message.
   * @throws InvalidRecordError when the payload is too large for a message
   * @throws KeyUnavailableError when nothing can be sealed at the moment
   * @throws ServiceError
   */
  async send(data: Uint8Array, options: QueueSendOptions = {}): Promise<{ readonly messageId: string }> {
    const delay =
      options.delaySeconds === undefined
        ? {}
        : { DelaySeconds: checkInteger('delaySeconds', options.delaySeconds, 0, 900) }
    const body = await this.#bodies.seal(data, options.tenant)
    const url = await this.#address.url(options)
    const { MessageId } = await callService('sqs', 'SendMessage', () =>
      this.#client.send(
        new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...delay }),
        sendOptions(options)
      )
    )
    return { messageId: MessageId ?? '' }
  }

  /** Wipes the data key. The client stays open. */
  close(): void {
    this.#bodies.close()
  }
}
