import { hash } from 'node:crypto'
import { ErrorCode, RecordFaultError } from './errors.ts'
import { FieldReader, varintSize, WireType, writeVarint } from './protobuf.ts'

/*
 * The aggregated record of the Kinesis Producer Library
 * (https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md):
 *
 *   record  = F3 89 9A C2, body, MD5(body) as 16 raw bytes
 *   body    = AggregatedRecord, proto2:
 *               1 repeated string  partition_key_table
 *               2 repeated string  explicit_hash_key_table     decimal digits
 *               3 repeated Record  records
 *   Record  =   1 required uint64  partition_key_index         zero-based
 *               2 optional uint64  explicit_hash_key_index
 *               3 required bytes   data
 *               4 repeated Tag     tags                        never written, skipped when read
 *
 * Writers emit fields in number order; readers take any order and skip unknown fields.
 */
const magic = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])
const digestBytes = 16
/** Bytes around the body. */
const frameBytes = magic.length + digestBytes
const tagPartitionKey = 0x0a
const tagExplicitHashKey = 0x12
const tagRecord = 0x1a
const tagPartitionKeyIndex = 0x08
const tagExplicitHashKeyIndex = 0x10
const tagData = 0x1a

/** One user record out of an aggregate. `data` is a view into the aggregate's bytes. */
export interface AggregatedUserRecord {
  readonly partitionKey: string
  /** Undefined unless this very record has one, whatever the tables hold. */
  readonly explicitHashKey: string | undefined
  readonly data: Uint8Array
}

/** What is wrong with bytes that begin as an aggregated record does. */
export const MalformedReason = {
  /** The last 16 bytes are not the MD5 of the body. */
  wrongDigest: 'wrongDigest',
  /** The digest is right, the body is no `AggregatedRecord`. */
  invalidBody: 'invalidBody',
  /** A user record points outside a key table. */
  indexOutsideTable: 'indexOutsideTable'
} as const
export type MalformedReason = (typeof MalformedReason)[keyof typeof MalformedReason]

/** The bytes begin as an aggregated record does, and are none that can be taken apart. */
export class MalformedAggregateError extends RecordFaultError {
  readonly reason: MalformedReason

  constructor(reason: MalformedReason, message: string) {
    super(ErrorCode.malformedAggregate, message)
    this.reason = reason
  }
}

/** Whether the bytes begin as an aggregated record does. */
export function startsWithMagic(data: Uint8Array): boolean {
  return data.length >= 4 && data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2
}

/** Whether the bytes are an aggregated record: the magic, more than a digest behind it, and the right digest. */
export function isAggregated(data: Uint8Array): boolean {
  return startsAsAggregate(data) && hasRightDigest(data)
}

/**
 * The user records of an aggregate in their order, which is the order of their sub-sequence numbers.
 * Undefined when the bytes are no aggregate (other magic, too short, wrong digest, no protobuf): such a record
 * is a plain one.
 * @throws MalformedAggregateError for an index outside its table
 */
export function decodeAggregatedRecord(data: Uint8Array): readonly AggregatedUserRecord[] | undefined {
  const read = readAggregatedRecord(data, (partitionKey, explicitHashKey, view) => ({
    partitionKey,
    explicitHashKey,
    data: view
  }))
  if (!(read instanceof MalformedAggregateError)) return read
  if (read.reason === MalformedReason.indexOutsideTable) throw read
  return undefined
}

/** Makes what a caller wants of one user record, so that none is made twice. */
export type MakeUserRecord<T> = (
  partitionKey: string,
  explicitHashKey: string | undefined,
  data: Uint8Array,
  subSequenceNumber: number
) => T

/**
 * As `decodeAggregatedRecord`, for callers that tell the cases apart: undefined when the bytes do not even begin
 * as an aggregate does, or nothing follows but a digest; the error, not thrown, for what is wrong behind that.
 */
export function readAggregatedRecord<T>(
  data: Uint8Array,
  make: MakeUserRecord<T>
): readonly T[] | MalformedAggregateError | undefined {
  if (!startsAsAggregate(data)) return undefined
  if (!hasRightDigest(data)) {
    return new MalformedAggregateError(MalformedReason.wrongDigest, 'the MD5 of the body is another one')
  }
  return readBody(Buffer.from(data.buffer, data.byteOffset, data.byteLength), make)
}

/** Whether the bytes have the frame of an aggregated record, whatever its digest says. */
export function startsAsAggregate(data: Uint8Array): boolean {
  return data.length > frameBytes && startsWithMagic(data)
}

function hasRightDigest(data: Uint8Array): boolean {
  const digestAt = data.length - digestBytes
  return hash('md5', data.subarray(magic.length, digestAt), 'buffer').equals(data.subarray(digestAt))
}

