// The aggregate codec: user records into one aggregated record, and a Kinesis record into its user records.
import { hash, randomBytes } from 'node:crypto'
import kinesisAgg from 'aws-kinesis-agg'
import protobuf from 'protobufjs'
import { deaggregate } from 'sealstream/consumer'
import { AggregatedRecordBuilder } from 'sealstream/producer'

/** Bytes of each user record, and how many of them an aggregate holds. */
const sizes = [
  { bytes: 100, count: 300 },
  { bytes: 1_024, count: 40 }
]
const partitionKeyCount = 20
const magic = Buffer.from('f3899ac2', 'hex')
const sequenceNumber = '49546986683135544286507457936321625675700192471156785154'
const arrival = new Date(1_800_000_000_000)

/**
 * @typedef {{ readonly partitionKey: string, readonly data: Buffer }} Put
 *
 * @typedef {object} Codec
 * @property {string} name
 * @property {(puts: readonly Put[]) => Uint8Array} encode
 * @property {(record: any) => readonly any[]} decode a record of the SDK
 * @property {(record: any) => readonly any[]} decodeLambda a record of a Lambda Kinesis event
 * @property {(userRecord: any) => Put} putOf what was put, out of one result
 */

/** @type {readonly Codec[]} */
const codecs = [sealstream(), kinesisAggregation(), protobufReflection()]

export function prepare() {
  return {
    notes: [
      `aggregates of ${sizes.map(({ bytes, count }) => `${count} records of ${bytes} B`).join(' or ')}, ${partitionKeyCount} partition keys, no explicit hash keys`,
      'decode: a record of the SDK; decodeLambda: a record of a Lambda event, base64; everybody checks the digest',
      'kinesisAgg: aws-kinesis-agg; it gives payloads as base64, so turning them into bytes is part of its decode',
      'protobufjs: reflection, with 32-bit indices, which it reads faster',
      'floor: one MD5 over the body and nothing else; the format demands it of writers and of careful readers'
    ],
    groups: sizes.flatMap(({ bytes, count }) =>
      /** @type {const} */ (['encode', 'decode', 'decodeLambda']).map(
        op => async () => groupOf(op, bytes, count)
      )
    ),
    rowOf
  }
}

/**
 * @param {'encode' | 'decode' | 'decodeLambda'} op
 * @param {number} bytes
 * @param {number} count
 */
function groupOf(op, bytes, count) {
  const puts = Array.from({ length: count }, (_, index) => ({
    partitionKey: `customer-${index % partitionKeyCount}`,
    data: randomBytes(bytes)
  }))
  const aggregate = Buffer.from(codecs[0]?.encode(puts) ?? [])
  const input = { encode: puts, decode: sdkRecord(aggregate), decodeLambda: lambdaRecord(aggregate) }[op]
  const cases = codecs.map(codec => {
    assertRight(codec, puts, aggregate)
    const once = codec[op]
    return { name: codec.name, units: count, run: repeating(() => once(/** @type {any} */ (input))) }
  })
  const body = aggregate.subarray(magic.length, -16)
  cases.push({ name: 'floor', units: count, run: repeating(() => hash('md5', body, 'buffer')) })
  return { name: `${op}, ${bytes} B`, unit: 'records', baseline: 'ours', cases, row: { op, bytes } }
}

/**
 * @param {import('./measure.js').BenchGroup} group
 * @param {import('./measure.js').GroupResult} result
 */
function rowOf({ row }, { cases }) {
  const {
    ours,
    kinesisAgg: agg,
    protobufjs,
    floor
  } = Object.fromEntries(cases.map(each => [each.name, each]))
  const rate = (/** @type {import('./measure.js').CaseResult} */ { opsPerSecond }) =>
    Math.round(opsPerSecond.median)
  const ratio = (/** @type {import('./measure.js').CaseResult} */ other) =>
    Number((1 / other.ratio.median).toFixed(3))
  return {
    ...row,
    ours: rate(ours),
    kinesisAgg: rate(agg),
    protobufjs: rate(protobufjs),
    floor: rate(floor),
    ratioKinesisAgg: ratio(agg),
    ratioProtobufjs: ratio(protobufjs),
    ratioFloor: ratio(floor)
  }
}

/** @param {() => unknown} once */
function repeating(once) {
  return (/** @type {number} */ iterations) => {
    for (let done = 0; done < iterations; done += 1) once()
  }
}

/**
 * A wrong answer has no speed.
 * @param {Codec} codec
 * @param {readonly Put[]} puts
 * @param {Buffer} aggregate
 */
