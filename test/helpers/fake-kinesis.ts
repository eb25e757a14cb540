import type {
  DescribeStreamSummaryCommandInput,
  DescribeStreamSummaryCommandOutput,
  GetRecordsCommandInput,
  GetRecordsCommandOutput,
  GetShardIteratorCommandInput,
  GetShardIteratorCommandOutput,
  ListShardsCommandInput,
  ListShardsCommandOutput,
  PutRecordsCommandInput,
  PutRecordsCommandOutput,
  PutRecordsRequestEntry
} from '@aws-sdk/client-kinesis'
import { decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import type { CallOptions, KinesisReaderPort, KinesisWriterPort } from '../../core/aws-ports.ts'
import { hashKeyOf, maxHashKey } from '../../core/hash-key.ts'

export interface FakeShard {
  readonly id: string
  readonly start: bigint
  readonly end: bigint
  readonly parents: readonly string[]
  /** Records of the shard have higher sequence numbers. */
  readonly startingSequenceNumber: bigint
  isOpen: boolean
}

export interface FakeStoredRecord {
  readonly shard: FakeShard
  readonly sequenceNumber: string
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  readonly data: Uint8Array
}

/** An error as the SDK throws it. */
export function serviceError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error(`${name} from the fake`), {
    name,
    $metadata: httpStatusCode === undefined ? {} : { httpStatusCode }
  })
}

/** A stream in memory that a test scripts. It refuses requests that break the service's limits. */
export class FakeKinesis implements KinesisWriterPort, KinesisReaderPort {
  readonly shards: FakeShard[] = []
  readonly stored: FakeStoredRecord[] = []
  readonly requests: PutRecordsRequestEntry[][] = []
  listings = 0
  reads = 0
  readonly iteratorTypes: string[] = []
  /** Whether the end of a shard names its children, as AWS does and not every engine. */
  namesChildren = true
  /** What every read says of its lag. */
  lagMs = 0
  failRead: ((call: number) => Error | undefined) | undefined
  pageSize = 1_000
  /** Thrown instead of an answer, before anything is stored. */
  failRequest: ((entries: readonly PutRecordsRequestEntry[], call: number) => Error | undefined) | undefined
  /** Thrown after everything was stored. */
  loseAnswer: ((call: number) => Error | undefined) | undefined
  failEntry: ((entry: PutRecordsRequestEntry, index: number, call: number) => string | undefined) | undefined
  failListing: ((call: number) => Error | undefined) | undefined
  failDescribe: (() => Error | undefined) | undefined
  descriptions = 0
  name = 's'
  createdEpochSeconds = 1_700_000_000
  maxRecordKiB = 1_024
  /** Whether the stream spreads records regardless of their keys, and whether it says so. */
  isAuto = false
  saysDistribution = true
  /** Awaited before a put is answered. */
  gate: (() => Promise<void>) | undefined
  #sequence = 0n

  /** Records get sequence numbers above `lastSequenceNumber`. */
  constructor(shardCount = 1, lastSequenceNumber = 0n) {
    this.#sequence = lastSequenceNumber
    const step = (maxHashKey + 1n) / BigInt(shardCount)
    for (let index = 0; index < shardCount; index += 1) {
      const start = BigInt(index) * step
      this.addShard(start, index === shardCount - 1 ? maxHashKey : start + step - 1n)
    }
  }

  addShard(start: bigint, end: bigint, parents: readonly FakeShard[] = []): FakeShard {
    const shard = {
      id: `shardId-${String(this.shards.length).padStart(12, '0')}`,
      start,
      end,
      parents: parents.map(({ id }) => id),
      startingSequenceNumber: this.#sequence,
      isOpen: true
    }
    this.shards.push(shard)
    return shard
  }

  split(shard: FakeShard): readonly [FakeShard, FakeShard] {
    shard.isOpen = false
    const middle = (shard.start + shard.end) / 2n
    return [this.addShard(shard.start, middle, [shard]), this.addShard(middle + 1n, shard.end, [shard])]
  }

