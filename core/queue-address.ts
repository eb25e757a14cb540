import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { CallOptions } from './aws-ports.ts'
import { checkString } from './check-option.ts'
import { sendOptions } from './sdk-client.ts'
import { callService } from './service-errors.ts'

/** The URL of a queue that was named, asked for once; a queue given by its URL is never asked for. */
export class QueueAddress {
  readonly #client: SQSClient
  readonly #queue: string
  #url: string | undefined

  /** @throws InvalidOptionError */
  constructor(client: SQSClient, queue: string) {
    this.#client = client
    this.#queue = checkString('queue', queue)
    if (/^https?:\/\//.test(queue)) this.#url = queue
  }

  /** Also of a queue that was given by its URL, which ends in it. */
  get queueName(): string {
    return this.#queue.slice(this.#queue.lastIndexOf('/') + 1)
  }

  /** @throws ServiceError */
  async url(options: CallOptions): Promise<string> {
    this.#url ??= await callService('sqs', 'GetQueueUrl', async () => {
      const { QueueUrl } = await this.#client.send(
        new GetQueueUrlCommand({ QueueName: this.#queue }),
        sendOptions(options)
      )
      return QueueUrl!
    })
    return this.#url
  }
}
