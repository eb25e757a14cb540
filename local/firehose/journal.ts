import type { StateDocument, StateFolder, StateLog } from '../state/index.ts'
import type { DeliveryWatcher } from './delivery.ts'
import type { BufferedRecord, KinesisOrigin } from './destinations/destination.ts'
import type { SavedPositions } from './source/kinesis-source.ts'
import type { DeliveryStream } from './store.ts'
import type { GivenDestination } from './validations/destination.ts'

/** A destination as it was given: what it means is worked out anew. */
export type SavedDestination = Pick<GivenDestination, 'family' | 'configuration'>

/** A delivery stream without its buffer, as JSON. */
export type SavedStream = Pick<
  DeliveryStream,
  'name' | 'createdMs' | 'updatedMs' | 'version' | 'encryption' | 'encryptionChangesMs' | 'source'
> & {
  readonly destination: SavedDestination
  /** Those of earlier versions for which something may be buffered still. */
  readonly past: readonly (readonly [version: number, destination: SavedDestination])[]
  readonly tags: readonly (readonly [string, string])[]
}

/** A record that was accepted and not delivered. */
export interface WaitingRecord {
  readonly record: BufferedRecord
  /** Of the delivery stream when it was put. */
  readonly version: number
  /** Whether it is for the backup that takes everything. */
  readonly isCopy: boolean
  /** Whether a transform function has still to return it. */
  readonly isSource: boolean
}

type Entry =
  | {
      readonly stream: string
      readonly id: string
      readonly version: number
      readonly isCopy?: true
      readonly isSource?: true
      readonly arrivedMs: number
      readonly origin?: KinesisOrigin
      readonly partitionKeys?: Readonly<Record<string, string>>
      /** Base64. */
      readonly data: string
    }
  | { readonly stream: string; readonly done: readonly string[] }
  | { readonly stream: string; readonly dropped: true }
  | { readonly stream: string; readonly positions: SavedPositions }

/** Operations that change no delivery stream but its buffer, and those that change nothing. */
const puts: readonly string[] = ['PutRecord', 'PutRecordBatch']
const reads = /^(Describe|List)/

/** Delivery streams in a document, and a log of what is accepted and what is done with. */
export class FirehoseJournal {
  readonly loaded: readonly SavedStream[]
  readonly #document: StateDocument
  readonly #log: StateLog
  /** By delivery stream: how far its source is read. */
  readonly #positions = new Map<string, SavedPositions>()
  /** By delivery stream, then by record id; in the order of arrival. */
  readonly #waiting = new Map<string, Map<string, WaitingRecord>>()

  /** @throws {StateError} */
  constructor(state: StateFolder) {
    this.#document = state.document('firehose', 'streams')
    this.loaded = (this.#document.read() ?? []) as SavedStream[]
    this.#log = state.log('firehose', {
      name: 'records',
      read: entry => {
        this.#readEntry(entry as Entry)
        return undefined
      },
      live: {
        count: () => [...this.#waiting.values()].reduce((sum, { size }) => sum + size, this.#positions.size),
        entries: () => this.#entries()
      }
    })
  }

  /** What of a delivery stream waits to be delivered. */
  waitingOf(stream: string): readonly WaitingRecord[] {
    return [...(this.#waiting.get(stream)?.values() ?? [])]
  }

  /** How far the source of a delivery stream is read; undefined when it never was. */
  positionsOf(stream: string): SavedPositions | undefined {
    return this.#positions.get(stream)
  }

  /** What was read lies in the log already: at worst it is read again. */
  readTo(stream: string, positions: SavedPositions): void {
    this.#positions.set(stream, positions)
    this.#log.append({ stream, positions })
    // No request is there that would do it.
    this.#log.flush()
  }

  /** Hears of the buffer of a delivery stream; `version` is asked for every record. */
  watcherOf(stream: string, version: () => number): DeliveryWatcher {
    const done = (records: readonly BufferedRecord[]): void => {
      if (records.length === 0) return
      const entry = { stream, done: records.map(({ id }) => id) }
      this.#readEntry(entry)
      this.#log.append(entry)
      // No request is there that would do it.
      this.#log.flush()
    }
    const add = (record: BufferedRecord, kind: { isCopy?: true; isSource?: true } = {}): void => {
      const waiting = { record, version: version(), isCopy: false, isSource: false, ...kind }
      this.#of(stream).set(record.id, waiting)
      this.#log.append(entryOf(stream, waiting))
    }
    return {
      added: record => add(record),
      done,
      copies: { added: record => add(record, { isCopy: true }), done },
      sources: { added: record => add(record, { isSource: true }), done }
    }
  }

  /** A delivery stream goes, and with it what is in its buffer. */
  drop(stream: string): void {
    this.#waiting.delete(stream)
    this.#positions.delete(stream)
    this.#log.append({ stream, dropped: true })
  }

  /** Writes what an operation has changed. */
  save(operation: string, streams: readonly SavedStream[]): void {
    this.#log.flush()
    if (!puts.includes(operation) && !reads.test(operation)) this.#document.write(streams)
  }

  #of(stream: string): Map<string, WaitingRecord> {
    const found = this.#waiting.get(stream) ?? new Map<string, WaitingRecord>()
    this.#waiting.set(stream, found)
    return found
  }

  #readEntry(entry: Entry): void {
    if ('done' in entry) {
      for (const id of entry.done) this.#waiting.get(entry.stream)?.delete(id)
    } else if ('dropped' in entry) {
      this.#waiting.delete(entry.stream)
      this.#positions.delete(entry.stream)
    } else if ('positions' in entry) {
      this.#positions.set(entry.stream, entry.positions)
    } else {
      const { stream, id, version, isCopy = false, isSource = false, data, ...rest } = entry
      this.#of(stream).set(id, {
        record: { ...rest, id, data: Buffer.from(data, 'base64') },
        version,
        isCopy,
        isSource
      })
    }
  }

  *#entries(): Generator<Entry> {
    for (const [stream, records] of this.#waiting) {
      for (const waiting of records.values()) yield entryOf(stream, waiting)
    }
    for (const [stream, positions] of this.#positions) yield { stream, positions }
  }
}

function entryOf(stream: string, { record, version, isCopy, isSource }: WaitingRecord): Entry {
  const { id, arrivedMs, data, origin, partitionKeys } = record
  return {
    stream,
    id,
    version,
    ...(isCopy ? { isCopy } : {}),
    ...(isSource ? { isSource } : {}),
    arrivedMs,
    ...(origin === undefined ? {} : { origin }),
    ...(partitionKeys === undefined ? {} : { partitionKeys }),
    data: data.toString('base64')
  }
}
