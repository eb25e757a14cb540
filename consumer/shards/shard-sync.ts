import type { ListShardsCommandInput } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import type { Clock } from '../../core/clock.ts'
import { ServiceError } from '../../core/service-errors.ts'
import {
  type ExtendedSequenceNumber,
  Sentinel,
  sentinelPosition
} from '../checkpoint/extended-sequence-number.ts'
import { IncompleteShardListError, StreamRecreatedError } from '../errors.ts'
import { isFinished, type Lease } from '../leases/lease.ts'
import { leaseKeyOf, toStreamIdentifier } from '../leases/lease-key.ts'
import type { LeaseTable } from '../leases/lease-table.ts'
import type { InitialPosition } from '../options.ts'
import type { WorkerEvent } from '../types.ts'
import { findHoles, holeId, type LeaseHole, uncovered } from './hash-range-holes.ts'
import { misfit, missingLeases, newLease, oldestFirst, type ShardInfo } from './shard-graph.ts'
import { listShards } from './shard-list.ts'

export interface ShardSyncOptions {
  readonly kinesis: KinesisReaderPort
  readonly streamName: string
  /** Whether the table holds the leases of several streams: then each key names its stream. @default false */
  readonly isOneOfSeveral?: boolean
  readonly table: LeaseTable
  readonly initialPosition: InitialPosition
  /** What becomes of leases that were written for a former stream of the name. @default 'stop' */
  readonly onStreamRecreated?: 'stop' | 'discardLeases'
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  readonly onEvent?: (event: WorkerEvent) => void
}

/** Time between two looks for holes, in milliseconds. A look costs nothing: the leases were read anyway. */
const lookMs = 10_000
/** So many looks must show the same hole: a scan is not consistent, and a reshard under way is no hole. */
const looksToRepair = 3
/** A listing that leaves out hash keys is asked for again, as the KCL does. */
const listTries = 3
const listAgainMs = 1_000

/** Makes the leases that one stream's shards need. Every worker may do it at any time: rows are made once. */
export class ShardSync {
  readonly #options: ShardSyncOptions
  #streamIdentifier: string | undefined
  #holes = new Map<string, number>()
  #isChecked = false
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(options: ShardSyncOptions) {
    this.#options = options
  }

  get streamName(): string {
    return this.#options.streamName
  }

  /** Undefined in a table of one stream, and before `identify` was called. */
  get streamIdentifier(): string | undefined {
    return this.#streamIdentifier
  }

