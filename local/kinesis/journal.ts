import type { StateDocument, StateFolder, StateLog } from '../state/index.ts'
import type { NewStoredRecord, RecordLog } from './record-log.ts'
import { decodeStreams, encodeStreams, type SavedStreams } from './saved-streams.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './store.ts'

/** A record; its shard is told by its generation. `null` stands for no partition key. */
type RecordEntry = readonly [
  generation: number,
  ordinal: number,
  partitionKey: string | null,
  data: string,
  arrivedMs: number,
  isEncrypted: 0 | 1,
  arrival: number
]
/** What a shard has: its oldest record and its next one, by their ordinals. */
type ShardEntry = readonly [generation: number, oldest: number, next: number]

/** What the store held when its last process ended. */
export interface LoadedStreams {
  readonly streams: readonly Stream[]
  readonly generation: bigint
  /** Records that came so far, over all streams. */
  readonly arrivals: number
}

/** Operations that change no more than records, and those that change nothing. */
const puts: readonly string[] = ['PutRecord', 'PutRecords']
const reads = /^(Get|List|Describe|SubscribeToShard)/

/**
 * Streams in a document, records in a log in the order of their arrival. A file of the log goes when the oldest record
 * that is held, over all streams, is younger than all in it.
 */
export class KinesisJournal {
  readonly loaded: LoadedStreams
  readonly #document: StateDocument
  readonly #log: StateLog
  readonly #streams: () => Iterable<Stream>

  /** `streams`: what the store holds, asked when the log is written anew. @throws {StateError} */
  constructor(state: StateFolder, streams: () => Iterable<Stream>, nowMs: number) {
    this.#document = state.document('kinesis', 'streams')
    this.#streams = streams
    const saved = (this.#document.read() ?? { generation: '0', streams: [] }) as SavedStreams
    const decoded = decodeStreams(saved, nowMs)
    const shards = new Map(
      decoded.streams.flatMap(stream => stream.shards.map(shard => [shard.generation, shard]))
    )
    let arrivals = 0
    this.#log = state.log('kinesis', {
      name: 'records',
      read: entry => {
        const arrival = readEntry(shards, entry as RecordEntry | ShardEntry)
        arrivals = Math.max(arrivals, (arrival ?? -1) + 1)
        return arrival
      },
      live: {
        count: () => sum(this.#logs(), ({ length }) => length),
        entries: () => this.#entries(),
        header: () => this.#shardEntries(),
        oldestMark: () => Math.min(...this.#logs().map(records => records.arrivalAt(0)))
      }
    })
    this.loaded = { ...decoded, arrivals }
  }

  add({ generation }: Shard, ordinal: number, record: NewStoredRecord): void {
    const { arrival } = record
    this.#log.append(recordEntry(generation, ordinal, record, arrival), arrival)
  }

  /** Writes what an operation has changed. */
  save(operation: string, generation: bigint): void {
    if (!puts.includes(operation)) {
      if (reads.test(operation)) return
      const isChanged = this.#document.write(encodeStreams(this.#streams(), generation))
      // A longer retention period must not bring back what a shorter one has taken away.
      if (isChanged) for (const entry of this.#shardEntries()) this.#log.append(entry)
    }
    this.#log.flush()
  }

  *#entries(): Generator<RecordEntry | ShardEntry> {
    for (const { generation, records } of this.#shards()) {
      for (let index = 0; index < records.length; index += 1) {
        const record = records.at(index)
        yield recordEntry(generation, record.ordinal, record, records.arrivalAt(index))
      }
    }
    yield* this.#shardEntries()
  }

  #shardEntries(): ShardEntry[] {
    return this.#shards().map(({ generation, records }) => [
      generation,
      records.nextOrdinal - records.length,
      records.nextOrdinal
    ])
  }

  #shards(): Shard[] {
    return Array.from(this.#streams(), ({ shards }) => shards).flat()
  }

  #logs(): RecordLog[] {
    return this.#shards().map(({ records }) => records)
  }
}

function recordEntry(
  generation: number,
  ordinal: number,
  record: Omit<NewStoredRecord, 'arrival'>,
  arrival: number
): RecordEntry {
  const { partitionKey = null, data, arrivedMs, isEncrypted } = record
  return [generation, ordinal, partitionKey, data, arrivedMs, isEncrypted ? 1 : 0, arrival]
}

/** Returns the arrival of a record. Those of shards that are gone are passed over. */
function readEntry(shards: ReadonlyMap<number, Shard>, entry: RecordEntry | ShardEntry): number | undefined {
  const records = shards.get(entry[0])?.records
  if (entry.length === 3) {
    const [, oldest, next] = entry
    records?.resume(oldest, next)
    return undefined
  }
  const [, ordinal, partitionKey, data, arrivedMs, isEncrypted, arrival] = entry
  records?.resume(0, ordinal)
  records?.append({
    partitionKey: partitionKey ?? undefined,
    data,
    arrivedMs,
    isEncrypted: isEncrypted === 1,
    arrival
  })
  return arrival
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0)
}
