/** What a caller puts: one user record. */
export interface UserRecord {
  /** 1 to 256 characters. Routing data: it stays readable where the sealing mode leaves it so. */
  readonly partitionKey: string
  /** Decimal integer, 0 to 2^128 - 1, that decides the shard instead of the partition key's MD5. */
  readonly explicitHashKey?: string
  readonly data: Uint8Array
}

/** A user record as a worker hands it on: opened, and de-aggregated. */
export interface ConsumedRecord {
  readonly streamName: string
  readonly shardId: string
  /** Of the Kinesis record; every user record of one aggregate shares it. */
  readonly sequenceNumber: string
  /** Index inside the aggregate, from 0; 0 for a record that was not aggregated. */
  readonly subSequenceNumber: number
  /** Undefined where the stream's record distribution is AUTO and the record came without one. */
  readonly partitionKey: string | undefined
  readonly explicitHashKey: string | undefined
  readonly data: Uint8Array
  readonly approximateArrivalTimestamp: Date | undefined
}
