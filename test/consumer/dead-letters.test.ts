import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { encodeDeadLetter, parseDeadLetter } from '../../consumer/dead-letters/layout.ts'
import {
  MalformedDeadLetterError,
  S3DeadLetterSource,
  S3DeadLetterStore,
  ServiceError,
  SqsDeadLetterSource,
  SqsDeadLetterStore
} from '../../consumer/index.ts'
import { AwsError, type LocalOptions } from '../../local/index.ts'
import { aDeadLetter } from '../helpers/dead-letters.ts'
import { opened, openLocal } from '../helpers/local.ts'

const bucket = 'dead-letters'

async function start(options: LocalOptions & { readonly maxMessageBytes?: number } = {}) {
  const { maxMessageBytes, ...localOptions } = options
  const local = await openLocal(localOptions)
  const sqs = opened(new SQSClient({ ...local.clientConfig('sqs'), maxAttempts: 1 }))
  const s3 = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }))
  const url = QueueUrl!
  const given = { client: sqs, queue: 'dead', claims: { client: s3, bucket, prefix: 'claims/' } }
  return {
    sqs,
    s3,
    url,
    store: new SqsDeadLetterStore({
      ...given,
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes })
    }),
    source: new SqsDeadLetterSource({ ...given, waitSeconds: 0 }),
    objects: async () =>
      ((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key }) => Key!),
    bodies: async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 })
      )
      return Messages.map(({ Body }) => Body!)
    }
  }
}

describe('the layout of a dead letter', () => {
  it('is the one that is documented', () => {
    expect(JSON.parse(encodeDeadLetter(aDeadLetter({ subSequenceNumbers: [1, 4], attempts: 3 })))).toEqual({
      version: 1,
      streamName: 's',
      shardId: 'shardId-000000000000',
      sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
      subSequenceNumbers: [1, 4],
      partitionKey: 'key',
      approximateArrivalTimestamp: '2023-11-14T22:13:20.123Z',
      errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED',
      attempts: 3,
      data: 'YXMgcmVjZWl2ZWQ='
    })
  })

  it.each([
    ['everything', aDeadLetter({ subSequenceNumbers: [0], attempts: 1 })],
    [
      'as little as there can be',
      aDeadLetter({ partitionKey: undefined, approximateArrivalTimestamp: undefined, data: Buffer.alloc(0) })
    ],
    ['a partition key beyond what SQS takes', aDeadLetter({ partitionKey: '\uffff\ud83d\ude00é\u0000' })]
  ])('keeps %s, in ASCII', (_, letter) => {
    const text = encodeDeadLetter(letter)
    expect(Buffer.byteLength(text)).toBe(text.length)
    expect(parseDeadLetter(text)).toEqual({ letter, claim: undefined })
  })

  const whole = JSON.parse(encodeDeadLetter(aDeadLetter())) as Record<string, unknown>
  it.each([
    ['no JSON', '{"version":1, secret', 'body'],
    ['no object', '[]', 'body'],
    ['another version', { ...whole, version: 2 }, 'version'],
    ['no stream', { ...whole, streamName: undefined }, 'streamName'],
    ['a shard that is no text', { ...whole, shardId: 1 }, 'shardId'],
    ['no sequence number', { ...whole, sequenceNumber: undefined }, 'sequenceNumber'],
    ['no sub-sequence number in a list', { ...whole, subSequenceNumbers: [] }, 'subSequenceNumbers'],
    ['a negative sub-sequence number', { ...whole, subSequenceNumbers: [-1] }, 'subSequenceNumbers'],
    ['a time that is none', { ...whole, approximateArrivalTimestamp: 'x' }, 'approximateArrivalTimestamp'],
    ['no error code', { ...whole, errorCode: undefined }, 'errorCode'],
    ['half an attempt', { ...whole, attempts: 0.5 }, 'attempts'],
    ['no payload', { ...whole, data: undefined }, 'data'],
    ['a payload that is not base64', { ...whole, data: 'secret!!' }, 'data'],
    ['a claim without a key', { ...whole, data: undefined, claim: { bucket: 'b' } }, 'claim'],
    ['payload and claim', { ...whole, claim: { bucket: 'b', key: 'k' } }, 'claim']
  ])('is refused with %s, and nothing of it is quoted', (_, stored, member) => {
    const parse = () => parseDeadLetter(typeof stored === 'string' ? stored : JSON.stringify(stored))
    expect(parse).toThrow(MalformedDeadLetterError)
    expect(parse).toThrow(`what is stored is no dead letter: ${member} is missing or wrong`)
    expect(parse).not.toThrow('secret')
  })
})

