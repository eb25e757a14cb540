import { createHash } from 'node:crypto'
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type Message,
  PurgeQueueCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import type { LocalOptions } from '../../local/index.ts'
import { AwsError } from '../../local/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { opened, openLocal } from '../helpers/local.ts'

async function start(
  Attributes: Partial<Record<QueueAttributeName, string>> = {},
  options: Omit<LocalOptions, 'clock'> = {}
) {
  const clock = new FakeClock()
  const local = await openLocal({ ...options, clock })
  const client = opened(new SQSClient({ ...local.clientConfig('sqs'), maxAttempts: 1 }))
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'q', Attributes }))
  const url = QueueUrl!
  return {
    clock,
    local,
    client,
    url,
    send: (MessageBody: string, DelaySeconds?: number) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody,
          ...(DelaySeconds === undefined ? {} : { DelaySeconds })
        })
      ),
    receive: async (input: Omit<ReceiveMessageCommandInput, 'QueueUrl'> = {}): Promise<readonly Message[]> =>
      (await client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, ...input })))
        .Messages ?? [],
    attributes: async (...AttributeNames: QueueAttributeName[]) =>
      (await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames }))).Attributes
  }
}

const bodies = (messages: readonly Message[]): (string | undefined)[] => messages.map(({ Body }) => Body)
const handle = ([message]: readonly Message[]): string => message!.ReceiptHandle!

describe('queues of the SQS engine', () => {
  it('are made once: again with equal attributes, refused with others', async () => {
    const { client, url } = await start({ VisibilityTimeout: '5' })
    const again = (Attributes: Partial<Record<QueueAttributeName, string>>) =>
      client.send(new CreateQueueCommand({ QueueName: 'q', Attributes }))
    expect((await again({ VisibilityTimeout: '5' })).QueueUrl).toBe(url)
    expect((await again({})).QueueUrl).toBe(url)
    // A default counts as the value it stands for.
    expect((await again({ DelaySeconds: '0' })).QueueUrl).toBe(url)
    await expect(again({ VisibilityTimeout: '6' })).rejects.toMatchObject({ name: 'QueueNameExists' })
  })

  it('are found by name, listed by prefix page by page, and deleted', async () => {
    const { client, clock, url } = await start()
    for (const QueueName of ['a-1', 'a-2', 'a-3']) await client.send(new CreateQueueCommand({ QueueName }))
    expect((await client.send(new GetQueueUrlCommand({ QueueName: 'q' }))).QueueUrl).toBe(url)
    const first = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2 }))
    const { NextToken } = first
    const second = await client.send(
      new ListQueuesCommand({ QueueNamePrefix: 'a-', MaxResults: 2, NextToken })
    )
    const names = [first, second].map(({ QueueUrls }) => QueueUrls?.map(found => found.split('/').at(-1)))
    expect(names).toEqual([['a-1', 'a-2'], ['a-3']])
    expect(second.NextToken).toBeUndefined()
    await client.send(new DeleteQueueCommand({ QueueUrl: url }))
    for (const command of [
      new GetQueueUrlCommand({ QueueName: 'q' }),
      new SendMessageCommand({ QueueUrl: url, MessageBody: 'x' })
    ]) {
      await expect(client.send(command as GetQueueUrlCommand)).rejects.toMatchObject({
        name: 'QueueDoesNotExist',
        $metadata: { httpStatusCode: 400 }
      })
    }
    // The name is taken for another minute.
    const make = () => client.send(new CreateQueueCommand({ QueueName: 'q' }))
    await expect(make()).rejects.toMatchObject({ name: 'QueueDeletedRecently' })
    await clock.advance(60_000)
    await make()
  })

  it('describe themselves: settings, counts, encryption', async () => {
    const { client, url, send, receive, attributes } = await start()
    await send('one')
    await send('two')
    await send('later', 60)
    await receive({ MaxNumberOfMessages: 1 })
    expect(await attributes('All')).toMatchObject({
      QueueArn: 'arn:aws:sqs:us-east-1:000000000000:q',
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesNotVisible: '1',
      ApproximateNumberOfMessagesDelayed: '1',
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      VisibilityTimeout: '30',
      SqsManagedSseEnabled: 'true'
    })
    const set = (Attributes: Partial<Record<QueueAttributeName, string>>) =>
      client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }))
    await set({ KmsMasterKeyId: 'alias/state' })
    const encryption: QueueAttributeName[] = [
      'KmsMasterKeyId',
      'KmsDataKeyReusePeriodSeconds',
      'SqsManagedSseEnabled'
    ]
    expect(await attributes(...encryption)).toEqual({
      KmsMasterKeyId: 'alias/state',
      KmsDataKeyReusePeriodSeconds: '300',
      SqsManagedSseEnabled: 'false'
    })
    await set({ SqsManagedSseEnabled: 'true' })
    expect(await attributes(...encryption)).toEqual({ SqsManagedSseEnabled: 'true' })
    await expect(set({ SqsManagedSseEnabled: 'true', KmsMasterKeyId: 'k' })).rejects.toMatchObject({
      name: 'InvalidAttributeValue'
    })
  })

  it.each([
    [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    [{ MaximumMessageSize: '1048577' }, 'InvalidAttributeValue'],
    [{ MessageRetentionPeriod: '59' }, 'InvalidAttributeValue'],
    [{ Policy: '{' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: '{"maxReceiveCount":1}' }, 'InvalidAttributeValue'],
    [{ SqsManagedSseEnabled: 'yes' }, 'InvalidAttributeValue'],
    [{ QueueArn: 'x' }, 'InvalidAttributeName'],
    [{ FifoQueue: 'true' }, 'UnsupportedOperation']
  ])('refuse the attributes %j', async (Attributes, name) => {
    const { client, url } = await start()
    await expect(
      client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }))
    ).rejects.toMatchObject({ name })
  })

  it('are purged once a minute at most', async () => {
    const { client, clock, url, send, receive } = await start()
    await send('x')
    const purge = () => client.send(new PurgeQueueCommand({ QueueUrl: url }))
    await purge()
    expect(await receive()).toEqual([])
    await expect(purge()).rejects.toMatchObject({ name: 'PurgeQueueInProgress' })
    await clock.advance(60_000)
    await purge()
  })
})

