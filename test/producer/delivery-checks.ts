import type { PutRecordsRequestEntry } from '@aws-sdk/client-kinesis'
import { decodeAggregatedRecord, startsWithMagic } from '../../core/aggregated-record.ts'
import { ErrorCode } from '../../core/errors.ts'
import { hashKeyOf } from '../../core/hash-key.ts'
import { type RecordOpener, SealMode } from '../../core/record-transform.ts'
import type { FakeStoredRecord } from '../helpers/fake-kinesis.ts'
import { demand, isHandedBack, type PutCall, type Simulation, secret } from './simulation.ts'

/** One user record inside a Kinesis record. */
interface Carried {
  readonly call: PutCall
  readonly partitionKey: string
  readonly explicitHashKey: string | undefined
  readonly data: Uint8Array
}

/** One user record in the stream. */
interface Stored extends Carried {
  readonly stored: FakeStoredRecord
  readonly subSequenceNumber: number
  /** Whether a reader by the KCL's rule hands it on: it drops an aggregate that its shard does not cover. */
  readonly isReadable: boolean
  readonly isLate: boolean
}

/** Largest request, and most of its entries (Kinesis quotas). */
const largestRequestBytes = 10 * 1_048_576
const mostEntries = 500
/** Buffering twice, and the backoffs of some reshards in a row. */
const longestCalmMs = 5_000
const leastCalmPercent = 3

/** What must hold between what callers were told and what lies in the stream, once the producer has ended. */
export async function checkDeliveries(simulation: Simulation): Promise<void> {
  const contents = new Contents(simulation)
  try {
    await checkRequests(simulation, contents)
    const stored = await inStream(simulation, contents)
    const byCall = groupBy(stored, ({ call }) => call)
    for (const call of simulation.puts) checkOutcome(simulation, call, byCall.get(call) ?? [])
    if (simulation.settings.isCalm) checkCalm(simulation, stored)
    if (simulation.settings.options.ordered === true) checkOrder(simulation, stored, byCall)
  } finally {
    contents.close()
  }
}

/** Takes Kinesis records apart as a reader does, each only once. */
class Contents {
  readonly #simulation: Simulation
  readonly #opener: RecordOpener | undefined
  readonly #known = new Map<Uint8Array, readonly Carried[]>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#opener = simulation.settings.options.seal?.keyring.createOpener(simulation.openerOptions())
  }

  async of(
    data: Uint8Array,
    partitionKey: string,
    explicitHashKey: string | undefined
  ): Promise<readonly Carried[]> {
    const known = this.#known.get(data) ?? (await this.#take(data, partitionKey, explicitHashKey))
    this.#known.set(data, known)
    return known
  }

  close(): void {
    this.#opener?.close()
  }

  async #take(
    stored: Uint8Array,
    partitionKey: string,
    explicitHashKey: string | undefined
  ): Promise<readonly Carried[]> {
    const isSealedWhole = this.#simulation.settings.options.seal?.mode === SealMode.aggregate
    const opened = isSealedWhole ? await this.#opener!.open(stored) : stored
    const users = decodeAggregatedRecord(opened) ?? [{ partitionKey, explicitHashKey, data: opened }]
    return Promise.all(
      users.map(async user => {
        const data =
          isSealedWhole || this.#opener === undefined ? user.data : await this.#opener.open(user.data)
        const text = Buffer.from(startsWithMagic(data) ? data.subarray(4) : data)
        const call = this.#simulation.puts[Number(text.toString('latin1', 0, 10).split(';')[0])]
        demand(call !== undefined, 'something was sent that nobody has put')
        return { call, partitionKey: user.partitionKey, explicitHashKey: user.explicitHashKey, data }
      })
    )
  }
}

