import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkString } from '../../core/check-option.ts'
import { sendOptions } from '../../core/sdk-client.ts'
import { callService } from '../../core/service-errors.ts'

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
