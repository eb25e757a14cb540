import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import type { BodyFormat } from './json-body.ts'

/** One event of an answer that goes on: the members of its payload, under the name of its union member. */
export interface StreamedEvent {
  readonly type: string
  readonly payload: object
}

/**
 * What an action gives back to answer by an event stream. `events` is called once the answer has begun; its signal
 * aborts when the client goes away. An `AwsError` out of it ends the stream as an exception.
 */
export class EventStreamOutput {
  /** Members of the output beside the stream. */
  readonly initialResponse: object
  readonly events: (signal: AbortSignal) => AsyncIterable<StreamedEvent>

  constructor(initialResponse: object, events: EventStreamOutput['events']) {
    this.initialResponse = initialResponse
    this.events = events
  }
}

export const eventStreamType = 'application/vnd.amazon.eventstream'

/** Type tag of a header value that is a string; the only one AWS JSON services send. */
const stringHeader = 7

/**
 * One message of `application/vnd.amazon.eventstream`, all numbers big-endian:
 *
 *     total length u32, headers length u32, CRC32 of these 8 bytes u32,
 *     headers: (name length u8, name, type u8, value length u16, value)*,
 *     payload, CRC32 of everything before it u32
 *
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)]
      const length = Buffer.alloc(2)
      length.writeUInt16BE(valueBytes.length)
      return Buffer.concat([
        Buffer.of(nameBytes.length),
        nameBytes,
        Buffer.of(stringHeader),
        length,
        valueBytes
      ])
    })
  )
  const message = Buffer.alloc(12 + head.length + payload.length + 4)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  message.set(head, 12)
  message.set(payload, 12 + head.length)
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4)
  return message
}

/**
 * Sends the stream to its end, no faster than the client reads. Each payload is written in `format`;
 * `asException` turns what `events` throws into the name and the body of an exception.
 */
export async function sendEventStream(
  response: ServerResponse,
  output: EventStreamOutput,
  format: BodyFormat,
  asException: (error: unknown) => StreamedEvent
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.writeHead(200, { 'content-type': eventStreamType })
  const send = async (kind: 'event' | 'exception', { type, payload }: StreamedEvent): Promise<void> => {
    const headers = { ':message-type': kind, [`:${kind}-type`]: type, ':content-type': format.contentType }
    const message = encodeMessage(headers, format.serialise(payload))
    if (!response.write(message)) await once(response, 'drain', { signal: gone.signal })
  }
  try {
    await send('event', { type: 'initial-response', payload: output.initialResponse })
    for await (const event of output.events(gone.signal)) await send('event', event)
  } catch (error) {
    if (!gone.signal.aborted) await send('exception', asException(error))
  }
  response.end()
}