function readBody<T>(bytes: Buffer, make: MakeUserRecord<T>): readonly T[] | MalformedAggregateError {
  const bodyEnd = bytes.length - digestBytes
  const partitionKeys: string[] = []
  const explicitHashKeys: string[] = []
  // Read once: the getters of a typed array are no plain members.
  const { buffer, byteOffset } = bytes
  const fields = new FieldReader(bytes)
  // The tables first: they may stand behind the records.
  fields.enter(magic.length, bodyEnd)
  while (fields.next()) {
    const { number } = fields
    if (number <= 3 && fields.wireType !== WireType.bytes) return invalidBody()
    if (number === 1) partitionKeys.push(bytes.toString('utf8', fields.start, fields.end))
    else if (number === 2) explicitHashKeys.push(bytes.toString('utf8', fields.start, fields.end))
  }
  if (!fields.valid) return invalidBody()
  const records: T[] = []
  const record = new RecordFields(bytes)
  fields.enter(magic.length, bodyEnd)
  let outside: MalformedAggregateError | undefined
  while (fields.next()) {
    if (fields.number !== 3) continue
    if (!record.read(fields.start, fields.end)) return invalidBody()
    const { partitionKeyIndex, explicitHashKeyIndex, start, end } = record
    const partitionKey = partitionKeys[partitionKeyIndex]
    const explicitHashKey = explicitHashKeyIndex < 0 ? undefined : explicitHashKeys[explicitHashKeyIndex]
    if (partitionKey === undefined) {
      outside ??= indexOutside(records.length, 'partition key', partitionKeyIndex, partitionKeys)
    } else if (explicitHashKey === undefined && explicitHashKeyIndex >= 0) {
      outside ??= indexOutside(records.length, 'explicit hash key', explicitHashKeyIndex, explicitHashKeys)
    } else {
      const data = new Uint8Array(buffer, byteOffset + start, end - start)
      records.push(make(partitionKey, explicitHashKey, data, records.length))
    }
  }
  return outside ?? records
}

function invalidBody(): MalformedAggregateError {
  return new MalformedAggregateError(MalformedReason.invalidBody, 'the body is no AggregatedRecord')
}

function indexOutside(
  subSequenceNumber: number,
  table: string,
  index: number,
  keys: readonly string[]
): MalformedAggregateError {
  return new MalformedAggregateError(
    MalformedReason.indexOutsideTable,
    `user record ${subSequenceNumber}: ${table} index ${index}, table of ${keys.length}`
  )
}

/** The fields of one `Record` after the other, in one object for all of them. */
class RecordFields {
  partitionKeyIndex = -1
  /** -1 without one. */
  explicitHashKeyIndex = -1
  /** Range of the data. */
  start = -1
  end = -1
  readonly #fields: FieldReader

  constructor(bytes: Uint8Array) {
    this.#fields = new FieldReader(bytes)
  }

  /** False when the bytes between these offsets are no `Record`. */
  read(from: number, to: number): boolean {
    this.partitionKeyIndex = -1
    this.explicitHashKeyIndex = -1
    this.start = -1
    const fields = this.#fields
    fields.enter(from, to)
    while (fields.next()) {
      const { number, wireType } = fields
      if (number === 1 && wireType === WireType.varint) this.partitionKeyIndex = fields.value
      else if (number === 2 && wireType === WireType.varint) this.explicitHashKeyIndex = fields.value
      else if (number === 3 && wireType === WireType.bytes) {
        this.start = fields.start
        this.end = fields.end
      } else if (number <= 3) return false
    }
    // Both are required fields: without them the bytes are no Record.
    return fields.valid && this.partitionKeyIndex >= 0 && this.start >= 0
  }
}

/** Bytes of an aggregated record without user records. */
export const emptyAggregateBytes = frameBytes

/**
 * Bytes that a user record adds to an aggregate of `count` others at most: as if its keys were new there. The explicit
 * hash key in plain decimal.
 */
export function mostBytesAdded(
  count: number,
  partitionKeyBytes: number,
  explicitHashKey: string | undefined,
  dataBytes: number
): number {
  const inner = innerSize(count, explicitHashKey === undefined ? -1 : count, dataBytes)
  const hashKey = explicitHashKey === undefined ? 0 : 2 + explicitHashKey.length
  return 1 + varintSize(partitionKeyBytes) + partitionKeyBytes + hashKey + 1 + varintSize(inner) + inner
}

/** The exact size of an aggregated record as user records are added to it, frame included. */
export class AggregateSize {
  readonly #partitionKeys = new KeyTable(tagPartitionKey)
  readonly #explicitHashKeys = new KeyTable(tagExplicitHashKey)
  #bytes = frameBytes
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The frame alone while it is empty. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that the encoded record would have with this user record added. */
  with(partitionKey: string, explicitHashKey: string | undefined, dataBytes: number): number {
    const keyIndex = this.#partitionKeys.indexOf(partitionKey)
    let bytes = this.#bytes + this.#partitionKeys.growth(partitionKey, keyIndex)
    let hashKeyIndex = -1
    if (explicitHashKey !== undefined) {
      hashKeyIndex = this.#explicitHashKeys.indexOf(explicitHashKey)
      bytes += this.#explicitHashKeys.growth(explicitHashKey, hashKeyIndex)
    }
    const inner = innerSize(keyIndex, hashKeyIndex, dataBytes)
    return bytes + 1 + varintSize(inner) + inner
  }