function assertRight(codec, puts, aggregate) {
  if (!aggregate.equals(codec.encode(puts))) throw new Error(`${codec.name}: encodes to other bytes`)
  for (const found of [codec.decode(sdkRecord(aggregate)), codec.decodeLambda(lambdaRecord(aggregate))]) {
    const same = found.every((userRecord, index) => {
      const { partitionKey, data } = codec.putOf(userRecord)
      return partitionKey === puts[index]?.partitionKey && puts[index]?.data.equals(data)
    })
    if (found.length !== puts.length || !same) throw new Error(`${codec.name}: decodes to other user records`)
  }
}

/** @param {Uint8Array} aggregate */
function sdkRecord(aggregate) {
  return {
    Data: new Uint8Array(aggregate),
    PartitionKey: 'a',
    SequenceNumber: sequenceNumber,
    ApproximateArrivalTimestamp: arrival
  }
}

/** @param {Buffer} aggregate */
function lambdaRecord(aggregate) {
  return {
    kinesis: {
      data: aggregate.toString('base64'),
      partitionKey: 'a',
      sequenceNumber,
      approximateArrivalTimestamp: arrival.getTime() / 1_000
    }
  }
}

/** @returns {Codec} */
function sealstream() {
  return {
    name: 'ours',
    encode(puts) {
      const builder = new AggregatedRecordBuilder()
      for (const { partitionKey, data } of puts) builder.add(partitionKey, undefined, data)
      return builder.encode()
    },
    decode: record => deaggregate(record),
    decodeLambda: record => deaggregate(record),
    putOf: ({ partitionKey, data }) => ({ partitionKey, data })
  }
}

/** @returns {Codec} */
function kinesisAggregation() {
  /**
   * @param {any} record
   * @param {'data' | 'Data'} member where it puts the payload
   */
  const decode = (record, member) => {
    /** @type {any[]} */
    let found = []
    kinesisAgg.deaggregateSync(
      record,
      true,
      (/** @type {unknown} */ error, /** @type {any[]} */ userRecords) => {
        if (error !== undefined) throw error
        found = userRecords
      }
    )
    for (const userRecord of found) userRecord[member] = Buffer.from(userRecord[member], 'base64')
    return found
  }
  return {
    name: 'kinesisAgg',
    encode(puts) {
      const aggregator = new kinesisAgg.RecordAggregator()
      for (const put of puts) aggregator.addUserRecord(put)
      return aggregator.build().data
    },
    decode: record => decode(record, 'Data'),
    decodeLambda: ({ kinesis }) => decode(kinesis, 'data'),
    putOf: record => ({
      partitionKey: record.partitionKey ?? record.PartitionKey,
      data: record.data ?? record.Data
    })
  }
}

/** @returns {Codec} */
function protobufReflection() {
  const { root } = protobuf.parse(`
    syntax = "proto2";
    message AggregatedRecord {
      repeated string keys = 1;
      repeated string hashKeys = 2;
      repeated Record records = 3;
    }
    message Record {
      required uint32 key = 1;
      optional uint32 hashKey = 2;
      required bytes data = 3;
    }`)
  const type = root.lookupType('AggregatedRecord')
  /**
   * @param {Uint8Array} bytes
   * @param {string} ofRecord its sequence number
   * @param {Date} at
   */
  const decode = (bytes, ofRecord, at) => {
    const body = bytes.subarray(magic.length, -16)
    const frameIsRight =
      magic.equals(bytes.subarray(0, magic.length)) && hash('md5', body, 'buffer').equals(bytes.subarray(-16))
    if (!frameIsRight) throw new Error('no aggregate')
    const { keys, hashKeys, records } = /** @type {any} */ (type.decode(body))
    return records.map((/** @type {any} */ record, /** @type {number} */ index) => ({
      partitionKey: keys[record.key],
      explicitHashKey: Object.hasOwn(record, 'hashKey') ? hashKeys[record.hashKey] : undefined,
      data: record.data,
      sequenceNumber: ofRecord,
      subSequenceNumber: index,
      approximateArrivalTimestamp: at
    }))
  }
  return {
    name: 'protobufjs',
    encode(puts) {
      const keys = new Map()
      const records = puts.map(({ partitionKey, data }) => {
        if (!keys.has(partitionKey)) keys.set(partitionKey, keys.size)
        return { key: keys.get(partitionKey), data }
      })
      const body = type.encode(/** @type {any} */ ({ keys: [...keys.keys()], records })).finish()
      return Buffer.concat([magic, body, hash('md5', body, 'buffer')])
    },
    decode: record => decode(record.Data, record.SequenceNumber, record.ApproximateArrivalTimestamp),
    decodeLambda: ({ kinesis }) =>
      decode(
        Buffer.from(kinesis.data, 'base64'),
        kinesis.sequenceNumber,
        new Date(kinesis.approximateArrivalTimestamp * 1_000)
      ),
    putOf: ({ partitionKey, data }) => ({ partitionKey, data })
  }
}
