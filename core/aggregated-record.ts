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

/** The frame is right, but a user record points outside the key tables. */
export class MalformedAggregateError extends RecordFaultError {
  constructor(message: string) {
    super(ErrorCode.malformedAggregate, message)
  }
}

/** Whether the bytes begin as an aggregated record does. */
export function startsWithMagic(data: Uint8Array): boolean {
  return data.length >= 4 && data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2
}

/** Whether the bytes are an aggregated record: the magic, more than a digest behind it, and the right digest. */
export function isAggregated(data: Uint8Array): boolean {
  if (!startsWithMagic(data) || data.length <= frameBytes) return false
  const digest = hash('md5', data.subarray(magic.length, data.length - digestBytes), 'buffer')
  return digest.equals(data.subarray(data.length - digestBytes))
}

/**
 * The user records of an aggregate in their order, which is the order of their sub-sequence numbers.
 * Undefined when the bytes are no aggregate (other magic, too short, wrong digest, no protobuf): such a record
 * is a plain one.
 * @throws MalformedAggregateError for an index outside its table
 */
export function decodeAggregatedRecord(data: Uint8Array): readonly AggregatedUserRecord[] | undefined {
  if (!isAggregated(data)) return undefined
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const partitionKeys: string[] = []
  const explicitHashKeys: string[] = []
  const raw: RawRecord[] = []
  const reader = new FieldReader(bytes, magic.length, bytes.length - digestBytes)
  while (reader.next()) {
    const { number, wireType, start, end } = reader.field
    if (number < 1 || number > 3) continue
    if (wireType !== WireType.bytes) return undefined
    if (number === 1) partitionKeys.push(bytes.toString('utf8', start, end))
    else if (number === 2) explicitHashKeys.push(bytes.toString('utf8', start, end))
    else {
      const record = readRecord(bytes, start, end)
      if (record === undefined) return undefined
      raw.push(record)
    }
  }
  if (!reader.valid) return undefined
  return raw.map((record, index) => {
    const partitionKey = partitionKeys[record.partitionKeyIndex]
    const hasHashKey = record.explicitHashKeyIndex >= 0
    const explicitHashKey = hasHashKey ? explicitHashKeys[record.explicitHashKeyIndex] : undefined
    if (partitionKey === undefined) {
      throw new MalformedAggregateError(
        `user record ${index}: partition key index ${record.partitionKeyIndex}, table of ${partitionKeys.length}`
      )
    }
    if (hasHashKey && explicitHashKey === undefined) {
      throw new MalformedAggregateError(
        `user record ${index}: explicit hash key index ${record.explicitHashKeyIndex}, table of ${explicitHashKeys.length}`
      )
    }
    return { partitionKey, explicitHashKey, data: data.subarray(record.start, record.end) }
  })
}

interface RawRecord {
  readonly partitionKeyIndex: number
  /** -1 without one. */
  readonly explicitHashKeyIndex: number
  readonly start: number
  readonly end: number
}

function readRecord(bytes: Uint8Array, from: number, to: number): RawRecord | undefined {
  let partitionKeyIndex = -1
  let explicitHashKeyIndex = -1
  let start = -1
  let end = -1
  const reader = new FieldReader(bytes, from, to)
  while (reader.next()) {
    const { field } = reader
    if (field.number === 1 && field.wireType === WireType.varint) partitionKeyIndex = field.value
    else if (field.number === 2 && field.wireType === WireType.varint) explicitHashKeyIndex = field.value
    else if (field.number === 3 && field.wireType === WireType.bytes) {
      start = field.start
      end = field.end
    } else if (field.number <= 3) return undefined
  }
  // Both are required fields: without them the bytes are no AggregatedRecord.
  if (!reader.valid || partitionKeyIndex < 0 || start < 0) return undefined
  return { partitionKeyIndex, explicitHashKeyIndex, start, end }
}

interface PendingRecord {
  readonly partitionKeyIndex: number
  readonly explicitHashKeyIndex: number
  readonly data: Uint8Array
}

/** The exact size of an aggregated record as user records are added to it, frame included. */
export class AggregateSize {
  // Maps, never objects: an object would reorder keys that look like integers.
  readonly #partitionKeys = new Map<string, number>()
  readonly #explicitHashKeys = new Map<string, number>()
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
    const keyIndex = this.#partitionKeys.get(partitionKey)
    let bytes = this.#bytes
    if (keyIndex === undefined) bytes += tableEntrySize(partitionKey)
    let hashIndex = -1
    if (explicitHashKey !== undefined) {
      const known = this.#explicitHashKeys.get(explicitHashKey)
      if (known === undefined) bytes += tableEntrySize(explicitHashKey)
      hashIndex = known ?? this.#explicitHashKeys.size
    }
    const inner = innerSize(keyIndex ?? this.#partitionKeys.size, hashIndex, dataBytes)
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
      partitionKeyIndex: indexIn(this.#partitionKeys, partitionKey),
      explicitHashKeyIndex:
        explicitHashKey === undefined ? -1 : indexIn(this.#explicitHashKeys, explicitHashKey)
    }
  }

  get partitionKeys(): Iterable<string> {
    return this.#partitionKeys.keys()
  }

  get explicitHashKeys(): Iterable<string> {
    return this.#explicitHashKeys.keys()
  }
}

/** Collects user records into one aggregated record; its size is exact at every step, frame included. */
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
    let at = magic.length
    for (const key of this.#layout.partitionKeys) at = writeText(out, at, tagPartitionKey, key)
    for (const key of this.#layout.explicitHashKeys) at = writeText(out, at, tagExplicitHashKey, key)
    for (const { partitionKeyIndex, explicitHashKeyIndex, data } of this.#records) {
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
      at += data.length
    }
    hash('md5', out.subarray(magic.length, at), 'buffer').copy(out, at)
    return out
  }
}

function innerSize(partitionKeyIndex: number, explicitHashKeyIndex: number, dataBytes: number): number {
  const hashKey = explicitHashKeyIndex < 0 ? 0 : 1 + varintSize(explicitHashKeyIndex)
  return 1 + varintSize(partitionKeyIndex) + hashKey + 1 + varintSize(dataBytes) + dataBytes
}

function tableEntrySize(text: string): number {
  const length = Buffer.byteLength(text, 'utf8')
  return 1 + varintSize(length) + length
}

function indexIn(table: Map<string, number>, key: string): number {
  const known = table.get(key)
  if (known !== undefined) return known
  table.set(key, table.size)
  return table.size - 1
}

function writeText(out: Buffer, offset: number, tag: number, text: string): number {
  out[offset] = tag
  const length = Buffer.byteLength(text, 'utf8')
  const at = writeVarint(out, offset + 1, length)
  return at + out.write(text, at, length, 'utf8')
}
