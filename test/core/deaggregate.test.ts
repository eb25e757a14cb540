import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { deaggregate } from '../../core/deaggregate.ts'
import { InvalidRecordError } from '../../core/errors.ts'
import { hashKeyOf, isInRange } from '../../core/hash-key.ts'
import { frame } from '../helpers/aggregation-oracles.ts'

const arrivedMs = 1_545_084_650_987
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

function aggregateOf(...puts: readonly (readonly [string, string | undefined, string])[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const [partitionKey, explicitHashKey, text] of puts) {
    builder.add(partitionKey, explicitHashKey, Buffer.from(text))
  }
  return builder.encode()
}

const two = aggregateOf(['k1', undefined, 'a'], ['k2', '123', 'bb'])

const kinesisRecord = (data: Uint8Array): KinesisRecord => ({
  Data: data,
  PartitionKey: 'outer',
  SequenceNumber: '7',
  ApproximateArrivalTimestamp: new Date(arrivedMs)
})

// As the services send them, with members that nobody reads.
const lambdaRecord = (data: Uint8Array) => ({
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey: 'outer',
    sequenceNumber: '7',
    data: Buffer.from(data).toString('base64'),
    approximateArrivalTimestamp: arrivedMs / 1_000
  },
  eventSource: 'aws:kinesis',
  eventID: 'shardId-000000000006:7',
  eventSourceARN: 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders'
})

const firehoseRecord = (data: Uint8Array, subsequenceNumber: string | number = '') => ({
  recordId: 'record-1',
  data: Buffer.from(data).toString('base64'),
  approximateArrivalTimestamp: arrivedMs + 5_000,
  kinesisRecordMetadata: {
    shardId: 'shardId-000000000006',
    partitionKey: 'outer',
    sequenceNumber: '7',
    subsequenceNumber,
    approximateArrivalTimestamp: arrivedMs
  }
})

const common = { sequenceNumber: '7', approximateArrivalTimestamp: new Date(arrivedMs) }
const whole = { ...common, partitionKey: 'outer', explicitHashKey: undefined, subSequenceNumber: 0 }

describe.each([
  ['the SDK', (data: Uint8Array) => deaggregate(kinesisRecord(data))],
  ['a Lambda Kinesis event', (data: Uint8Array) => deaggregate(lambdaRecord(data))],
  ['a Firehose transformation event', (data: Uint8Array) => deaggregate(firehoseRecord(data))]
])('a record of %s', (_, read) => {
  it('gives the user records of an aggregate', () => {
    const found = read(two).map(({ data, ...rest }) => ({ ...rest, text: Buffer.from(data).toString() }))
    expect(found).toEqual([
      {
        ...common,
        partitionKey: 'k1',
        explicitHashKey: undefined,
        subSequenceNumber: 0,
        isAggregated: true,
        text: 'a'
      },
      {
        ...common,
        partitionKey: 'k2',
        explicitHashKey: '123',
        subSequenceNumber: 1,
        isAggregated: true,
        text: 'bb'
      }
    ])
  })

  it('gives a plain record as it is', () => {
    const [record, ...others] = read(Buffer.from('plain'))
    expect(record).toEqual({ ...whole, isAggregated: false, data: expect.any(Uint8Array) })
    expect(Buffer.from(record!.data).toString()).toBe('plain')
    expect(others).toEqual([])
  })
})

