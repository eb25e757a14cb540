import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const cborType = 'application/x-amz-cbor-1.1'

/** A CBOR text of at most 23 bytes, or one with its length in a byte of its own. */
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([
    bytes.length < 24 ? Buffer.of(0x60 + bytes.length) : Buffer.of(0x78, bytes.length),
    bytes
  ])
}
/** Maps and lists without a length, as Jackson writes them. */
const map = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(0xbf), ...parts, Buffer.of(0xff)])
const list = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(0x9f), ...parts, Buffer.of(0xff)])
const blob = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(0x40 + bytes.length), bytes])

async function start() {
  const local = await openLocal()
  const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
  const ask = async (operation: string, body: Buffer) => {
    const response = await fetch(local.endpoint, {
      method: 'POST',
      headers: { 'content-type': cborType, 'x-amz-target': `Kinesis_20131202.${operation}` },
      body
    })
    expect(response.headers.get('content-type')).toBe(cborType)
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
  }
  const iterator = async (): Promise<string> => {
    const { body } = await ask(
      'GetShardIterator',
      map(
        text('StreamName'),
        text('s'),
        text('ShardId'),
        text('shardId-000000000000'),
        text('ShardIteratorType'),
        text('TRIM_HORIZON')
      )
    )
    return (
      /ShardIterator[\x78-\x7b]{1,2}[^A-Za-z0-9+/]?([A-Za-z0-9+/=]+)/.exec(body.toString('latin1'))?.[1] ?? ''
    )
  }
  return { kinesis, ask, iterator }
}

it('Kinesis takes records in CBOR, and gives them back with their bytes and the milliseconds of their arrival', async () => {
  const { ask, kinesis, iterator } = await start()
  const data = Buffer.from([0, 255, 128])
  const put = await ask(
    'PutRecords',
    map(
      text('StreamName'),
      text('s'),
      text('Records'),
      list(map(text('Data'), blob(data), text('PartitionKey'), text('k')))
    )
  )
  expect(put.status).toBe(200)
  expect(put.body.includes(text('FailedRecordCount'))).toBe(true)
  await kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from('json') }))

  const before = Date.now()
  const { body } = await ask('GetRecords', map(text('ShardIterator'), text(await iterator())))
  expect(body.includes(Buffer.concat([text('Data'), blob(data)]))).toBe(true)
  expect(body.includes(Buffer.concat([text('Data'), blob(Buffer.from('json'))]))).toBe(true)
  // Tag 1, and an integer of eight bytes.
  const at = body.indexOf(Buffer.concat([text('ApproximateArrivalTimestamp'), Buffer.of(0xc1, 0x1b)]))
  const arrivalMs = Number(body.readBigUInt64BE(at + text('ApproximateArrivalTimestamp').length + 2))
  expect(Math.abs(arrivalMs - before)).toBeLessThan(60_000)
})

it('Kinesis takes a time in CBOR for milliseconds', async () => {
  const { ask, kinesis } = await start()
  await kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from('x') }))
  const anHourAgo = Buffer.alloc(9, 0x1b)
  anHourAgo.writeBigUInt64BE(BigInt(Date.now() - 3_600_000), 1)
  const { status, body } = await ask(
    'GetShardIterator',
    map(
      text('StreamName'),
      text('s'),
      text('ShardId'),
      text('shardId-000000000000'),
      text('ShardIteratorType'),
      text('AT_TIMESTAMP'),
      text('Timestamp'),
      Buffer.of(0xc1),
      anHourAgo
    )
  )
  // In seconds it would lie in the future, which is refused.
  expect(status).toBe(200)
  expect(body.includes(text('ShardIterator'))).toBe(true)
})

it.each([
  ['bytes that are no CBOR', Buffer.of(0xff, 0xff)],
  ['a list', list()],
  ['a map that ends early', Buffer.of(0xbf, 0x61)],
  ['a number that is none', map(text('Limit'), Buffer.of(0xf9, 0x7e, 0x00))],
  ['a time without end', map(text('Timestamp'), Buffer.of(0xc1, 0xf9, 0x7c, 0x00))],
  ['a time in words', map(text('Timestamp'), Buffer.of(0xc1), text('now'))],
  ['a member of another type', map(text('StreamName'), Buffer.of(0x01))]
])('Kinesis refuses %s in CBOR', async (_, body) => {
  const { ask } = await start()
  const answer = await ask('DescribeStream', body)
  expect(answer.status).toBe(400)
  expect(answer.body.includes(Buffer.concat([text('__type'), text('SerializationException')]))).toBe(true)
})

it('Kinesis words an error in CBOR', async () => {
  const { ask } = await start()
  const { status, body } = await ask('DescribeStreamSummary', map(text('StreamName'), text('t')))
  expect(status).toBe(400)
  expect(body.includes(text('ResourceNotFoundException'))).toBe(true)
})
