import { UndeliverableError } from '../core/errors.ts'
import { endsAsOneLine, type Framing, frameRecord, parseJsonText } from '../core/record-framing.ts'
import { Destination } from './destination.ts'
import { recordIdOf } from './record-id.ts'
import type { SinkRecord } from './types.ts'

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
  const isForDocuments = destination === Destination.elasticsearch
  if (!isForDocuments && recordIdField === undefined) return ({ data }) => frameRecord(framing, data)
  // Elasticsearch keeps records apart, each a document.
  const end = isForDocuments ? nothing : Buffer.of(lineFeed)
  const name = JSON.stringify(recordIdField)
  return record => {
    const { data } = record
    const body = endsAsOneLine(framing, data) ? data.subarray(0, -1) : data
    const value = parseJsonText(data)
    if (!isObject(value)) throw new UndeliverableError('the destination takes JSON objects')
    if (recordIdField === undefined) return body
    if (Object.hasOwn(value, recordIdField)) {
      throw new UndeliverableError(`the record has a member ${name} of its own, where its id would stand`)
    }
    const isEmpty = Object.keys(value).length === 0
    return withMember(body, `${name}:${JSON.stringify(recordIdOf(record))}${isEmpty ? '' : ','}`, end)
  }
}

function base64Line(data: Uint8Array): Uint8Array {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
