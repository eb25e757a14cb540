import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { KeyUnavailableError } from '../../../core/errors.ts'
import type { SealingKeyring } from '../../../core/record-transform.ts'
import {
  type QueueEvent,
  SealedQueueReceiver,
  type SealedQueueReceiverOptions,
  SealedQueueSender
} from '../../../pipeline/queues/index.ts'
import { aKeyring } from '../../crypto/messages.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { opened, openLocal } from '../../helpers/local.ts'

const payload = Buffer.from('pay 100 to Ann')

/** A queue whose messages are moved to `payments-dead` once they were received twice. */
async function start() {
  const clock = new FakeClock()
  const local = await openLocal({ clock })
  const client = opened(new SQSClient({ ...local.clientConfig('sqs'), maxAttempts: 1 }))
  const create = async (QueueName: string, Attributes: Record<string, string> = {}): Promise<string> =>
    (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!
  const deadUrl = await create('payments-dead')
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] })
  )
  const url = await create('payments', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes!.QueueArn, maxReceiveCount: 2 })
  })
  const events: QueueEvent[] = []
  const given = { client, keyring: aKeyring(), context: { pipeline: 'shop' } }
  return {
    clock,
    client,
    url,
    deadUrl,
    events,
    sender: new SealedQueueSender({ ...given, queue: 'payments' }),
    receiver: (more: Partial<SealedQueueReceiverOptions> = {}) =>
      new SealedQueueReceiver({
        ...given,
        queue: 'payments',
        waitSeconds: 0,
        visibilitySeconds: 30,
        clock,
        random: () => 0.999,
        onEvent: event => events.push(event),
        ...more
      }),
    sendBody: (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl: url, MessageBody })),
    bodiesOf: async (QueueUrl: string) =>
      (
        (
          await client.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 })
          )
        ).Messages ?? []
      ).map(({ Body }) => Body!)
  }
}

/** Its key can be had while `isThere` says so. */
function aKeyringThatComesAndGoes(isThere: () => boolean): SealingKeyring {
  const keyring = aKeyring()
  return {
    createSealer: options => keyring.createSealer(options),
    createOpener: options => {
      const opener = keyring.createOpener(options)
      return {
        get keyStats() {
          return opener.keyStats
        },
        isSealed: data => opener.isSealed(data),
        open: async message => {
          if (isThere()) return opener.open(message)
          throw new KeyUnavailableError('gone', { serviceCode: 'DisabledException' })
        },
        close: () => opener.close()
      }
    }
  }
}