  merge(left: FakeShard, right: FakeShard): FakeShard {
    left.isOpen = false
    right.isOpen = false
    return this.addShard(left.start, right.end, [left, right])
  }

  async putRecords(input: PutRecordsCommandInput, options?: CallOptions): Promise<PutRecordsCommandOutput> {
    const entries = input.Records ?? []
    this.requests.push(entries)
    const call = this.requests.length
    await this.gate?.()
    options?.signal?.throwIfAborted()
    const bytes = entries.reduce(
      (sum, { Data, PartitionKey }) => sum + Data!.length + Buffer.byteLength(PartitionKey!),
      0
    )
    if (entries.length === 0 || entries.length > 500 || bytes > 10 * 1024 * 1024) {
      throw new Error('the request breaks the limits of the service')
    }
    const failure = this.failRequest?.(entries, call)
    if (failure !== undefined) throw failure
    const Records = entries.map((entry, index) => {
      const ErrorCode = this.failEntry?.(entry, index, call)
      return ErrorCode === undefined ? this.storeEntry(entry) : { ErrorCode, ErrorMessage: 'from the fake' }
    })
    const lost = this.loseAnswer?.(call)
    if (lost !== undefined) throw lost
    return { Records, FailedRecordCount: Records.filter(entry => 'ErrorCode' in entry).length, $metadata: {} }
  }

  async listShards(input: ListShardsCommandInput, _options?: CallOptions): Promise<ListShardsCommandOutput> {
    this.listings += 1
    const failure = this.failListing?.(this.listings)
    if (failure !== undefined) throw failure
    const isOpenOnly = input.ShardFilter?.Type === 'AT_LATEST' || input.NextToken?.startsWith('open')
    const listed = isOpenOnly ? this.shards.filter(({ isOpen }) => isOpen) : this.shards
    const from = input.NextToken === undefined ? 0 : Number(input.NextToken.replace('open', ''))
    const next = from + this.pageSize
    return {
      Shards: listed.slice(from, next).map(({ id, start, end, parents, isOpen, startingSequenceNumber }) => ({
        ShardId: id,
        HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
        ...(parents[0] === undefined ? {} : { ParentShardId: parents[0] }),
        ...(parents[1] === undefined ? {} : { AdjacentParentShardId: parents[1] }),
        SequenceNumberRange: {
          StartingSequenceNumber: String(startingSequenceNumber),
          ...(isOpen ? {} : { EndingSequenceNumber: '1' })
        }
      })),
      ...(next < listed.length ? { NextToken: `${isOpenOnly ? 'open' : ''}${next}` } : {}),
      $metadata: {}
    }
  }

  async getShardIterator(input: GetShardIteratorCommandInput): Promise<GetShardIteratorCommandOutput> {
    this.iteratorTypes.push(input.ShardIteratorType!)
    const records = this.stored.filter(({ shard }) => shard.id === input.ShardId)
    const number = input.StartingSequenceNumber === undefined ? 0n : BigInt(input.StartingSequenceNumber)
    const first = {
      TRIM_HORIZON: () => 0,
      LATEST: () => records.length,
      AT_TIMESTAMP: () => 0,
      AT_SEQUENCE_NUMBER: () =>
        records.filter(({ sequenceNumber }) => BigInt(sequenceNumber) < number).length,
      AFTER_SEQUENCE_NUMBER: () =>
        records.filter(({ sequenceNumber }) => BigInt(sequenceNumber) <= number).length
    }[input.ShardIteratorType!]()
    return { ShardIterator: `${input.ShardId}:${first}`, $metadata: {} }
  }

