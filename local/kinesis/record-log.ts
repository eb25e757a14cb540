/** One record, as the log is asked to keep it. */
export interface NewStoredRecord {
  /** Undefined for a record that came without one, as a stream with AUTO distribution allows. */
  readonly partitionKey: string | undefined
  /** Base64: ASCII alone. */
  readonly data: string
  readonly arrivedMs: number
  /** Whether its stream had a KMS key when it came. */
  readonly isEncrypted: boolean
  /** Its place among the records of all streams: what came earlier is trimmed earlier. */
  readonly arrival: number
}

/** One record out of the log. */
export interface StoredRecord {
  /** Its number within the shard, from 1: what its sequence number ends in. */
  readonly ordinal: number
  readonly partitionKey: string | undefined
  /** Base64. */
  readonly data: string
  readonly arrivedMs: number
  readonly isEncrypted: boolean
}

const equalsSign = 0x3d
const maxSegmentRecords = 512
const firstSegmentBytes = 4 * 1024
const usualSegmentBytes = 256 * 1024

/** Records in a row. Typed arrays and one buffer: nothing that the garbage collector has to walk through. */
interface Segment {
  /** Ordinal of its first record. */
  readonly first: number
  /** Data in base64, and partition key, of record after record. */
  readonly content: Buffer
  readonly ends: Uint32Array
  /** -1 for a record without a key. */
  readonly keyBytes: Int16Array
  readonly arrivedMs: Float64Array
  readonly arrivals: Float64Array
  readonly isEncrypted: Uint8Array
  count: number
}

/**
 * The records of one shard in the order of their numbers: appended at one end, trimmed at the other. They lie outside
 * of the heap, because a long run keeps hundreds of thousands of them, and every collection would visit each.
 */
export class RecordLog {
  #segments: Segment[] = []
  #appended = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What the next record will be numbered. */
  get nextOrdinal(): number {
    return this.#appended + 1
  }

  append(record: NewStoredRecord): void {
    const { partitionKey, data } = record
    const keyBytes = partitionKey === undefined ? 0 : Buffer.byteLength(partitionKey)
    const segment = this.#segmentFor(data.length + keyBytes)
    const index = segment.count
    const start = startOf(segment, index)
    // As it came and as it goes out, so that neither direction converts.
    const keyStart = start + segment.content.write(data, start, data.length, 'latin1')
    if (partitionKey !== undefined) segment.content.write(partitionKey, keyStart, keyBytes, 'utf8')
    segment.ends[index] = keyStart + keyBytes
    segment.keyBytes[index] = partitionKey === undefined ? -1 : keyBytes
    segment.arrivedMs[index] = record.arrivedMs
    segment.arrivals[index] = record.arrival
    segment.isEncrypted[index] = record.isEncrypted ? 1 : 0
    segment.count += 1
    this.#appended += 1
    this.#length += 1
  }

  /** Forgets the `count` oldest. The room is given back segment by segment. */
  trim(count: number): void {
    this.#length -= count
    const oldest = this.#oldestOrdinal
    let gone = 0
    for (const { first, count: held } of this.#segments) {
      if (first + held > oldest) break
      gone += 1
    }
    if (gone > 0) this.#segments = this.#segments.slice(gone)
  }

  /**
   * For a log that is filled again: what is numbered below `oldest` is gone, and `next` comes next. When that is not
   * there yet, nothing before it is left.
   */
  resume(oldest: number, next: number): void {
    if (next > this.nextOrdinal) {
      this.#segments = []
      this.#length = 0
      this.#appended = next - 1
    } else if (next === this.nextOrdinal && oldest > this.#oldestOrdinal) {
      this.trim(Math.min(this.#length, oldest - this.#oldestOrdinal))
    }
  }

  /** Index of the record with that number, of the oldest one when it was trimmed, `length` when it is not there yet. */
  indexOfOrdinal(ordinal: number): number {
    return Math.min(this.#length, Math.max(0, ordinal - this.#oldestOrdinal))
  }

  /** Index of the first record that came at this time or later, `length` when there is none. */
  indexOfArrival(ms: number): number {
    return firstIndex(this.#length, index => this.arrivedMsAt(index)! >= ms)
  }

  /** Bytes of data and partition key; `index` is below `length`, as in what follows. */
  bytesAt(index: number): number {
    const { segment, place } = this.#find(index)
    const { content, ends, keyBytes } = segment
    const keyLength = Math.max(0, keyBytes[place]!)
    const dataEnd = ends[place]! - keyLength
    const digits = dataEnd - startOf(segment, place)
    const padding =
      digits === 0 || content[dataEnd - 1] !== equalsSign ? 0 : content[dataEnd - 2] === equalsSign ? 2 : 1
    return Math.floor((digits * 3) / 4) - padding + keyLength
  }

  arrivedMsAt(index: number): number | undefined {
    if (index >= this.#length) return undefined
    const { segment, place } = this.#find(index)
    return segment.arrivedMs[place]
  }

  /** Infinite when there is no such record. */
  arrivalAt(index: number): number {
    if (index >= this.#length) return Number.POSITIVE_INFINITY
    const { segment, place } = this.#find(index)
    return segment.arrivals[place]!
  }

  at(index: number): StoredRecord {
    const { segment, place } = this.#find(index)
    const { content, keyBytes, ends } = segment
    const key = keyBytes[place]!
    const end = ends[place]!
    const keyStart = end - Math.max(0, key)
    return {
      ordinal: this.#oldestOrdinal + index,
      partitionKey: key < 0 ? undefined : content.toString('utf8', keyStart, end),
      data: content.toString('latin1', startOf(segment, place), keyStart),
      arrivedMs: segment.arrivedMs[place]!,
      isEncrypted: segment.isEncrypted[place] === 1
    }
  }

  /** The data and the keys that can be read. */
  *contents(): Generator<Uint8Array> {
    for (let index = 0; index < this.#length; index += 1) {
      const { partitionKey, data } = this.at(index)
      if (partitionKey !== undefined) yield Buffer.from(partitionKey)
      yield Buffer.from(data, 'base64')
    }
  }

  get #oldestOrdinal(): number {
    return this.nextOrdinal - this.#length
  }

  #find(index: number): { readonly segment: Segment; readonly place: number } {
    const ordinal = this.#oldestOrdinal + index
    const after = firstIndex(this.#segments.length, candidate => this.#segments[candidate]!.first > ordinal)
    const segment = this.#segments[after - 1]
    if (segment === undefined) throw new Error(`the log has no record ${index}`)
    return { segment, place: ordinal - segment.first }
  }

  #segmentFor(bytes: number): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.count < last.arrivedMs.length) {
      if (startOf(last, last.count) + bytes <= last.content.length) return last
    }
    // Small at first: a stream may have thousands of shards with a few records each.
    const usual = Math.min(usualSegmentBytes, (last?.content.length ?? firstSegmentBytes / 2) * 2)
    const records = Math.min(maxSegmentRecords, (last?.arrivedMs.length ?? 8) * 2)
    const segment: Segment = {
      first: this.nextOrdinal,
      content: Buffer.allocUnsafeSlow(Math.max(usual, bytes)),
      ends: new Uint32Array(records),
      keyBytes: new Int16Array(records),
      arrivedMs: new Float64Array(records),
      arrivals: new Float64Array(records),
      isEncrypted: new Uint8Array(records),
      count: 0
    }
    this.#segments.push(segment)
    return segment
  }
}

function startOf({ ends }: Segment, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!
}

/** The first of `count` indexes for which `holds`; it must hold for all that follow. `count` when there is none. */
function firstIndex(count: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