  /** Finds out what the stream is called in a table of several. @throws ServiceError */
  async identify(): Promise<void> {
    const { kinesis, streamName, isOneOfSeveral = false, signal } = this.#options
    if (!isOneOfSeveral || this.#streamIdentifier !== undefined) return
    const description = await kinesis
      .describeStreamSummary({ StreamName: streamName }, { signal })
      .catch((cause: unknown) => {
        throw new ServiceError('kinesis', 'DescribeStreamSummary', cause)
      })
    const summary = description.StreamDescriptionSummary
    this.#streamIdentifier = toStreamIdentifier({
      // arn:aws:kinesis:<region>:<account>:stream/<name>
      accountId: summary!.StreamARN!.split(':')[4]!,
      streamName,
      creationEpochSeconds: Math.floor(summary!.StreamCreationTimestamp!.getTime() / 1_000)
    })
  }

  /** Whether the lease is of this stream. */
  owns({ streamIdentifier }: Lease): boolean {
    return streamIdentifier === this.#streamIdentifier
  }

  /**
   * Takes the leases as they were just read, of this stream and others. Fills an empty table; at the first call
   * finds out whether the leases fit the stream; afterwards repairs a hole that was seen at several looks.
   * Returns how many rows were made or removed.
   * @throws ServiceError, StreamRecreatedError, IncompleteShardListError
   */
  async run(all: readonly Lease[]): Promise<number> {
    const leases = all.filter(lease => this.owns(lease))
    if (leases.length === 0) return this.#fill()
    if (!this.#isChecked) {
      const changed = await this.#check(leases)
      this.#isChecked = true
      return changed
    }
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#lookedMs < lookMs) return 0
    this.#lookedMs = nowMs
    return this.#look(leases)
  }

  /**
   * The parents without a lease that must be read before this lease's shard, whose leases are made here. A child
   * that has not begun still needs its parents: no clean-up has removed their rows, so they were lost.
   */
  async restoreParents(lease: Lease, leases: ReadonlyMap<string, Lease>): Promise<readonly Lease[]> {
    if (lease.checkpoint.sequenceNumber !== Sentinel.trimHorizon) return []
    const lost = lease.parentShardIds.filter(id => !leases.has(leaseKeyOf(lease.streamIdentifier, id)))
    if (lost.length === 0) return []
    // What is not listed any more is beyond the retention.
    const parents = (await this.listShards())
      .filter(({ shardId }) => lost.includes(shardId))
      .map(shard => newLease(shard, this.#repaired, this.#streamIdentifier))
    await this.#create(parents)
    return parents
  }

  listShards(filter?: ListShardsCommandInput['ShardFilter']): Promise<ShardInfo[]> {
    const { kinesis, streamName, clock, random, signal } = this.#options
    return listShards({
      kinesis,
      streamName,
      clock,
      random,
      signal,
      ...(filter === undefined ? {} : { filter })
    })
  }

  get #initial(): ExtendedSequenceNumber {
    const { initialPosition } = this.#options
    return sentinelPosition(typeof initialPosition === 'string' ? initialPosition : Sentinel.atTimestamp)
  }

  /** A row that is missing from a table in use was lost, or never made: from LATEST it would skip what came since. */
  get #repaired(): ExtendedSequenceNumber {
    return this.#options.initialPosition === 'LATEST' ? sentinelPosition(Sentinel.trimHorizon) : this.#initial
  }

  async #fill(): Promise<number> {
    const { initialPosition, table } = this.#options
    this.#isChecked = true
    const shards = await this.#listWholeRange(filterOf(initialPosition))
    // Another worker may have filled it meanwhile, from a listing before a reshard: then its leases decide.
    if ((await table.list()).some(lease => this.owns(lease))) return 1
    return this.#create(
      oldestFirst(shards).map(shard => newLease(shard, this.#initial, this.#streamIdentifier))
    )
  }

  /** Leases made from half a listing would stay the truth for ever. */
  async #listWholeRange(filter: NonNullable<ListShardsCommandInput['ShardFilter']>): Promise<ShardInfo[]> {
    const { clock, signal, streamName } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      const shards = await this.listShards(filter)
      const [hole] = uncovered(shards.map(({ hashKeyRange }) => hashKeyRange))
      if (hole === undefined) return shards
      if (attempt >= listTries) throw new IncompleteShardListError(streamName, hole.start)
      await clock.sleep(listAgainMs, signal)
    }
  }

  /** The first look at a table in use: are these leases of this stream, and complete? */
  async #check(leases: readonly Lease[]): Promise<number> {
    const { streamName, onStreamRecreated = 'stop', clock } = this.#options
    const shards = await this.listShards()
    const shardById = new Map(shards.map(shard => [shard.shardId, shard]))
    const misfits: { readonly lease: Lease; readonly reason: string }[] = []
    const garbage: Lease[] = []
    for (const lease of leases) {
      const shard = shardById.get(lease.shardId)
      const reason = shard && misfit(lease, shard)
      if (reason !== undefined) misfits.push({ lease, reason })
      // It lies beyond the retention: nobody can read it any more.
      else if (shard === undefined && !isFinished(lease)) garbage.push(lease)
    }
    if (misfits.length > 0 && onStreamRecreated === 'stop') {
      const keys = misfits.map(({ lease }) => lease.leaseKey)
      throw new StreamRecreatedError(streamName, keys, misfits[0]!.reason)
    }
    const gone = [
      ...(await this.#delete(
        misfits.map(({ lease }) => lease),
        'recreatedStream'
      )),
      ...(await this.#delete(garbage, 'garbage'))
    ]
    if (gone.length > 0) {
      const kept = leases.filter(lease => !gone.includes(lease))
      return gone.length + (await this.#repair(kept, shards))
    }
    await this.#fillInRanges(leases, shardById)
    this.#lookedMs = clock.now()
    return this.#look(leases)
  }

  async #look(leases: readonly Lease[]): Promise<number> {
    if (leases.some(lease => lease.hashKeyRange === undefined && !isFinished(lease))) {
      const shards = await this.listShards()
      await this.#fillInRanges(leases, new Map(shards.map(shard => [shard.shardId, shard])))
    }
    const before = this.#holes
    this.#holes = new Map()
    let isLasting = false
    for (const hole of findHoles(leases)) {
      const looks = (before.get(holeId(hole)) ?? 0) + 1
      this.#holes.set(holeId(hole), looks)
      if (looks === 1) this.#report(hole)
      // One that cannot be filled is tried again, and not at every look.
      if (looks % looksToRepair === 0) isLasting = true
    }
    return isLasting ? this.#repair(leases, await this.listShards()) : 0
  }

  #repair(leases: readonly Lease[], shards: readonly ShardInfo[]): Promise<number> {
    return this.#create(missingLeases(shards, leases, this.#repaired, this.#streamIdentifier))
  }

  /** One after another: a parent's row stands before its children's. */
  async #create(leases: readonly Lease[]): Promise<number> {
    const { table, streamName, onEvent } = this.#options
    const leaseKeys: string[] = []
    for (const lease of leases) if (await table.create(lease)) leaseKeys.push(lease.leaseKey)
    if (leaseKeys.length > 0) onEvent?.({ type: 'leasesCreated', streamName, leaseKeys })
    return leaseKeys.length
  }

  async #delete(leases: readonly Lease[], reason: 'recreatedStream' | 'garbage'): Promise<readonly Lease[]> {
    const gone: Lease[] = []
    for (const lease of leases) {
      if (!(await this.#options.table.delete(lease))) continue
      gone.push(lease)
      this.#options.onEvent?.({ type: 'leaseDeleted', leaseKey: lease.leaseKey, reason })
    }
    return gone
  }

  /** Rows of old writers know no range. */
  async #fillInRanges(leases: readonly Lease[], shardById: ReadonlyMap<string, ShardInfo>): Promise<void> {
    for (const lease of leases) {
      const shard = shardById.get(lease.shardId)
      if (lease.hashKeyRange !== undefined || shard === undefined) continue
      await this.#options.table.describe(lease, { hashKeyRange: shard.hashKeyRange })
    }
  }

  #report(hole: LeaseHole): void {
    const range = hole.kind === 'range' ? hole.range : undefined
    this.#options.onEvent?.({
      type: 'leaseHole',
      streamName: this.streamName,
      startingHashKey: range && String(range.start),
      endingHashKey: range && String(range.end),
      shardId: hole.kind === 'shard' ? hole.shardId : undefined
    })
  }
}

function filterOf(position: InitialPosition): NonNullable<ListShardsCommandInput['ShardFilter']> {
  if (typeof position !== 'string') return { Type: 'AT_TIMESTAMP', Timestamp: position.timestamp }
  return { Type: position === 'LATEST' ? 'AT_LATEST' : 'AT_TRIM_HORIZON' }
}