  async getRecords(input: GetRecordsCommandInput, options?: CallOptions): Promise<GetRecordsCommandOutput> {
    this.reads += 1
    options?.signal?.throwIfAborted()
    const failure = this.failRead?.(this.reads)
    if (failure !== undefined) throw failure
    const [shardId, index] = input.ShardIterator!.split(':')
    const from = Number(index)
    const shard = this.shards.find(({ id }) => id === shardId)!
    const records = this.stored.filter(stored => stored.shard === shard)
    const next = Math.min(records.length, from + (input.Limit ?? 10_000))
    const isEnd = !shard.isOpen && next === records.length
    return {
      Records: records.slice(from, next).map(({ sequenceNumber, partitionKey, data }) => ({
        SequenceNumber: sequenceNumber,
        PartitionKey: partitionKey,
        Data: data,
        ApproximateArrivalTimestamp: new Date(0)
      })),
      MillisBehindLatest: this.lagMs,
      ...(isEnd ? {} : { NextShardIterator: `${shardId}:${next}` }),
      ...(isEnd && this.namesChildren
        ? {
            ChildShards: this.shards
              .filter(({ parents }) => parents.includes(shardId!))
              .map(({ id, parents, start, end }) => ({
                ShardId: id,
                ParentShards: [...parents],
                HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) }
              }))
          }
        : {}),
      $metadata: {}
    }
  }

  /** Stores data in a shard as if a producer had put it. */
  store(data: Uint8Array, shard: FakeShard = this.shards[0]!): string {
    const sequenceNumber = String(++this.#sequence)
    this.stored.push({ shard, sequenceNumber, partitionKey: 'key', explicitHashKey: undefined, data })
    return sequenceNumber
  }

  async describeStreamSummary(
    _input?: DescribeStreamSummaryCommandInput,
    _options?: CallOptions
  ): Promise<DescribeStreamSummaryCommandOutput> {
    this.descriptions += 1
    const failure = this.failDescribe?.()
    if (failure !== undefined) throw failure
    return {
      StreamDescriptionSummary: {
        StreamARN: `arn:aws:kinesis:us-east-1:123456789012:stream/${this.name}`,
        StreamCreationTimestamp: new Date(this.createdEpochSeconds * 1_000),
        MaxRecordSizeInKiB: this.maxRecordKiB,
        ...(this.saysDistribution
          ? { RecordDistributionStrategy: this.isAuto ? 'AUTO' : 'USER_PARTITION_KEY' }
          : {})
      } as DescribeStreamSummaryCommandOutput['StreamDescriptionSummary'],
      $metadata: {}
    }
  }

  /**
   * Data of every user record that a KCL hands on: of an aggregate all or, when one of its hash keys lies outside
   * the shard's range, none.
   */
  readAsKcl(open: (data: Uint8Array) => Uint8Array = data => data): string[] {
    return this.stored.flatMap(({ shard, data }) => {
      const opened = open(data)
      const users = decodeAggregatedRecord(opened)
      if (users === undefined) return [Buffer.from(opened).toString()]
      const isInRange = users.every(user => {
        const hashKey = hashKeyOf(user)
        return hashKey >= shard.start && hashKey <= shard.end
      })
      return isInRange ? users.map(user => Buffer.from(user.data).toString()) : []
    })
  }

  /** Data of every user record, whatever its shard's range. */
  readUnfiltered(open: (data: Uint8Array) => Uint8Array = data => data): string[] {
    return this.stored.flatMap(({ data }) => {
      const opened = open(data)
      const users = decodeAggregatedRecord(opened) ?? [{ data: opened }]
      return users.map(user => Buffer.from(user.data).toString())
    })
  }

  /** Stores one entry of a request where its hash key leads it. */
  storeEntry(entry: PutRecordsRequestEntry): { ShardId: string; SequenceNumber: string } {
    const hashKey = hashKeyOf({ partitionKey: entry.PartitionKey!, explicitHashKey: entry.ExplicitHashKey })
    const open = this.shards.filter(({ isOpen }) => isOpen)
    const shard = this.isAuto
      ? open[Number(this.#sequence % BigInt(open.length))]!
      : open.find(({ start, end }) => hashKey >= start && hashKey <= end)!
    const sequenceNumber = String(++this.#sequence)
    this.stored.push({
      shard,
      sequenceNumber,
      partitionKey: entry.PartitionKey!,
      explicitHashKey: entry.ExplicitHashKey,
      data: entry.Data!
    })
    return { ShardId: shard.id, SequenceNumber: sequenceNumber }
  }
}
