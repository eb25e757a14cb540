import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import { decodeAggregatedRecord, startsAsAggregate } from './aggregated-record.ts'
import { PlaintextRefusedError, RecordFaultError } from './errors.ts'
import { type HashKeyRange, hexHashKey, hexHashKeyOf, maxHashKey, parseHashKey } from './hash-key.ts'
import type { RecordOpener } from './record-transform.ts'
import type { ConsumedRecord } from './user-record.ts'

export interface RecordFault {
  readonly error: RecordFaultError
  /** The user records that are wrong; undefined when it is the whole Kinesis record. */
  readonly subSequenceNumbers: readonly number[] | undefined
}

/** What one Kinesis record holds. */
export interface ReadRecord {
  /** In the order of their sub-sequence numbers. */
  readonly userRecords: readonly ConsumedRecord[]
  readonly faults: readonly RecordFault[]
  /** Position of the last user record, faulty ones included. */
  readonly lastSubSequenceNumber: number
  /** User records that came unsealed and were accepted. */
  readonly plaintextAccepted: number
  /** Whether it begins as an aggregate does and cannot be taken apart: then it is handed on as it is, as one record. */
  readonly isMalformedAggregate: boolean
  /** Whether one sealed message holds all of the user records. */
  readonly isSealedAggregate: boolean
  /**
   * Sub-sequence numbers of user records whose hash key lies outside of the shard: their producer aggregated by an old
   * map, and may or may not have sent them again. Undefined without any.
   */
  readonly outOfRange: ReadonlySet<number> | undefined
}

export interface RecordReaderOptions {
  readonly streamName: string
  readonly shardId: string
  /** Whether each Kinesis record is handed on whole, as one user record. @default false */
  readonly asReceived?: boolean
  /** Undefined hands records on as they came. */
  readonly opener: RecordOpener | undefined
  readonly acceptPlaintext: boolean
  /** Of the shard; undefined where hash keys say nothing. */
  readonly hashKeyRange: HashKeyRange | undefined
}

interface Part {
  readonly partitionKey: string | undefined
  readonly explicitHashKey: string | undefined
  readonly data: Uint8Array
}

/**
 * Opens and de-aggregates. The leading bytes say what a record is, so a stream may hold all kinds at once:
 * a sealed message around an aggregate or around one payload, an aggregate of sealed messages, or plaintext.
 */
export class RecordReader {
  readonly #options: RecordReaderOptions
  /** Both ends are inclusive; undefined where no hash key lies outside. */
  readonly #hexRange: { readonly start: string; readonly end: string } | undefined

  constructor(options: RecordReaderOptions) {
    this.#options = options
    const range = options.hashKeyRange
    if (range === undefined || range.end - range.start === maxHashKey) return
    this.#hexRange = { start: hexHashKey(range.start), end: hexHashKey(range.end) }
  }

