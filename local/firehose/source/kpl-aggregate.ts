import { createHash } from 'node:crypto'

/*
 * The aggregated record of the Kinesis Producer Library, read with code of this engine's own
 * (https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md):
 *
 *   record = F3 89 9A C2, body, MD5(body) as 16 raw bytes
 *   body   = protobuf: 1 partition keys (repeated string), 2 explicit hash keys (repeated string),
 *            3 records (repeated message): 1 index of the partition key, 2 index of the explicit hash key, 3 data
 */
const magic = Buffer.from('f3899ac2', 'hex')
const digestBytes = 16

export interface AggregatedRecord {
  readonly partitionKey: string
  readonly data: Buffer
}

/** The user records of an aggregate; undefined when the bytes are none, or one that is broken anywhere. */
export function aggregatedRecords(bytes: Buffer): readonly AggregatedRecord[] | undefined {
  if (bytes.length <= magic.length + digestBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    return undefined
  }
  const body = bytes.subarray(magic.length, -digestBytes)
  if (!createHash('md5').update(body).digest().equals(bytes.subarray(-digestBytes))) return undefined
  const fields = fieldsOf(body)
  if (fields === undefined) return undefined
  const partitionKeys = fields.flatMap(({ number, bytes: key }) =>
    number === 1 && key ? [key.toString()] : []
  )
  const hashKeyCount = fields.filter(({ number, bytes: key }) => number === 2 && key).length
  const records: AggregatedRecord[] = []
  for (const { number, bytes: message } of fields) {
    if (number !== 3) continue
    const members = message === undefined ? undefined : fieldsOf(message)
    const keyIndex = lastOf(members, 1)?.value
    const hashKeyIndex = lastOf(members, 2)?.value
    const data = lastOf(members, 3)?.bytes
    const partitionKey = partitionKeys[keyIndex ?? -1]
    if (partitionKey === undefined || data === undefined) return undefined
    if (hashKeyIndex !== undefined && hashKeyIndex >= hashKeyCount) return undefined
    records.push({ partitionKey, data })
  }
  return records
}

interface Field {
  readonly number: number
  /** Of a varint. */
  readonly value?: number
  /** Of a length-delimited field. */
  readonly bytes?: Buffer
}

/** The last one counts when there are several, as in protobuf. */
function lastOf(fields: readonly Field[] | undefined, number: number): Field | undefined {
  return fields?.findLast(field => field.number === number)
}

/** The fields of a message; undefined when the bytes are none. Fields of a fixed width are passed over. */
function fieldsOf(message: Buffer): readonly Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const wireType = tag % 8
    if (!(number >= 1 && number < 2 ** 29)) return undefined
    if (wireType === 0) {
      const value = varint()
      if (Number.isNaN(value)) return undefined
      fields.push({ number, value })
      continue
    }
    const length = wireType === 2 ? varint() : { 1: 8, 5: 4 }[wireType]
    if (length === undefined || !(length <= message.length - at)) return undefined
    if (wireType === 2) fields.push({ number, bytes: message.subarray(at, at + length) })
    at += length
  }
  return fields
}