async function checkRequests(simulation: Simulation, contents: Contents): Promise<void> {
  const { settings, stream, puts } = simulation
  const { recordTtlMs = 30_000, maxAttempts = Number.POSITIVE_INFINITY, seal, aggregation } = settings.options
  const { maxRequestBytes = 2_097_152, maxAggregateBytes = 50_000 } = settings.options
  const maxRecordBytes = Math.min(
    settings.options.maxRecordBytes ?? Number.POSITIVE_INFINITY,
    stream.maxRecordKiB * 1_024
  )
  const attempts = new Map<PutCall, number>()
  const answeredMs = new Map<PutCall, number>()
  const invalidAlone = new Set<PutCall>()
  for (const { entries, startedMs, endedMs, error } of stream.log) {
    const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0)
    demand(
      entries.length <= mostEntries && bytes <= largestRequestBytes,
      'a request breaks the service’s limits'
    )
    demand(bytes <= maxRequestBytes || entries.length === 1, 'a request is larger than the option allows')
    for (const entry of entries) {
      demand(bytesOf(entry) <= maxRecordBytes, 'a Kinesis record is larger than it may be')
      if (seal !== undefined) {
        demand(!Buffer.from(entry.Data!).includes(secret), 'plaintext was sent')
        const keys = `${entry.PartitionKey}${Buffer.from(entry.Data!).toString('latin1')}`
        demand(
          seal.mode === SealMode.record || !keys.includes('of the caller'),
          'a partition key is readable'
        )
      }
      const users = await contents.of(entry.Data!, entry.PartitionKey!, entry.ExplicitHashKey)
      if (users.length > 1) {
        demand(aggregation !== false, 'records were aggregated although they should not be')
        demand(bytesOf(entry) <= maxAggregateBytes, 'an aggregate is larger than it may be')
        const { autoSinceMs } = simulation
        demand(
          autoSinceMs === undefined || startedMs <= autoSinceMs,
          'an aggregate was sent to an AUTO stream'
        )
        const { keyFor } = seal ?? {}
        const tenants = new Set(users.map(({ call }) => keyFor?.(call.record)))
        demand(seal?.mode !== SealMode.aggregate || tenants.size === 1, 'two tenants share a sealed message')
      }
      for (const { call } of users) {
        // While an invalid entry is searched for, its neighbours pay nothing.
        const isSearch = error === 'ValidationException' && entries.length > 1
        if (!isSearch) attempts.set(call, (attempts.get(call) ?? 0) + 1)
        answeredMs.set(call, Math.max(answeredMs.get(call) ?? 0, endedMs ?? Number.POSITIVE_INFINITY))
        if (error === 'ValidationException' && entries.length === 1) invalidAlone.add(call)
        demand(
          call.settledMs === undefined || startedMs <= call.settledMs,
          `put ${call.id} was sent after it was settled`
        )
        if (call.acceptedMs !== undefined && !settings.hasLarge) {
          demand(startedMs < call.acceptedMs + recordTtlMs, `put ${call.id} was sent after it had expired`)
        }
      }
    }
  }
  for (const call of puts) {
    const { id, result, error, acceptedMs, settledMs } = call
    const made = attempts.get(call) ?? 0
    demand(made <= maxAttempts, `put ${id} was sent ${made} times`)
    if (result === undefined && !isHandedBack(error)) demand(made === 0, `put ${id} was refused, and sent`)
    else {
      const told = result?.attempts ?? error?.attempts
      demand(told === made, `put ${id} was sent ${made} times, and says ${told}`)
    }
    if (acceptedMs !== undefined && !settings.hasLarge) {
      const latest = Math.max(acceptedMs + recordTtlMs, answeredMs.get(call) ?? 0)
      demand(settledMs! <= latest, `put ${id} was kept beyond its time to live`)
    }
    if (serviceCodeOf(error) === 'ValidationException' && error?.code === 'SEALSTREAM_PUT_FAILED')
      demand(invalidAlone.has(call), `put ${id} was failed for what another one did`)
  }
}

async function inStream({ stream, settings }: Simulation, contents: Contents): Promise<readonly Stored[]> {
  const isSealedWhole = settings.options.seal?.mode === SealMode.aggregate
  const all: Stored[] = []
  for (const stored of stream.stored) {
    const { shard, data, partitionKey, explicitHashKey } = stored
    const users = await contents.of(data, partitionKey, explicitHashKey)
    // What is sealed as a whole is opened before it is taken apart, by readers that drop nothing.
    const isLone = isSealedWhole ? users.length === 1 : !startsWithMagic(data)
    const isReadable =
      isLone ||
      users.every(user => {
        const hashKey = hashKeyOf(user)
        return hashKey >= shard.start && hashKey <= shard.end
      })
    const isLate = stream.late.has(stored)
    users.forEach((user, subSequenceNumber) => {
      all.push({ ...user, stored, subSequenceNumber, isReadable, isLate })
    })
  }
  return all
}

function checkOutcome({ settings }: Simulation, call: PutCall, found: readonly Stored[]): void {
  const { id, record, result, error } = call
  for (const { data, partitionKey } of found) {
    demand(Buffer.compare(data, record.data) === 0, `put ${id} is stored with other data`)
    const isHidden =
      settings.options.seal?.mode === SealMode.aggregate && partitionKey !== record.partitionKey
    demand(!isHidden && partitionKey === record.partitionKey, `put ${id} is stored under another key`)
  }
  if (result === undefined) {
    demand(error?.record === undefined || error.record === record, `put ${id} handed back another record`)
    demand(found.length === 0 || error?.maybeStored === true, `put ${id} is stored, and was said not to be`)
    return
  }
  const named = found.find(
    ({ stored, subSequenceNumber }) =>
      stored.shard.id === result.shardId &&
      stored.sequenceNumber === result.sequenceNumber &&
      subSequenceNumber === result.subSequenceNumber
  )
  demand(named !== undefined, `put ${id} is not where its result says`)
  demand(named.isReadable, `put ${id} lies where a reader drops it`)
  demand(
    found.length === 1 || result.maybeDuplicate,
    `put ${id} is stored ${found.length} times, and does not say so`
  )
}

