import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type MessageAttributeValue,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand
} from '@aws-sdk/client-sqs'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused, until } from '../case.ts'
import type { World } from '../world.ts'

const send = ({ sqs }: World, QueueUrl: string, MessageBody = 'body', further: object = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...further }))

const receive = async ({ sqs }: World, QueueUrl: string, further: Partial<ReceiveMessageCommandInput> = {}) =>
  (
    await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2, ...further })
    )
  ).Messages ?? []

const attributes = async ({ sqs }: World, QueueUrl: string) =>
  (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes!

export const sqsCases: readonly ConformanceCase[] = [
  caseOf('sqs.queue.url', 'GetQueueUrl finds what CreateQueue made', async world => {
    const QueueName = world.name()
    const { QueueUrl } = await world.sqs.send(new CreateQueueCommand({ QueueName }))
    expect((await world.sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl).toBe(QueueUrl)
    expect(QueueUrl!.endsWith(`/${QueueName}`)).toBe(true)
  }),
  caseOf('sqs.queue.missing', 'a queue that is not there is a QueueDoesNotExist', async world => {
    await refused(
      world.sqs.send(new GetQueueUrlCommand({ QueueName: world.name() })),
      'QueueDoesNotExist',
      'AWS.SimpleQueueService.NonExistentQueue'
    )
  }),
  caseOf(
    'sqs.queue.twice',
    'the same queue can be created twice, one with other attributes cannot',
    async world => {
      const QueueName = world.name()
      const create = (DelaySeconds: string) =>
        world.sqs.send(new CreateQueueCommand({ QueueName, Attributes: { DelaySeconds } }))
      expect((await create('1')).QueueUrl).toBe((await create('1')).QueueUrl)
      await refused(create('2'), 'QueueNameExists', 'QueueAlreadyExists')
    }
  ),
  caseOf('sqs.queue.defaults', 'a queue has the documented defaults', async world => {
    expect(await attributes(world, await world.queue())).toMatchObject({
      VisibilityTimeout: '30',
      MessageRetentionPeriod: '345600',
      DelaySeconds: '0',
      ReceiveMessageWaitTimeSeconds: '0'
    })
  }),
  caseOf('sqs.queue.list', 'ListQueues lists by prefix', async world => {
    const url = await world.queue()
    const QueueNamePrefix = url.slice(url.lastIndexOf('/') + 1)
    expect((await world.sqs.send(new ListQueuesCommand({ QueueNamePrefix }))).QueueUrls).toEqual([url])
  }),
  caseOf('sqs.queue.set-attributes', 'attributes are changed and told', async world => {
    const QueueUrl = await world.queue()
    await world.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '90' } }))
    const found = await until(
      () => attributes(world, QueueUrl),
      ({ VisibilityTimeout }) => VisibilityTimeout === '90'
    )
    expect(found.QueueArn).toMatch(/^arn:aws[\w-]*:sqs:/)
  }),
  caseOf('sqs.queue.bad-attribute', 'a visibility timeout of 13 hours is refused', async world => {
    const QueueUrl = await world.queue()
    await refused(
      world.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '46800' } })),
      'InvalidAttributeValue'
    )
  }),
  caseOf('sqs.message.round-trip', 'a message comes back with its body and id', async world => {
    const QueueUrl = await world.queue()
    const { MessageId } = await send(world, QueueUrl, 'tëxt')
    expect(await receive(world, QueueUrl)).toMatchObject([{ Body: 'tëxt', MessageId }])
  }),
  caseOf(
    'sqs.message.attributes',
    'attributes come back, text and binary, with a digest that the SDK accepts',
    async world => {
      const QueueUrl = await world.queue()
      const MessageAttributes: Record<string, MessageAttributeValue> = {
        b: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2]) },
        a: { DataType: 'String.label', StringValue: 'x' },
        n: { DataType: 'Number', StringValue: '7' }
      }
      const { MD5OfMessageAttributes } = await send(world, QueueUrl, 'x', { MessageAttributes })
      const [message] = await receive(world, QueueUrl, { MessageAttributeNames: ['All'] })
      expect(message!.MessageAttributes).toMatchObject({
        a: { DataType: 'String.label', StringValue: 'x' },
        n: { DataType: 'Number', StringValue: '7' }
      })
      expect(Buffer.from(message!.MessageAttributes!.b!.BinaryValue!)).toEqual(Buffer.from([1, 2]))
      expect(message!.MD5OfMessageAttributes).toBe(MD5OfMessageAttributes)
    }
  ),
  caseOf('sqs.message.not-asked', 'attributes that nobody asks for are left out', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl, 'x', { MessageAttributes: { a: { DataType: 'String', StringValue: 'x' } } })
    const [message] = await receive(world, QueueUrl)
    expect(message!.MessageAttributes).toBeUndefined()
    expect(message!.Attributes).toBeUndefined()
  }),
  caseOf('sqs.message.empty', 'an empty body is refused', async world => {
    await refused(send(world, await world.queue(), ''), 'MissingParameter', 'InvalidParameterValue')
  }),
  caseOf('sqs.message.bad-character', 'a character that XML does not know is refused', async world => {
    await refused(
      send(world, await world.queue(), 'a\u0001b'),
      'InvalidMessageContents',
      'InvalidParameterValue'
    )
  }),
  caseOf('sqs.message.hidden', 'a message in flight is hidden until its timeout is over', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl)
    expect(await receive(world, QueueUrl, { VisibilityTimeout: 1 })).toHaveLength(1)
    expect(await receive(world, QueueUrl, { WaitTimeSeconds: 0 })).toEqual([])
    expect(await receive(world, QueueUrl, { WaitTimeSeconds: 10 })).toHaveLength(1)
  }),
  caseOf('sqs.message.visibility-zero', 'a visibility of zero gives a message back at once', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl)
    const [message] = await receive(world, QueueUrl)
    await world.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: message!.ReceiptHandle!,
        VisibilityTimeout: 0
      })
    )
    expect(await receive(world, QueueUrl)).toHaveLength(1)
  }),
  caseOf('sqs.message.delete', 'a deleted message does not come back', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl)
    const [message] = await receive(world, QueueUrl, { VisibilityTimeout: 1 })
    await world.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message!.ReceiptHandle! }))
    expect(await receive(world, QueueUrl)).toEqual([])
  }),
  caseOf('sqs.message.bad-handle', 'what is no receipt handle is a ReceiptHandleIsInvalid', async world => {
    const QueueUrl = await world.queue()
    await refused(
      world.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'nonsense' })),
      'ReceiptHandleIsInvalid'
    )
  }),
  caseOf('sqs.message.counts', 'a message tells how often it was received', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl)
    await receive(world, QueueUrl, { VisibilityTimeout: 0 })
    const [message] = await receive(world, QueueUrl, {
      MessageSystemAttributeNames: ['ApproximateReceiveCount']
    })
    expect(message!.Attributes).toEqual({ ApproximateReceiveCount: '2' })
  }),
  caseOf('sqs.message.delay', 'a delayed message comes when its delay is over', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl, 'later', { DelaySeconds: 1 })
    expect(await receive(world, QueueUrl, { WaitTimeSeconds: 0 })).toEqual([])
    expect(await receive(world, QueueUrl, { WaitTimeSeconds: 10 })).toHaveLength(1)
  }),
  caseOf('sqs.message.long-poll', 'a long poll ends when a message comes', async world => {
    const QueueUrl = await world.queue()
    const polled = receive(world, QueueUrl, { WaitTimeSeconds: 20 })
    await send(world, QueueUrl)
    expect(await polled).toHaveLength(1)
  }),
  caseOf('sqs.batch.partial', 'a batch tells what failed by its id, and takes the rest', async world => {
    const QueueUrl = await world.queue()
    const { Successful, Failed } = await world.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'x' },
          { Id: 'bad', MessageBody: 'x', DelaySeconds: 901 }
        ]
      })
    )
    expect(Successful?.map(({ Id }) => Id)).toEqual(['good'])
    expect(Failed).toMatchObject([{ Id: 'bad', SenderFault: true }])
  }),
  caseOf('sqs.batch.eleven', 'a batch of eleven is refused', async world => {
    const QueueUrl = await world.queue()
    const Entries = Array.from({ length: 11 }, (_, at) => ({ Id: `${at}`, MessageBody: 'x' }))
    await refused(
      world.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
      'TooManyEntriesInBatchRequest',
      'AWS.SimpleQueueService.TooManyEntriesInBatchRequest'
    )
  }),
  caseOf('sqs.batch.same-ids', 'a batch with one id twice is refused', async world => {
    const QueueUrl = await world.queue()
    const Entries = [1, 2].map(() => ({ Id: 'a', MessageBody: 'x' }))
    await refused(
      world.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
      'BatchEntryIdsNotDistinct',
      'AWS.SimpleQueueService.BatchEntryIdsNotDistinct'
    )
  }),
  caseOf('sqs.batch.empty', 'an empty batch is refused', async world => {
    const QueueUrl = await world.queue()
    await refused(
      world.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [] })),
      'EmptyBatchRequest',
      'AWS.SimpleQueueService.EmptyBatchRequest'
    )
  }),
  caseOf('sqs.redrive', 'a message that is received too often goes to the dead-letter queue', async world => {
    const target = await world.queue()
    const { QueueArn: deadLetterTargetArn } = await attributes(world, target)
    const QueueUrl = await world.queue({
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 })
    })
    await send(world, QueueUrl, 'poison')
    await receive(world, QueueUrl, { VisibilityTimeout: 0 })
    expect(await receive(world, QueueUrl)).toEqual([])
    expect(await receive(world, target)).toMatchObject([{ Body: 'poison' }])
  }),
  caseOf('sqs.purge', 'a purged queue is empty', async world => {
    const QueueUrl = await world.queue()
    await send(world, QueueUrl)
    await world.sqs.send(new PurgeQueueCommand({ QueueUrl }))
    await until(
      () => attributes(world, QueueUrl),
      found => found.ApproximateNumberOfMessages === '0'
    )
  })
]
