import { isUtf8 } from 'node:buffer'
import { Destination } from './destination.ts'
import { UndeliverableError } from './errors.ts'
import { recordIdOf } from './record-id.ts'
import type { SinkRecord } from './types.ts'

/** How records are told apart at a destination that glues them together, as S3, Redshift and Splunk do. */
export const Framing = {
  /** One JSON text per line: checked, and ended by a line feed. Elasticsearch gets one object, without it. */
  ndjson: 'ndjson',
  /** One line of any bytes per record, ended by a line feed. */
  lines: 'lines',
  /** The bytes as they are, for destinations that keep records apart. */
  none: 'none'
} as const
export type Framing = (typeof Framing)[keyof typeof Framing]

/** Makes the bytes to send from those of a record. What it throws makes the record undeliverable. */
export type FrameFunction = (data: Uint8Array, record: SinkRecord) => Uint8Array

export interface FramingOptions {
  readonly framing: Framing | FrameFunction
  /** `ciphertext` sends the bytes as one line of base64, whatever they are. */
  readonly deliver: 'plaintext' | 'ciphertext'
  readonly destination: Destination | undefined
  readonly recordIdField: string | undefined
  readonly maxRecordBytes: number
}

/**
 * The bytes to send for one record, within `maxRecordBytes`.
 * @throws UndeliverableError when the framing cannot hold the record, so that a reader would see something else
 */
export type Framer = (record: SinkRecord) => Uint8Array

/** The framer that the options ask for; what can be decided once is decided here. */
export function createFramer(options: FramingOptions): Framer {
  const { maxRecordBytes } = options
  const frame = unboundedFramer(options)
  return record => {
    const data = frame(record)
    if (data.length <= maxRecordBytes) return data
    throw new UndeliverableError(`${data.length} bytes with framing, at most ${maxRecordBytes}`)
  }
}

const lineFeed = 0x0a
const openingBrace = 0x7b
const nothing = Buffer.alloc(0)

function unboundedFramer({ framing, deliver, destination, recordIdField }: FramingOptions): Framer {
  if (deliver === 'ciphertext') return ({ data }) => base64Line(data)
  if (typeof framing === 'function') return record => framedBy(framing, record)
  if (framing === Framing.none) return ({ data }) => data
  if (framing === Framing.lines) return ({ data }) => endedLine(data, checkOneLine(framing, data))
  const end = destination === Destination.elasticsearch ? nothing : Buffer.of(lineFeed)
  const needsObject = destination === Destination.elasticsearch || recordIdField !== undefined
  const name = recordIdField === undefined ? undefined : JSON.stringify(recordIdField)
  return record => {
    const { data } = record
    const body = checkOneLine(framing, data) ? data.subarray(0, -1) : data
    const value = parseJson(data)
    if (needsObject && !isObject(value)) throw new UndeliverableError('the destination takes JSON objects')
    if (name !== undefined) {
      if (Object.hasOwn(value as object, recordIdField!)) {
        throw new UndeliverableError(`the record has a member ${name} of its own, where its id would stand`)
      }
      const isEmpty = Object.keys(value as object).length === 0
      return withMember(body, `${name}:${JSON.stringify(recordIdOf(record))}${isEmpty ? '' : ','}`, end)
    }
    if (body.length + end.length === data.length) return data
    return end.length === 0 ? body : endedLine(data, false)
  }
}

/** Whether the record ends with a line feed. Others in it would make several lines of it. */
function checkOneLine(framing: Framing, data: Uint8Array): boolean {
  const firstBreak = data.indexOf(lineFeed)
  if (firstBreak < 0) return false
  if (firstBreak === data.length - 1) return true
  throw new UndeliverableError(`framing ${framing} takes one line, the record has several`)
}

function endedLine(data: Uint8Array, isEnded: boolean): Uint8Array {
  if (isEnded) return data
  const framed = Buffer.allocUnsafe(data.length + 1)
  framed.set(data)
  framed[data.length] = lineFeed
  return framed
}

function base64Line(data: Uint8Array): Uint8Array {
  const text = asBuffer(data).toString('base64')
  const framed = Buffer.allocUnsafe(text.length + 1)
  framed.write(text, 'latin1')
  framed[text.length] = lineFeed
  return framed
}

function framedBy(framing: FrameFunction, record: SinkRecord): Uint8Array {
  let framed: unknown
  try {
    framed = framing(record.data, record)
  } catch (error) {
    // What it threw may quote the payload: it is the cause, and no part of the message.
    throw error instanceof UndeliverableError
      ? error
      : new UndeliverableError('the framing function threw', error)
  }
  if (framed instanceof Uint8Array) return framed
  throw new UndeliverableError('the framing function returned no bytes')
}

/** Puts the member first in the object that `body` is. */
function withMember(body: Uint8Array, member: string, end: Uint8Array): Uint8Array {
  const at = body.indexOf(openingBrace) + 1
  const memberBytes = Buffer.byteLength(member)
  const framed = Buffer.allocUnsafe(body.length + memberBytes + end.length)
  framed.set(body.subarray(0, at))
  framed.write(member, at)
  framed.set(body.subarray(at), at + memberBytes)
  framed.set(end, body.length + memberBytes)
  return framed
}

function parseJson(data: Uint8Array): unknown {
  // Node would put a replacement character for what is not UTF-8.
  if (isUtf8(data)) {
    try {
      return JSON.parse(asBuffer(data).toString('utf8'))
    } catch {
      // The error would quote the record.
    }
  }
  throw new UndeliverableError('framing ndjson takes JSON in UTF-8')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