/** Where nothing fails, nothing is handed back but for want of time, and only a reshard makes a duplicate. */
function checkCalm({ puts, settings, isResharded, isPrompt }: Simulation, stored: readonly Stored[]): void {
  const {
    recordTtlMs = 30_000,
    rateLimitPercent = 150,
    maxAttempts,
    onMagicPrefix,
    maxBufferedMs = 100
  } = settings.options
  if (!isResharded && !settings.isAuto) {
    const duplicate = puts.find(({ result }) => result?.maybeDuplicate === true)
    demand(duplicate === undefined, `put ${duplicate?.id} may be a duplicate, and nothing went wrong`)
    demand(new Set(stored.map(({ call }) => call)).size === stored.length, 'a record was stored twice')
  }
  const hasTime = settings.drainMs !== 0 && settings.drainMs !== 100 && recordTtlMs === 30_000
  // With less, or with records of megabytes, a shard may not take all of it in time.
  if (!hasTime || settings.hasLarge || rateLimitPercent < leastCalmPercent || maxAttempts !== undefined)
    return
  if (settings.isAuto && onMagicPrefix !== undefined) return
  for (const { id, error, acceptedMs, settledMs } of puts) {
    demand(!isHandedBack(error), `put ${id} was handed back, and nothing went wrong: ${error?.message}`)
    if (acceptedMs === undefined || error !== undefined) continue
    const longestMs = isPrompt ? maxBufferedMs : longestCalmMs
    demand(
      rateLimitPercent < 150 || settledMs! - acceptedMs <= longestMs,
      `put ${id} took ${settledMs! - acceptedMs} ms`
    )
  }
}

/**
 * Reading order of one hash key is the order of storing: its shards follow one another, each closed before the next
 * is there. What was stored late was out of anybody's hands by then.
 */
function checkOrder(
  { puts, settings }: Simulation,
  stored: readonly Stored[],
  byCall: ReadonlyMap<PutCall, readonly Stored[]>
): void {
  for (const visible of [stored, stored.filter(({ isReadable }) => isReadable)]) {
    const seen = new Set<PutCall>()
    const last = new Map<string, number>()
    for (const { call, isLate } of visible) {
      if (seen.has(call)) continue
      seen.add(call)
      if (isLate) continue
      const { partitionKey } = call.record
      const before = last.get(partitionKey) ?? -1
      demand(before < call.id, `put ${call.id} is first stored behind put ${before} of the same key`)
      last.set(partitionKey, call.id)
    }
  }
  if (settings.options.onLaneFailure === 'continue') return
  for (const calls of groupBy(puts, ({ record }) => record.partitionKey).values()) {
    const gaps: PutCall[] = []
    let hasFailed = false
    for (const call of calls) {
      demand(hasFailed || !isStopped(call), `put ${call.id} was stopped, and none before it had failed`)
      if (isHandedBack(call.error) && !isStopped(call)) hasFailed = true
      const isStored = byCall.get(call)?.some(({ isLate }) => !isLate) === true
      const gap = isStored
        ? gaps.find(
            // A put that waited for room hears of its failure some turns later than the producer.
            ({ settledTick, settledMs }) =>
              call.putTick < settledTick && !(call.isChained && call.putMs === settledMs)
          )
        : undefined
      demand(gap === undefined, `put ${call.id} was stored although put ${gap?.id} before it was handed back`)
      if (isHandedBack(call.error) && !byCall.has(call)) gaps.push(call)
    }
  }
}

function isStopped({ error }: PutCall): boolean {
  const cause = isHandedBack(error) ? error?.cause : error
  return (cause as { code?: string } | undefined)?.code === ErrorCode.laneStopped
}

function bytesOf({ Data, PartitionKey }: PutRecordsRequestEntry): number {
  return Data!.length + Buffer.byteLength(PartitionKey!)
}

function serviceCodeOf(error: unknown): string | undefined {
  return (error as { cause?: { serviceCode?: string } } | undefined)?.cause?.serviceCode
}

/** As `Map.groupBy`, which Node 20 has not. */
function groupBy<K, V>(values: readonly V[], keyOf: (value: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}