describe('dead letters in SQS', () => {
  it('are the Kinesis record as it was received, until they are removed', async () => {
    const { store, source, bodies, objects } = await start()
    const letter = aDeadLetter({ data: Buffer.from([0, 255, 10]), subSequenceNumbers: [2] })
    await store.put(letter)
    expect(await bodies()).toEqual([encodeDeadLetter(letter)])
    const [held] = await source.receive()
    expect(await held!.read()).toEqual(letter)
    // Held, so nobody else is handed it.
    expect(await source.receive()).toEqual([])
    await held!.release()
    const [again] = await source.receive()
    expect(again!.id).toBe(held!.id)
    await again!.remove()
    expect(await source.receive()).toEqual([])
    expect(await objects()).toEqual([])
  })

  it('are a message up to the limit to the byte, and a claim in S3 beyond it', async () => {
    const { store, source, bodies, objects } = await start({ maxMessageBytes: 1_024 })
    const small = encodeDeadLetter(aDeadLetter({ partitionKey: '' })).length
    const fits = aDeadLetter({ partitionKey: 'k'.repeat(1_024 - small) })
    expect(encodeDeadLetter(fits)).toHaveLength(1_024)
    const large = aDeadLetter({ partitionKey: `${fits.partitionKey}k`, subSequenceNumbers: [0, 1] })
    await store.put(fits)
    expect(await objects()).toEqual([])
    await store.put(large)
    const [key, ...others] = await objects()
    expect(others).toEqual([])
    expect(key).toMatch(/^claims\/s\/shardId-000000000000\/\d{56}-[0-9a-f-]{36}\.json$/)
    const message = JSON.parse((await bodies())[1]!) as Record<string, unknown>
    expect(message).toMatchObject({ version: 1, claim: { bucket, key } })
    expect(message).not.toHaveProperty('data')
    const held = await source.receive()
    expect(held.map(({ summary }) => summary?.errorCode)).toEqual([fits.errorCode, large.errorCode])
    expect(await held[1]!.read()).toEqual(large)
    await held[1]!.remove()
    expect(await objects()).toEqual([])
  })

  it('of 1 MiB go to S3 without being asked to', async () => {
    const { store, source, objects } = await start()
    const letter = aDeadLetter({ data: Buffer.alloc(1_048_576, 7) })
    await store.put(letter)
    expect(await objects()).toHaveLength(1)
    const [held] = await source.receive()
    expect(Buffer.from((await held!.read()).data).equals(letter.data)).toBe(true)
  })

  it('become a claim, too, when the queue takes less than SQS does', async () => {
    const { sqs, url, store, source, objects } = await start()
    const Attributes = { MaximumMessageSize: '1024' }
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }))
    const letter = aDeadLetter({ data: Buffer.alloc(2_000, 7) })
    await store.put(letter)
    expect(await objects()).toHaveLength(1)
    expect(await (await source.receive())[0]!.read()).toEqual(letter)
  })

  it('are no message when the claim cannot be stored', async () => {
    const { store, bodies } = await start({
      maxMessageBytes: 1_024,
      faults: {
        s3: operation =>
          operation === 'PutObject'
            ? { kind: 'error', error: new AwsError('AccessDenied', 'no', 403) }
            : undefined
      }
    })
    const failed = store.put(aDeadLetter({ data: Buffer.alloc(2_000) }))
    await expect(failed).rejects.toBeInstanceOf(ServiceError)
    await expect(failed).rejects.toMatchObject({ service: 's3', operation: 'PutObject', failure: 'denied' })
    expect(await bodies()).toEqual([])
  })

  it('leave no claim behind when the message was refused', async () => {
    const { store, objects } = await start({
      maxMessageBytes: 1_024,
      faults: {
        sqs: operation =>
          operation === 'SendMessage'
            ? { kind: 'error', error: new AwsError('AccessDenied', 'no', 403) }
            : undefined
      }
    })
    await expect(store.put(aDeadLetter({ data: Buffer.alloc(2_000) }))).rejects.toMatchObject({
      service: 'sqs',
      operation: 'SendMessage',
      failure: 'denied'
    })
    expect(await objects()).toEqual([])
  })

  it('keep their claim when the answer about the message was lost', async () => {
    let isLost = true
    const { store, source, objects } = await start({
      maxMessageBytes: 1_024,
      faults: {
        sqs: operation => {
          if (operation !== 'SendMessage' || !isLost) return undefined
          isLost = false
          return { kind: 'loseAnswer' }
        }
      }
    })
    const letter = aDeadLetter({ data: Buffer.alloc(2_000) })
    await expect(store.put(letter)).rejects.toMatchObject({ failure: 'unreachable' })
    await store.put(letter)
    // Twice there, each with a claim of its own: removing one takes nothing from the other.
    expect(await objects()).toHaveLength(2)
    const [first, second] = await source.receive()
    await first!.remove()
    expect(await second!.read()).toEqual(letter)
  })

  it('wait for a queue that is not there yet', async () => {
    const { sqs, s3 } = await start()
    const store = new SqsDeadLetterStore({ client: sqs, queue: 'later', claims: { client: s3, bucket } })
    await expect(store.put(aDeadLetter())).rejects.toMatchObject({
      service: 'sqs',
      operation: 'GetQueueUrl',
      failure: 'notFound'
    })
    await sqs.send(new CreateQueueCommand({ QueueName: 'later' }))
    await store.put(aDeadLetter())
  })

  it('by the URL of the queue, need no look-up', async () => {
    const asked: string[] = []
    const { sqs, s3, url } = await start({ faults: { sqs: operation => void asked.push(operation) } })
    await new SqsDeadLetterStore({ client: sqs, queue: url, claims: { client: s3, bucket } }).put(
      aDeadLetter()
    )
    expect(asked).toEqual(['CreateQueue', 'SendMessage'])
  })

  it('name no object but a claim: others are neither read nor deleted', async () => {
    const { sqs, s3, url, source, objects } = await start()
    for (const Key of ['other/object.json', 'claims/wrong.json']) {
      const Body = encodeDeadLetter(aDeadLetter({ sequenceNumber: '1' }))
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
    }
    const { data: _, ...stored } = JSON.parse(encodeDeadLetter(aDeadLetter())) as Record<string, unknown>
    for (const claim of [
      { bucket, key: 'other/object.json' },
      { bucket: 'elsewhere', key: 'claims/x' },
      // Of another record.
      { bucket, key: 'claims/wrong.json' }
    ]) {
      const MessageBody = JSON.stringify({ ...stored, claim })
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody }))
      const [held] = await source.receive()
      await expect(held!.read()).rejects.toMatchObject({ code: 'SEALSTREAM_MALFORMED_DEAD_LETTER' })
      if (claim.key !== 'claims/wrong.json') await expect(held!.remove()).rejects.toThrow('claim')
    }
    expect(await objects()).toEqual(['claims/wrong.json', 'other/object.json'])
  })

  it('beside what is none: that says nothing about itself, and can be removed', async () => {
    const { sqs, url, source } = await start()
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'hello' }))
    const [held] = await source.receive()
    expect(held!.summary).toBeUndefined()
    await expect(held!.read()).rejects.toThrow('body is missing or wrong')
    await held!.remove()
    expect(await source.receive()).toEqual([])
  })

  it.each([
    [{ queue: '' }, 'option queue'],
    [{ maxMessageBytes: 1_048_577 }, 'option maxMessageBytes: expected an integer from 1024 to 1048576'],
    [{ claims: undefined }, 'option claims'],
    [{ claims: { bucket: '' } }, 'option claims.bucket'],
    [{ claims: { bucket, folder: 'x' } }, 'option claims.folder: unknown'],
    [{ queueUrl: 'x' }, 'option queueUrl: unknown']
  ])('are not kept with the options %j', async (wrong, message) => {
    const { sqs, s3 } = await start()
    const options = { client: sqs, queue: 'q', claims: { client: s3, bucket }, ...wrong }
    expect(() => new SqsDeadLetterStore(options as never)).toThrow(message)
  })
})