  /** Adds a user record and returns the indices of its keys; -1 without an explicit hash key. */
  add(
    partitionKey: string,
    explicitHashKey: string | undefined,
    dataBytes: number
  ): { readonly partitionKeyIndex: number; readonly explicitHashKeyIndex: number } {
    this.#bytes = this.with(partitionKey, explicitHashKey, dataBytes)
    this.#count += 1
    return {
      partitionKeyIndex: this.#partitionKeys.add(partitionKey),
      explicitHashKeyIndex: explicitHashKey === undefined ? -1 : this.#explicitHashKeys.add(explicitHashKey)
    }
  }

  /** Writes both tables at `offset` and returns the offset behind them. */
  writeTables(out: Buffer, offset: number): number {
    return this.#explicitHashKeys.write(out, this.#partitionKeys.write(out, offset))
  }
}

/** The keys of one table in the order of their first use, each once. */
class KeyTable {
  // A map, never an object: an object would reorder keys that look like integers.
  readonly #indices = new Map<string, number>()
  readonly #tag: number

  constructor(tag: number) {
    this.#tag = tag
  }

  /** The index that the key has, or would get. */
  indexOf(key: string): number {
    return this.#indices.get(key) ?? this.#indices.size
  }

  /** Bytes by which the table would grow; `index` is the key's own, as `indexOf` says. */
  growth(key: string, index: number): number {
    if (index < this.#indices.size) return 0
    const length = Buffer.byteLength(key, 'utf8')
    return 1 + varintSize(length) + length
  }

  add(key: string): number {
    const index = this.indexOf(key)
    if (index === this.#indices.size) this.#indices.set(key, index)
    return index
  }

  write(out: Buffer, offset: number): number {
    let at = offset
    for (const key of this.#indices.keys()) {
      const length = Buffer.byteLength(key, 'utf8')
      out[at] = this.#tag
      at = writeText(out, writeVarint(out, at + 1, length), key, length)
    }
    return at
  }
}

interface PendingRecord {
  readonly partitionKeyIndex: number
  /** -1 without one. */
  readonly explicitHashKeyIndex: number
  readonly data: Uint8Array
}

/**
 * Collects user records into one aggregated record; its size is exact at every step, frame included.
 * It sets no limit, and wraps a lone user record like any other: both are the writer's to decide.
 */
export class AggregatedRecordBuilder {
  readonly #layout = new AggregateSize()
  readonly #records: PendingRecord[] = []

  get count(): number {
    return this.#layout.count
  }

  /** Bytes of the encoded record; the frame alone while it is empty. */
  get size(): number {
    return this.#layout.bytes
  }

  /** Bytes that the encoded record would have with this user record added. */
  sizeWith(partitionKey: string, explicitHashKey: string | undefined, data: Uint8Array): number {
    return this.#layout.with(partitionKey, explicitHashKey, data.length)
  }

  /** `explicitHashKey` in plain decimal. `data` is not copied before `encode`. */
  add(partitionKey: string, explicitHashKey: string | undefined, data: Uint8Array): void {
    const { partitionKeyIndex, explicitHashKeyIndex } = this.#layout.add(
      partitionKey,
      explicitHashKey,
      data.length
    )
    this.#records.push({ partitionKeyIndex, explicitHashKeyIndex, data })
  }

  encode(): Buffer {
    const out = Buffer.allocUnsafe(this.#layout.bytes)
    out.set(magic, 0)
    let at = this.#layout.writeTables(out, magic.length)
    for (const record of this.#records) at = writeRecord(out, at, record)
    hash('md5', out.subarray(magic.length, at), 'buffer').copy(out, at)
    return out
  }
}

function innerSize(partitionKeyIndex: number, explicitHashKeyIndex: number, dataBytes: number): number {
  const hashKey = explicitHashKeyIndex < 0 ? 0 : 1 + varintSize(explicitHashKeyIndex)
  return 1 + varintSize(partitionKeyIndex) + hashKey + 1 + varintSize(dataBytes) + dataBytes
}

function writeRecord(
  out: Buffer,
  offset: number,
  { partitionKeyIndex, explicitHashKeyIndex, data }: PendingRecord
): number {
  let at = offset
  out[at++] = tagRecord
  at = writeVarint(out, at, innerSize(partitionKeyIndex, explicitHashKeyIndex, data.length))
  out[at++] = tagPartitionKeyIndex
  at = writeVarint(out, at, partitionKeyIndex)
  if (explicitHashKeyIndex >= 0) {
    out[at++] = tagExplicitHashKeyIndex
    at = writeVarint(out, at, explicitHashKeyIndex)
  }
  out[at++] = tagData
  at = writeVarint(out, at, data.length)
  out.set(data, at)
  return at + data.length
}

/** Writes `text`, which takes `length` bytes, and returns the offset behind it. */
function writeText(out: Buffer, offset: number, text: string, length: number): number {
  // As many bytes as UTF-16 units: all are ASCII. A call into the runtime costs more than a short loop.
  if (length === text.length && length <= 64) {
    for (let index = 0; index < length; index += 1) out[offset + index] = text.charCodeAt(index)
    return offset + length
  }
  return offset + out.write(text, offset, length, 'utf8')
}
