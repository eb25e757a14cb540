import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { opened } from '../../helpers/local.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

const QueueUrl = 'http://localhost/000000000000/q'

function start() {
  const clock = new FakeClock()
  const restart = restartable({ clock })
  return {
    clock,
    restart: async () => opened(new SQSClient({ ...(await restart()).clientConfig('sqs'), maxAttempts: 1 }))
  }
}

const receive = async (client: SQSClient, input: Partial<ReceiveMessageCommandInput> = {}) =>
  (
    await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
        ...input
      })
    )
  ).Messages ?? []

const attributesOf = async (client: SQSClient) =>
  (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes

describe('the SQS engine with a state folder', () => {
  it('is the same after a restart: attributes, messages, visibility, receive counts, receipts', async () => {
    const { clock, restart } = start()
    let client = await restart()
    const { QueueUrl: dead } = await client.send(new CreateQueueCommand({ QueueName: 'dead' }))
    await client.send(
      new CreateQueueCommand({
        QueueName: 'q',
        Attributes: {
          VisibilityTimeout: '60',
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
            maxReceiveCount: 2
          })
        }
      })
    )
    await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'seen',
        MessageAttributes: {
          text: { DataType: 'String', StringValue: 'é' },
          bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) }
        }
      })
    )
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'late', DelaySeconds: 120 }))
    const [seen] = await receive(client)
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'new' }))
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'deleted' }))
    const deleted = (await receive(client)).find(({ Body }) => Body === 'deleted')
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: deleted!.ReceiptHandle }))
    const before = await attributesOf(client)
    expect(before).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '2',
      ApproximateNumberOfMessagesDelayed: '1'
    })

    client = await restart()
    expect(await attributesOf(client)).toEqual(before)
    expect(await receive(client)).toEqual([])
    // The receipt from before the restart is good.
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: seen!.ReceiptHandle,
        VisibilityTimeout: 10
      })
    )
    client = await restart()
    await clock.advance(10_000)
    const [again] = await receive(client)
    expect(again).toMatchObject({
      ...seen,
      ReceiptHandle: again!.ReceiptHandle,
      Attributes: expect.anything()
    })
    expect(again!.Attributes).toMatchObject({
      ...seen!.Attributes,
      ApproximateReceiveCount: '2',
      SentTimestamp: seen!.Attributes!.SentTimestamp
    })
    client = await restart()
    await clock.advance(120_000)
    // A third time there is none: it has moved, with its count and its source.
    expect((await receive(client)).map(({ Body }) => Body).sort()).toEqual(['late', 'new'])
    client = await restart()
    const [moved] = await receive(client, { QueueUrl: dead })
    expect(moved).toMatchObject({
      Body: 'seen',
      Attributes: {
        ApproximateReceiveCount: '3',
        DeadLetterQueueSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q'
      }
    })
  })

  it('keeps queues empty that were purged or deleted, and their names taken for a minute', async () => {
    const { clock, restart } = start()
    let client = await restart()
    const make = () => client.send(new CreateQueueCommand({ QueueName: 'q' }))
    await make()
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }))
    await client.send(new PurgeQueueCommand({ QueueUrl }))
    client = await restart()
    expect(await receive(client)).toEqual([])
    await expect(client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toThrow('every 60 seconds')
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'b' }))
    await client.send(new DeleteQueueCommand({ QueueUrl }))
    client = await restart()
    expect((await client.send(new ListQueuesCommand({}))).QueueUrls).toEqual([])
    await expect(make()).rejects.toThrow('You must wait 60 seconds')
    await clock.advance(60_000)
    await make()
    client = await restart()
    expect(await receive(client)).toEqual([])
  })

  it('lets messages expire over a restart', async () => {
    const { clock, restart } = start()
    let client = await restart()
    await client.send(
      new CreateQueueCommand({ QueueName: 'q', Attributes: { MessageRetentionPeriod: '60' } })
    )
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'old' }))
    await clock.advance(59_000)
    client = await restart()
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'young' }))
    await clock.advance(1_000)
    client = await restart()
    expect((await receive(client)).map(({ Body }) => Body)).toEqual(['young'])
  })

  it.each([2, 25])('has every acknowledged message after a SIGKILL behind %i requests', async count => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new SQSClient({ ...engines.clientConfig, maxAttempts: 1 }))
    await client.send(new CreateQueueCommand({ QueueName: 'q' }))
    const acknowledged = await putUntilKilled(engines, count, async number => {
      const Entries = Array.from({ length: 10 }, (_, index) => ({
        Id: String(index),
        MessageBody: `${number}-${index}-${'x'.repeat(5_000)}`
      }))
      const { Successful = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
      return Successful.map(({ MessageId }) => MessageId!)
    })
    const again = opened(new SQSClient((await launchEngines(folder)).clientConfig))
    const found = new Set<string>()
    for (;;) {
      const messages = await receive(again)
      if (messages.length === 0) break
      for (const { MessageId } of messages) found.add(MessageId!)
    }
    expect(acknowledged.flat().filter(id => !found.has(id))).toEqual([])
  })
})