describe('messages of the SQS engine', () => {
  it('carry the digests that AWS computes, and what is asked for', async () => {
    const { client, clock, url, receive } = await start()
    const MessageBody = 'body é 😀'
    const sent = await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody,
        MessageAttributes: {
          code: { DataType: 'String', StringValue: 'A' },
          // Binary stands behind by name, and has another byte for its kind.
          raw: { DataType: 'Binary.png', BinaryValue: Buffer.from([0, 255]) },
          'n.1': { DataType: 'Number', StringValue: '7' }
        }
      })
    )
    expect(sent.MD5OfMessageBody).toBe(createHash('md5').update(MessageBody).digest('hex'))
    // Written out by hand: length, name, length, type, kind, length, value.
    const layout =
      '00000004' +
      '636f6465' +
      '00000006' +
      '537472696e67' +
      '01' +
      '00000001' +
      '41' +
      '00000003' +
      '6e2e31' +
      '00000006' +
      '4e756d626572' +
      '01' +
      '00000001' +
      '37' +
      '00000003' +
      '726177' +
      '0000000a' +
      '42696e6172792e706e67' +
      '02' +
      '00000002' +
      '00ff'
    const md5 = createHash('md5').update(Buffer.from(layout, 'hex')).digest('hex')
    expect(sent.MD5OfMessageAttributes).toBe(md5)
    const [message] = await receive({
      // The older name of the member.
      AttributeNames: ['All'],
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 0
    })
    expect(message).toMatchObject({
      Body: MessageBody,
      MessageId: sent.MessageId,
      MD5OfMessageAttributes: md5,
      MessageAttributes: { raw: { DataType: 'Binary.png', BinaryValue: Uint8Array.of(0, 255) } },
      Attributes: {
        SentTimestamp: String(clock.wallTime()),
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: String(clock.wallTime())
      }
    })
    const [some] = await receive({
      MessageAttributeNames: ['n.*'],
      MessageSystemAttributeNames: ['ApproximateReceiveCount']
    })
    expect(some?.MessageAttributes).toEqual({ 'n.1': { DataType: 'Number', StringValue: '7' } })
    expect(some?.Attributes).toEqual({ ApproximateReceiveCount: '2' })
  })

  it('become visible again after their timeout, under a new handle; the old one deletes nothing', async () => {
    const { client, clock, url, send, receive } = await start({ VisibilityTimeout: '30' })
    await send('x')
    const first = handle(await receive())
    await clock.advance(29_999)
    expect(await receive()).toEqual([])
    await clock.advance(1)
    const second = handle(await receive())
    expect(second).not.toBe(first)
    const remove = (ReceiptHandle: string) =>
      client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }))
    await remove(first)
    await clock.advance(30_000)
    expect(bodies(await receive({ VisibilityTimeout: 0 }))).toEqual(['x'])
    const last = handle(await receive())
    await remove(last)
    await remove(last)
    await clock.advance(30_000)
    expect(await receive()).toEqual([])
    await expect(remove('nonsense')).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' })
  })

  it('have their visibility changed while they are in flight, and only then', async () => {
    const { client, clock, url, send, receive } = await start()
    await send('x')
    const ReceiptHandle = handle(await receive())
    const change = (VisibilityTimeout: number) =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }))
    await change(100)
    await clock.advance(99_999)
    expect(await receive()).toEqual([])
    await change(0)
    await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' })
    expect(bodies(await receive())).toEqual(['x'])
    await expect(change(10)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    await expect(change(43_201)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('come late when they are delayed, and go with their retention', async () => {
    const { clock, send, receive } = await start({ DelaySeconds: '10', MessageRetentionPeriod: '60' })
    await send('by default')
    await send('at once', 0)
    expect(bodies(await receive({ VisibilityTimeout: 0 }))).toEqual(['at once'])
    await clock.advance(10_000)
    expect(bodies(await receive({ VisibilityTimeout: 0 }))).toEqual(['by default', 'at once'])
    await clock.advance(50_000)
    expect(await receive()).toEqual([])
  })

  it('are waited for: by long polling, until one is sent or becomes visible, or time is up', async () => {
    const { clock, send, receive } = await start({ VisibilityTimeout: '5' })
    const waiting = async (polling: Promise<readonly Message[]>) => {
      // The request is on its way over a socket, which no clock of ours moves.
      await expect.poll(() => clock.pending).toBeGreaterThan(0)
      return { polling }
    }
    const sent = await waiting(receive({ WaitTimeSeconds: 20 }))
    await send('one')
    expect(bodies(await sent.polling)).toEqual(['one'])
    const hidden = await waiting(receive({ WaitTimeSeconds: 20 }))
    await clock.advance(5_000)
    expect(bodies(await hidden.polling)).toEqual(['one'])
    const inVain = await waiting(receive({ WaitTimeSeconds: 3 }))
    await clock.advance(3_000)
    expect(await inVain.polling).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('stay for others when the caller that waited has gone', async () => {
    const { client, clock, url, send, receive } = await start()
    const gone = new AbortController()
    const polling = client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: gone.signal
    })
    await expect.poll(() => clock.pending).toBe(1)
    gone.abort()
    await expect(polling).rejects.toMatchObject({ name: 'AbortError' })
    await expect.poll(() => clock.pending).toBe(0)
    await send('x')
    expect(bodies(await receive())).toEqual(['x'])
  })

  it('move to the dead-letter queue when they were received too often', async () => {
    const { client, url, send, receive } = await start()
    const dead = await client.send(new CreateQueueCommand({ QueueName: 'dead' }))
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
      maxReceiveCount: 2
    })
    await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy } }))
    await send('x')
    for (let time = 1; time <= 2; time += 1) {
      expect(bodies(await receive({ VisibilityTimeout: 0 }))).toEqual(['x'])
    }
    expect(await receive()).toEqual([])
    const { Messages } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: dead.QueueUrl, MessageSystemAttributeNames: ['All'] })
    )
    expect(Messages?.[0]).toMatchObject({
      Body: 'x',
      Attributes: {
        ApproximateReceiveCount: '3',
        DeadLetterQueueSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q'
      }
    })
  })

  it.each([
    ['an empty body', { MessageBody: '' }, 'MissingParameter'],
    ['a control character', { MessageBody: '\u0000' }, 'InvalidMessageContents'],
    ['a delay over 15 minutes', { MessageBody: 'x', DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['1 MiB and a byte', { MessageBody: 'x'.repeat(1_048_577) }, 'InvalidParameterValue'],
    [
      'attributes that take it over the limit',
      {
        MessageBody: 'x'.repeat(1_048_576 - 7),
        MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } }
      },
      'InvalidParameterValue'
    ],
    [
      'an unknown type of attribute',
      { MessageBody: 'x', MessageAttributes: { a: { DataType: 'Date', StringValue: 'b' } } },
      'InvalidParameterValue'
    ],
    [
      'a reserved name of an attribute',
      { MessageBody: 'x', MessageAttributes: { 'AWS.a': { DataType: 'String', StringValue: 'b' } } },
      'InvalidParameterValue'
    ]
  ])('are refused with %s', async (_, input, name) => {
    const { client, url, receive } = await start()
    await expect(client.send(new SendMessageCommand({ QueueUrl: url, ...input }))).rejects.toMatchObject({
      name
    })
    expect(await receive()).toEqual([])
  })

  it('may be as large as 1 MiB, or as the queue says', async () => {
    const { client, url, send, receive } = await start()
    await send('x'.repeat(1_048_576))
    expect((await receive())[0]?.Body).toHaveLength(1_048_576)
    await client.send(
      new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { MaximumMessageSize: '1024' } })
    )
    await expect(send('x'.repeat(1_025))).rejects.toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('go in batches, entry by entry', async () => {
    const { client, url, receive } = await start()
    const sent = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', MessageBody: 'one' },
          { Id: 'b', MessageBody: '\u0000' },
          { Id: 'c', MessageBody: 'two' }
        ]
      })
    )
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c'])
    expect(sent.Failed).toMatchObject([{ Id: 'b', SenderFault: true, Code: 'InvalidMessageContents' }])
    const received = await receive()
    const Entries = [
      ...received.map(({ ReceiptHandle }, index) => ({ Id: `m${index}`, ReceiptHandle })),
      { Id: 'bad', ReceiptHandle: 'nonsense' }
    ]
    const shown = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: Entries.map(entry => ({ ...entry, VisibilityTimeout: 60 }))
      })
    )
    expect(shown.Failed).toMatchObject([{ Id: 'bad', Code: 'ReceiptHandleIsInvalid' }])
    const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
    expect(deleted.Successful).toEqual([{ Id: 'm0' }, { Id: 'm1' }])
    expect(deleted.Failed).toMatchObject([{ Id: 'bad' }])
  })

  it.each([
    ['none', [], 'EmptyBatchRequest'],
    [
      'eleven',
      Array.from({ length: 11 }, (_, index) => ({ Id: `${index}`, MessageBody: 'x' })),
      'TooManyEntriesInBatchRequest'
    ],
    [
      'equal ids',
      [
        { Id: 'a', MessageBody: 'x' },
        { Id: 'a', MessageBody: 'y' }
      ],
      'BatchEntryIdsNotDistinct'
    ],
    ['an id that is none', [{ Id: 'a b', MessageBody: 'x' }], 'InvalidBatchEntryId'],
    [
      'more than 1 MiB',
      ['a', 'b'].map(Id => ({ Id, MessageBody: 'x'.repeat(600_000) })),
      'BatchRequestTooLong'
    ]
  ])('are refused in a batch with %s', async (_, Entries, name) => {
    const { client, url, receive } = await start()
    await expect(client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))).rejects.toMatchObject({
      name
    })
    expect(await receive()).toEqual([])
  })

  it('are part of everything at rest until they are deleted', async () => {
    const { client, local, url, receive } = await start()
    await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: 'the body',
        MessageAttributes: { raw: { DataType: 'Binary', BinaryValue: Buffer.from('the attribute') } }
      })
    )
    const atRest = async (): Promise<string> => {
      const pieces = []
      for await (const piece of local.everythingAtRest()) pieces.push(piece)
      return Buffer.concat(pieces).toString()
    }
    expect(await atRest()).toContain('the body')
    expect(await atRest()).toContain('the attribute')
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: handle(await receive()) }))
    expect(await atRest()).not.toContain('the body')
  })

  it('meet scripted faults', async () => {
    let isLost = true
    const { send, receive } = await start(
      {},
      {
        faults: {
          sqs: operation => {
            if (operation === 'ReceiveMessage') {
              return { kind: 'error', error: new AwsError('RequestThrottled', 'slow down', 403) }
            }
            if (operation !== 'SendMessage' || !isLost) return undefined
            isLost = false
            return { kind: 'loseAnswer' }
          }
        }
      }
    )
    await expect(send('x')).rejects.toMatchObject({ code: 'ECONNRESET' })
    await send('x')
    await expect(receive()).rejects.toMatchObject({ name: 'RequestThrottled' })
  })
})
