import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { EventStreamOutput, encodeMessage, sendEventStream } from '../../local/event-stream.ts'
import { jsonBody } from '../../local/json-body.ts'
import { settle } from '../helpers/fake-clock.ts'

const json = jsonBody('application/json')

describe('an event-stream message', () => {
  it('is laid out as the vectors of the AWS SDKs have it', () => {
    // `payload_one_str_header` and `empty_message` of the test vectors for application/vnd.amazon.eventstream.
    expect(
      encodeMessage({ 'content-type': 'application/json' }, Buffer.from("{'foo':'bar'}")).toString('hex')
    ).toBe(
      '0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1'
    )
    expect(encodeMessage({}, Buffer.alloc(0)).toString('hex')).toBe('000000100000000005c248eb7d98c8ff')
  })

  it('counts bytes, not characters', () => {
    const message = encodeMessage({ ключ: 'значение' }, Buffer.from('x'))
    expect(message.readUInt32BE(0)).toBe(message.length)
    expect(message.readUInt32BE(4)).toBe(1 + 8 + 1 + 2 + 16)
    expect(message.readUInt16BE(12 + 1 + 8 + 1)).toBe(16)
  })
})

describe('an answer by an event stream', () => {
  const payload = { text: 'x'.repeat(1_000) }
  /** A response that holds 4,000 bytes until they are read. */
  const response = () =>
    Object.assign(new PassThrough({ highWaterMark: 4_000 }), {
      writeHead: () => {}
    }) as never as PassThrough & ServerResponse
  const asException = (error: unknown) => ({ type: (error as Error).name, payload: {} })

  it('takes no event while the client does not read', async () => {
    let taken = 0
    const client = response()
    const sending = sendEventStream(
      client,
      new EventStreamOutput({}, async function* () {
        for (; taken < 50; taken += 1) yield { type: 'event', payload }
      }),
      json,
      asException
    )
    await settle()
    const held = taken
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(10)
    await settle()
    expect(taken).toBe(held)
    client.resume()
    await sending
    expect(taken).toBe(50)
  })

  it('ends with what was thrown as an exception, and tells the events when the client has gone', async () => {
    const client = response()
    await sendEventStream(
      client,
      new EventStreamOutput({}, async function* () {
        yield { type: 'one', payload: {} }
        throw new RangeError('x')
      }),
      json,
      asException
    )
    const bytes = Buffer.concat(await client.toArray()).toString('latin1')
    expect(bytes.match(/(initial-response|one|RangeError)/g)).toEqual([
      'initial-response',
      'one',
      'RangeError'
    ])
    const gone = response()
    let isTold = false
    const sending = sendEventStream(
      gone,
      new EventStreamOutput({}, async function* (signal) {
        await new Promise(resolve => signal.addEventListener('abort', resolve))
        isTold = true
        yield { type: 'late', payload: {} }
      }),
      json,
      asException
    )
    gone.resume()
    await settle()
    gone.destroy()
    await settle()
    expect(isTold).toBe(true)
    await sending
  })
})
