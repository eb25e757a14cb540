import { describe, expect, it } from 'vitest'
import { encodeMessage } from '../../local/event-stream.ts'

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