describe('a queue of sealed messages', () => {
  it('carries payloads that SQS cannot read, and keeps each until it is removed', async () => {
    const { clock, sender, receiver, bodiesOf, url } = await start()
    const { messageId } = await sender.send(payload)
    for (const body of await bodiesOf(url)) {
      expect(Buffer.from(body, 'base64').includes(payload)).toBe(false)
    }
    const reader = receiver()
    const [first] = await reader.receive()
    expect(first).toMatchObject({ messageId, data: payload, receiveCount: 2 })
    expect(await reader.receive()).toEqual([])
    await first!.remove()
    await clock.advance(60_000)
    expect(await reader.receive()).toEqual([])
  })

  it('can be named by its URL: what it is sealed for is the name', async () => {
    const { url, sender, client, receiver } = await start()
    const byUrl = new SealedQueueSender({
      client,
      queue: url,
      keyring: aKeyring(),
      context: { pipeline: 'shop' }
    })
    await byUrl.send(payload)
    await sender.send(payload)
    const messages = await receiver({ queue: url }).receive()
    expect(messages.map(({ data }) => Buffer.from(data))).toEqual([payload, payload])
  })

  it('gives a message back at once, or hides it for longer', async () => {
    const { clock, sender, receiver } = await start()
    await sender.send(payload)
    const reader = receiver()
    await (await reader.receive())[0]!.keep(0)
    const [again] = await reader.receive()
    expect(again).toMatchObject({ receiveCount: 2 })
    await again!.keep(600)
    await clock.advance(599_000)
    expect(await reader.receive()).toEqual([])
  })

  it('delays a message by as much as is asked', async () => {
    const { clock, sender, receiver } = await start()
    await sender.send(payload, { delaySeconds: 100 })
    expect(await receiver().receive()).toEqual([])
    await clock.advance(100_001)
    expect(await receiver().receive()).toHaveLength(1)
  })

  it('keeps what cannot be opened, tells of it without its content, and its redrive policy moves it aside', async () => {
    const { clock, sender, receiver, sendBody, bodiesOf, deadUrl, events } = await start()
    await sendBody('an open MARKER')
    await sender.send(payload)
    const reader = receiver()
    const messages = await reader.receive()
    expect(messages.map(({ data }) => Buffer.from(data))).toEqual([payload])
    await messages[0]!.remove()
    await clock.advance(31_000)
    expect(await reader.receive()).toEqual([])
    await clock.advance(31_000)
    expect(await reader.receive()).toEqual([])
    expect(events).toEqual([
      expect.objectContaining({ receiveCount: 1, errorCode: 'SEALSTREAM_MALFORMED_MESSAGE' }),
      expect.objectContaining({ type: 'messageRefused', receiveCount: 2 })
    ])
    expect(JSON.stringify(events)).not.toContain('MARKER')
    expect(await bodiesOf(deadUrl)).toEqual(['an open MARKER'])
  })

  it('reads a queue of dead letters by the name of the queue that they were sealed for', async () => {
    const { clock, sender, receiver } = await start()
    await sender.send(payload)
    for (let count = 0; count < 3; count += 1) {
      await receiver().receive()
      await clock.advance(31_000)
    }
    expect(await receiver({ queue: 'payments-dead' }).receive()).toEqual([])
    await clock.advance(31_000)
    const [moved] = await receiver({ queue: 'payments-dead', sealedFor: 'payments' }).receive()
    expect(moved).toMatchObject({ data: payload })
  })

  it('holds messages while their key cannot be had, so that none is moved aside', async () => {
    let isThere = false
    const { clock, sender, receiver, events } = await start()
    for (let count = 0; count < 3; count += 1) await sender.send(payload)
    const reader = receiver({ keyring: aKeyringThatComesAndGoes(() => isThere) })
    let received: unknown
    const receiving = reader.receive().then(messages => {
      received = messages
      return messages
    })
    while (events.length < 1) await new Promise(resolve => setImmediate(resolve))
    for (let turn = 1; turn < 20; turn += 1) {
      await clock.advance(10_000)
      while (events.length < turn + 1) await new Promise(resolve => setImmediate(resolve))
      expect(await receiver().receive()).toEqual([])
    }
    expect(received).toBeUndefined()
    expect(new Set(events.map(event => JSON.stringify(event)))).toEqual(
      new Set([JSON.stringify({ type: 'keyUnavailable', messages: 3, serviceCode: 'DisabledException' })])
    )
    isThere = true
    await clock.advance(10_000)
    const messages = await receiving
    expect(messages.map(({ receiveCount }) => receiveCount)).toEqual([1, 1, 1])
  })

  it('stops waiting for a key when the signal aborts', async () => {
    const { sender, receiver, events } = await start()
    await sender.send(payload)
    const stop = new AbortController()
    const receiving = receiver({ keyring: aKeyringThatComesAndGoes(() => false) }).receive({
      signal: stop.signal
    })
    while (events.length < 1) await new Promise(resolve => setImmediate(resolve))
    stop.abort(new Error('enough'))
    await expect(receiving).rejects.toThrow('enough')
  })

  it('does not hand on what was removed while it was held', async () => {
    let isThere = false
    const { clock, client, url, sender, receiver, events } = await start()
    const { messageId } = await sender.send(payload)
    const receiving = receiver({ keyring: aKeyringThatComesAndGoes(() => isThere) }).receive()
    while (events.length < 1) await new Promise(resolve => setImmediate(resolve))
    await client.send(new PurgeQueueCommand({ QueueUrl: url }))
    isThere = true
    await clock.advance(10_000)
    expect(await receiving).toEqual([])
    expect(events.at(-1)).toEqual({
      type: 'messageNotHeld',
      messageId,
      errorCode: expect.stringMatching(/ReceiptHandleIsInvalid|InvalidParameterValue/)
    })
  })

  it('says what SQS answered', async () => {
    const { client, receiver } = await start()
    const sender = new SealedQueueSender({ client, queue: 'nowhere', keyring: aKeyring() })
    await expect(sender.send(payload)).rejects.toMatchObject({
      code: 'SEALSTREAM_SERVICE',
      serviceCode: 'QueueDoesNotExist'
    })
    await expect(receiver({ queue: 'nowhere' }).receive()).rejects.toMatchObject({ failure: 'notFound' })
  })

  it('takes as much as SQS does, and no more', async () => {
    const { sender, receiver } = await start()
    const takes = (size: number): Promise<boolean> =>
      sender.send(Buffer.alloc(size, 7)).then(
        () => true,
        error => {
          expect(error).toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD' })
          return false
        }
      )
    let [taken, refused] = [700_000, 786_432]
    while (refused - taken > 1) {
      const size = (taken + refused) >> 1
      if (await takes(size)) taken = size
      else refused = size
    }
    const sizes = []
    for (let more = [{}] as readonly { data?: Uint8Array }[]; more.length > 0; ) {
      more = await receiver().receive()
      sizes.push(...more.map(({ data }) => data!.length))
    }
    expect(sizes.at(-1)).toBe(taken)
    expect(taken).toBeGreaterThan(785_000)
  })

  it.each([
    [{ visibilitySeconds: 2 }, 'visibilitySeconds'],
    [{ waitSeconds: 21 }, 'waitSeconds'],
    [{ queue: '' }, 'queue'],
    [{ sealedFor: '' }, 'sealedFor'],
    [{ context: { pipeline: 7 } as never }, 'context.pipeline'],
    [{ queueName: 'q' } as never, 'queueName']
  ])('names the option that is wrong: %o', (options, option) => {
    const client = opened(new SQSClient({ region: 'us-east-1' }))
    expect(() => new SealedQueueReceiver({ client, queue: 'q', keyring: aKeyring(), ...options })).toThrow(
      expect.objectContaining({ code: 'SEALSTREAM_INVALID_OPTION', option })
    )
  })
})