describe('dead letters in S3 alone', () => {
  it('are one object each, and come once to every reader', async () => {
    const { s3, objects } = await start()
    const given = { client: s3, bucket, prefix: 'dead/' }
    const store = new S3DeadLetterStore(given)
    const letters = Array.from({ length: 12 }, (_, index) =>
      aDeadLetter({ sequenceNumber: String(100 + index), subSequenceNumbers: [index] })
    )
    for (const letter of letters) await store.put(letter)
    await store.put(letters[0]!)
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'dead/s/z.json', Body: 'hello' }))
    const source = new S3DeadLetterSource(given)
    const first = await source.receive()
    const rest = await source.receive()
    expect(await source.receive()).toEqual([])
    const held = [...first, ...rest]
    expect(await Promise.all(held.slice(0, 12).map(({ read }) => read()))).toEqual(letters)
    expect(held[12]!.summary).toBeUndefined()
    await expect(held[12]!.read()).rejects.toBeInstanceOf(MalformedDeadLetterError)
    for (const letter of held.slice(1)) await letter.remove()
    await held[0]!.release()
    expect(await objects()).toEqual(['dead/s/shardId-000000000000/100-0-0.json'])
    expect(await new S3DeadLetterSource(given).receive()).toHaveLength(1)
  })

  it('fail as a service does', async () => {
    const { s3 } = await start()
    const given = { client: s3, bucket: 'missing' }
    const expected = { code: 'SEALSTREAM_SERVICE', service: 's3', failure: 'notFound' }
    await expect(new S3DeadLetterStore(given).put(aDeadLetter())).rejects.toMatchObject(expected)
    await expect(new S3DeadLetterSource(given).receive()).rejects.toMatchObject(expected)
  })
})