  /**
   * A promise only when a data key must be had first. Throws, or rejects with, `KeyUnavailableError` when it
   * cannot be had at the moment; what is wrong with the record itself is part of the result.
   */
  read(record: KinesisRecord): ReadRecord | Promise<ReadRecord> {
    const { opener, asReceived } = this.#options
    const data = record.Data!
    if (asReceived) return this.#handOn(record, [whole(record, data)])
    try {
      if (opener?.isSealed(data)) {
        const opened = opener.open(data)
        return opened instanceof Promise
          ? opened
              .then(bytes => this.#readOpened(record, bytes))
              .catch((error: unknown) => this.#wholeFault(error))
          : this.#readOpened(record, opened)
      }
      const parts = decodeAggregatedRecord(data)
      if (opener === undefined)
        return parts === undefined ? this.#handOnWhole(record, data) : this.#handOn(record, parts)
      if (parts === undefined) return this.#readPlaintext(record, [whole(record, data)])
      if (!parts.some(part => opener.isSealed(part.data))) return this.#readPlaintext(record, parts)
      return this.#openEach(record, parts, opener)
    } catch (error) {
      return this.#wholeFault(error)
    }
  }

  #readOpened(record: KinesisRecord, opened: Uint8Array): ReadRecord {
    const parts = decodeAggregatedRecord(opened)
    return parts === undefined
      ? this.#handOnWhole(record, opened)
      : { ...this.#handOn(record, parts), isSealedAggregate: true }
  }

  #readPlaintext(record: KinesisRecord, parts: readonly Part[]): ReadRecord {
    if (!this.#options.acceptPlaintext) return this.#wholeFault(new PlaintextRefusedError())
    const [only] = parts
    return {
      ...this.#handOn(record, parts),
      plaintextAccepted: parts.length,
      isMalformedAggregate: parts.length === 1 && only!.data === record.Data && startsAsAggregate(only!.data)
    }
  }

  #openEach(
    record: KinesisRecord,
    parts: readonly Part[],
    opener: RecordOpener
  ): ReadRecord | Promise<ReadRecord> {
    const opened = parts.map(part => this.#openPart(part, opener))
    return opened.some(part => part instanceof Promise)
      ? Promise.all(opened).then(all => this.#gather(record, parts, all))
      : this.#gather(record, parts, opened as (Uint8Array | RecordFaultError)[])
  }

  #openPart(
    part: Part,
    opener: RecordOpener
  ): Uint8Array | RecordFaultError | Promise<Uint8Array | RecordFaultError> {
    if (!opener.isSealed(part.data)) {
      return this.#options.acceptPlaintext ? part.data : new PlaintextRefusedError()
    }
    try {
      const opened = opener.open(part.data)
      return opened instanceof Promise ? opened.catch(faultOf) : opened
    } catch (error) {
      // Thrown from here it would leave the parts before it to reject with nobody listening.
      return error instanceof RecordFaultError ? error : Promise.reject(error)
    }
  }

  #gather(
    record: KinesisRecord,
    parts: readonly Part[],
    opened: readonly (Uint8Array | RecordFaultError)[]
  ): ReadRecord {
    const userRecords: ConsumedRecord[] = []
    const faults: RecordFault[] = []
    let plaintextAccepted = 0
    opened.forEach((data, index) => {
      const part = parts[index]!
      if (data instanceof RecordFaultError) faults.push({ error: data, subSequenceNumbers: [index] })
      else {
        if (data === part.data) plaintextAccepted += 1
        userRecords.push(this.#userRecord(record, { ...part, data }, index))
      }
    })
    return {
      userRecords,
      faults,
      lastSubSequenceNumber: parts.length - 1,
      plaintextAccepted,
      isMalformedAggregate: false,
      isSealedAggregate: false,
      outOfRange: this.#outOfRange(parts)
    }
  }

  #handOnWhole(record: KinesisRecord, data: Uint8Array): ReadRecord {
    return {
      ...this.#handOn(record, [whole(record, data)]),
      isMalformedAggregate: startsAsAggregate(data)
    }
  }

  #handOn(record: KinesisRecord, parts: readonly Part[]): ReadRecord {
    return {
      userRecords: parts.map((part, index) => this.#userRecord(record, part, index)),
      faults: [],
      lastSubSequenceNumber: Math.max(0, parts.length - 1),
      plaintextAccepted: 0,
      isMalformedAggregate: false,
      isSealedAggregate: false,
      outOfRange: this.#outOfRange(parts)
    }
  }

  #wholeFault(error: unknown): ReadRecord {
    return {
      userRecords: [],
      faults: [{ error: faultOf(error), subSequenceNumbers: undefined }],
      lastSubSequenceNumber: 0,
      plaintextAccepted: 0,
      isMalformedAggregate: false,
      isSealedAggregate: false,
      outOfRange: undefined
    }
  }

  /** Only an aggregate may hold any: a lone record lies where its hash key led it. */
  #outOfRange(parts: readonly Part[]): ReadonlySet<number> | undefined {
    const range = this.#hexRange
    if (parts.length < 2 || range === undefined) return undefined
    let outside: Set<number> | undefined
    for (const [index, { partitionKey = '', explicitHashKey }] of parts.entries()) {
      const key = explicitHashKey === undefined ? hexHashKeyOf(partitionKey) : hexOfExplicit(explicitHashKey)
      if (key === undefined || (key >= range.start && key <= range.end)) continue
      outside ??= new Set()
      outside.add(index)
    }
    return outside
  }

  #userRecord(record: KinesisRecord, part: Part, subSequenceNumber: number): ConsumedRecord {
    return {
      streamName: this.#options.streamName,
      shardId: this.#options.shardId,
      sequenceNumber: record.SequenceNumber!,
      subSequenceNumber,
      partitionKey: part.partitionKey,
      explicitHashKey: part.explicitHashKey,
      data: part.data,
      approximateArrivalTimestamp: record.ApproximateArrivalTimestamp
    }
  }
}

function whole(record: KinesisRecord, data: Uint8Array): Part {
  // GetRecords gives back the partition key, never the explicit hash key.
  return { partitionKey: record.PartitionKey, explicitHashKey: undefined, data }
}

/** Undefined for a text that is no hash key, whatever its writer meant by it: then it lies where it lies. */
function hexOfExplicit(explicitHashKey: string): string | undefined {
  const hashKey = parseHashKey(explicitHashKey)
  return hashKey === undefined ? undefined : hexHashKey(hashKey)
}

/** A fault of the record itself; everything else goes on up. */
function faultOf(error: unknown): RecordFaultError {
  if (error instanceof RecordFaultError) return error
  throw error
}