describe('the rules of de-aggregation', () => {
  const told: unknown[] = []
  const read = (data: Uint8Array) => {
    told.length = 0
    return deaggregate(kinesisRecord(data), { onMalformed: (...reason) => told.push(reason) })
  }
  const expectRawOnce = (data: Uint8Array, reason?: string): void => {
    const found = read(data)
    expect(found).toEqual([{ ...whole, isAggregated: false, data }])
    expect(told).toEqual(reason === undefined ? [] : [[reason, '7']])
    // Nobody has to listen.
    expect(deaggregate(kinesisRecord(data))).toEqual(found)
  }

  it('fewer than 4 bytes or another magic: raw', () => {
    for (const bytes of ['', 'f3899a', `f3899ac3${two.toString('hex', 4)}`]) expectRawOnce(hex(bytes))
  })

  it('the magic and at most 16 bytes: raw', () => {
    for (const bytes of ['f3899ac2', 'f3899ac2 d41d8cd98f00b204e9800998ecf8427e']) expectRawOnce(hex(bytes))
  })

  it('MD5 differs: raw, and told', () => {
    const altered = Buffer.from(two)
    altered[altered.length - 1]! ^= 1
    expectRawOnce(altered, 'wrongDigest')
  })

  it('protobuf invalid: raw, and told', () => {
    expectRawOnce(frame(Buffer.from('no protobuf')), 'invalidBody')
  })

  it('partition key index out of range: raw, once, and told', () => {
    expectRawOnce(frame(hex('0a016b 1a0508001a0161 1a0508011a0162 1a0508021a0163')), 'indexOutsideTable')
  })

  it('explicit hash key index out of range: raw, once, and told', () => {
    expectRawOnce(frame(hex('0a016b 120131 1a07080010011a0161')), 'indexOutsideTable')
  })

  it('no explicit hash key in a record whose table is not empty: none', () => {
    const found = read(aggregateOf(['k1', undefined, 'a'], ['k2', '123', 'b'], ['k1', undefined, 'c']))
    expect(found.map(({ explicitHashKey }) => explicitHashKey)).toEqual([undefined, '123', undefined])
  })

  it('0 user records: nothing delivered, and the records around it are', () => {
    const records = [Buffer.from('before'), frame(hex('0a016b')), Buffer.from('behind')].map(kinesisRecord)
    expect(deaggregate(records).map(({ data }) => Buffer.from(data).toString())).toEqual(['before', 'behind'])
    expect(deaggregate([])).toEqual([])
  })

  it('1 user record: taken out of its aggregate', () => {
    expect(read(aggregateOf(['k', undefined, 'lone']))).toMatchObject([
      { partitionKey: 'k', subSequenceNumber: 0, isAggregated: true }
    ])
  })

  it('hash range: everything is delivered, so that each user record can be judged by itself', () => {
    const lower = { start: 0n, end: (1n << 127n) - 1n }
    const found = read(aggregateOf(['k1', '5', 'low'], ['k1', undefined, 'high'], ['k2', '6', 'low']))
    expect(
      found.map(({ partitionKey, explicitHashKey }) =>
        isInRange(hashKeyOf({ partitionKey: partitionKey!, explicitHashKey }), lower)
      )
    ).toEqual([true, false, true])
  })

  it('an aggregate inside an aggregate: not taken apart', () => {
    const outer = new AggregatedRecordBuilder()
    outer.add('k', undefined, two)
    expect(read(outer.encode()).map(({ data }) => Buffer.from(data))).toEqual([two])
  })

  it('what the listener throws ends the call', () => {
    const stop = new Error('stop')
    const altered = Buffer.concat([two, two])
    expect(() =>
      deaggregate(kinesisRecord(altered), {
        onMalformed() {
          throw stop
        }
      })
    ).toThrow(stop)
  })
})

describe('several records', () => {
  it('keep their order', () => {
    const records = [lambdaRecord(two), lambdaRecord(Buffer.from('plain'))]
    expect(deaggregate(records).map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'bb', 'plain'])
  })

  it('share no bytes with copies: data of the SDK is a view', () => {
    for (const { data } of deaggregate(kinesisRecord(two))) expect(data.buffer).toBe(two.buffer)
  })
})

describe('members that differ', () => {
  it('takes the sub-sequence number that Firehose gives for what it de-aggregated itself', () => {
    for (const subsequenceNumber of ['3', 3]) {
      expect(deaggregate(firehoseRecord(Buffer.from('x'), subsequenceNumber))).toMatchObject([
        { subSequenceNumber: 3, isAggregated: false }
      ])
    }
  })

  it('knows no sequence number of a Firehose record without a stream, and takes its arrival', () => {
    const { kinesisRecordMetadata: _, ...direct } = firehoseRecord(Buffer.from('x'))
    expect(deaggregate(direct)).toMatchObject([
      {
        partitionKey: undefined,
        sequenceNumber: undefined,
        subSequenceNumber: 0,
        approximateArrivalTimestamp: new Date(arrivedMs + 5_000)
      }
    ])
  })

  it('takes a timestamp that is text', () => {
    const record = firehoseRecord(Buffer.from('x'))
    const kinesisRecordMetadata = {
      ...record.kinesisRecordMetadata,
      approximateArrivalTimestamp: new Date(arrivedMs).toISOString()
    }
    expect(deaggregate({ ...record, kinesisRecordMetadata })).toMatchObject([
      { approximateArrivalTimestamp: new Date(arrivedMs) }
    ])
  })

  it('loses no millisecond of Lambda’s seconds', () => {
    // Divided by 1000 and multiplied again, it comes out a little less.
    const ms = 1_074_676_419_646
    const { kinesis } = lambdaRecord(two)
    const [record] = deaggregate({ kinesis: { ...kinesis, approximateArrivalTimestamp: ms / 1_000 } })
    expect(record!.approximateArrivalTimestamp!.getTime()).toBe(ms)
  })

  it('refuses what is no record, such as a whole event', () => {
    for (const value of [{ Records: [lambdaRecord(two)] }, { Data: 'text' }, {}]) {
      expect(() => deaggregate(value as unknown as KinesisRecord)).toThrow(InvalidRecordError)
    }
  })
})
