import type { ConsumedRecord } from '../../core/user-record.ts'

/** A record as a worker hands it on, with what a test wants to be otherwise. */
export function aConsumedRecord(
  data: Uint8Array,
  index = 0,
  more: Partial<ConsumedRecord> = {}
): ConsumedRecord {
  return {
    streamName: 'orders',
    shardId: 'shardId-000000000000',
    sequenceNumber: String(index),
    subSequenceNumber: 0,
    partitionKey: 'k',
    explicitHashKey: undefined,
    data,
    approximateArrivalTimestamp: undefined,
    ...more
  }
}

/** The same, of JSON. */
export function aJsonRecord(value: unknown, index = 0): ConsumedRecord {
  return aConsumedRecord(Buffer.from(JSON.stringify(value)), index)
}
