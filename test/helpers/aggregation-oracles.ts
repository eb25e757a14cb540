import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import protobuf from 'protobufjs'

/** A user record as the tests compare it: data as hex. */
export interface PlainUserRecord {
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  readonly data: string
}

/** The messages of the format, from its description, for an implementation that is not ours. */
const { root } = protobuf.parse(`
  syntax = "proto2";
  message AggregatedRecord {
    repeated string partition_key_table = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records = 3;
  }
  message Record {
    required uint64 partition_key_index = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes data = 3;
    repeated Tag tags = 4;
  }
  message Tag {
    required string key = 1;
    optional string value = 2;
  }
`)
const aggregatedRecord = root.lookupType('AggregatedRecord')

/** A frame with the right digest around any body. */
export function frame(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), body, createHash('md5').update(body).digest()])
}

export function encodeByProtobufjs(records: readonly PlainUserRecord[]): Buffer {
  const partitionKeys = [...new Set(records.map(({ partitionKey }) => partitionKey))]
  const explicitHashKeys = [
    ...new Set(
      records.flatMap(({ explicitHashKey }) => (explicitHashKey === undefined ? [] : [explicitHashKey]))
    )
  ]
  const message = aggregatedRecord.fromObject({
    partitionKeyTable: partitionKeys,
    explicitHashKeyTable: explicitHashKeys,
    records: records.map(({ partitionKey, explicitHashKey, data }) => ({
      partitionKeyIndex: partitionKeys.indexOf(partitionKey),
      ...(explicitHashKey !== undefined && {
        explicitHashKeyIndex: explicitHashKeys.indexOf(explicitHashKey)
      }),
      data: Buffer.from(data, 'hex')
    }))
  })
  return frame(aggregatedRecord.encode(message).finish())
}

export function decodeByProtobufjs(bytes: Uint8Array): PlainUserRecord[] {
  const { partitionKeyTable, explicitHashKeyTable, records } = aggregatedRecord.toObject(
    aggregatedRecord.decode(bytes.subarray(4, -16)),
    { longs: Number, arrays: true }
  ) as {
    partitionKeyTable: string[]
    explicitHashKeyTable: string[]
    records: { partitionKeyIndex: number; explicitHashKeyIndex?: number; data: Uint8Array }[]
  }
  return records.map(({ partitionKeyIndex, explicitHashKeyIndex, data }) => ({
    partitionKey: partitionKeyTable[partitionKeyIndex]!,
    explicitHashKey:
      explicitHashKeyIndex === undefined ? undefined : explicitHashKeyTable[explicitHashKeyIndex],
    data: Buffer.from(data).toString('hex')
  }))
}

// Its declarations need two packages that it does not bring, and leave the aggregator out.
const kinesisAgg = createRequire(import.meta.url)('aws-kinesis-agg') as {
  readonly RecordAggregator: new () => {
    addUserRecord(record: { partitionKey: string; explicitHashKey: string | undefined; data: Buffer }): void
    build(): { readonly data: Buffer }
  }
  deaggregateSync(
    record: { readonly data: string; readonly partitionKey: string; readonly sequenceNumber: string },
    computeChecksums: boolean,
    done: (error: unknown, userRecords?: KinesisAggRecord[]) => void
  ): void
}

interface KinesisAggRecord {
  readonly partitionKey: string
  readonly explicitPartitionKey: string | undefined
  readonly subSequenceNumber: number
  readonly data: string
}

/** Wrong for keys that look like integers: it keeps its tables in plain objects. */
export function encodeByKinesisAgg(records: readonly PlainUserRecord[]): Buffer {
  const aggregator = new kinesisAgg.RecordAggregator()
  for (const record of records) aggregator.addUserRecord({ ...record, data: Buffer.from(record.data, 'hex') })
  return aggregator.build().data
}

/** Wrong where only some of the user records have an explicit hash key: the others get the first of the table. */
export function decodeByKinesisAgg(bytes: Buffer): PlainUserRecord[] {
  let found: KinesisAggRecord[] = []
  kinesisAgg.deaggregateSync(
    { data: bytes.toString('base64'), partitionKey: 'a', sequenceNumber: '1' },
    true,
    (error, userRecords) => {
      if (error !== undefined) throw error
      found = userRecords!
    }
  )
  return found.map(({ partitionKey, explicitPartitionKey, data }) => ({
    partitionKey,
    explicitHashKey: explicitPartitionKey,
    data: Buffer.from(data, 'base64').toString('hex')
  }))
}
