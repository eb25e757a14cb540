import { describe, expect, it } from 'vitest'
import { rawAesKeyring, tenantKeyring } from '../../../crypto/index.ts'
import { SealedBodies, type SealedBodiesOptions } from '../../../pipeline/queues/index.ts'
import { aKeyring, aSealer } from '../../crypto/messages.ts'

const payload = Buffer.from('a payload that nobody may read')

function bodies(options: Partial<SealedBodiesOptions> = {}): SealedBodies {
  return new SealedBodies({
    queueName: 'payments',
    keyring: aKeyring(),
    context: { pipeline: 'shop' },
    ...options
  })
}

const codeOf = (opening: Promise<unknown>): Promise<unknown> =>
  opening.then(
    () => 'opened',
    (error: { code: unknown }) => error.code
  )

describe('bodies of queue messages', () => {
  it('hold the payload sealed, in base64, and give it back', async () => {
    const body = await bodies().seal(payload)
    expect(body).toMatch(/^AgR4[A-Za-z0-9+/]+=*$/)
    expect(Buffer.from(body, 'base64').includes(payload)).toBe(false)
    expect(await bodies().open(body)).toEqual(payload)
  })

  it.each([
    ['of another queue', { queueName: 'refunds' }, 'SEALSTREAM_CONTEXT_MISMATCH'],
    ['of another context', { context: { pipeline: 'other' } }, 'SEALSTREAM_CONTEXT_MISMATCH'],
    [
      'under another key',
      { keyring: rawAesKeyring({ namespace: 'test', name: 'key-2', key: Buffer.alloc(32, 1) }) },
      'SEALSTREAM_NO_USABLE_DATA_KEY'
    ]
  ])('are refused by readers %s', async (_, options, code) => {
    expect(await codeOf(bodies(options).open(await bodies().seal(payload)))).toBe(code)
  })

  it('are refused when they were sealed for a stream of the same name', async () => {
    const message = await aSealer(aKeyring(), 'payments').seal(payload)
    expect(await codeOf(bodies().open(Buffer.from(message).toString('base64')))).toBe(
      'SEALSTREAM_CONTEXT_MISMATCH'
    )
  })

  it.each([
    ['plain text', 'pay 100 to Ann'],
    ['plain text in base64', Buffer.from('pay 100 to Ann').toString('base64')],
    ['nothing', ''],
    ['base64 that was cut', 'AgR4A']
  ])('are refused when they are %s', async (_, body) => {
    expect(await codeOf(bodies().open(body))).toBe('SEALSTREAM_MALFORMED_MESSAGE')
  })

  it('are refused when one bit was turned', async () => {
    const sealed = Buffer.from(await bodies().seal(payload), 'base64')
    sealed[sealed.length - 1]! ^= 1
    expect(await codeOf(bodies().open(sealed.toString('base64')))).toBe('SEALSTREAM_AUTHENTICATION_FAILED')
  })

  it('are never larger than the queue takes', async () => {
    const small = bodies({ maxBodyBytes: 1_024 })
    let largest = 0
    for (let size = 300; size < 768; size += 1) {
      const body = await small.seal(Buffer.alloc(size)).catch((error: unknown) => error)
      if (typeof body === 'string') {
        expect(body.length).toBeLessThanOrEqual(1_024)
        largest = size
      } else {
        expect(body).toMatchObject({ code: 'SEALSTREAM_INVALID_RECORD', field: 'data' })
        expect(size).toBeGreaterThan(largest)
      }
    }
    expect(largest).toBeGreaterThan(400)
  })

  it('ask for no key when the payload is too large by itself', async () => {
    const large = bodies()
    await expect(large.seal(Buffer.alloc(786_433))).rejects.toMatchObject({
      code: 'SEALSTREAM_INVALID_RECORD',
      message: 'record data: makes a body of 1048580 bytes; the queue takes 1048576'
    })
    expect(large.keyStats.misses).toBe(0)
  })

  it('seal with the key of the tenant', async () => {
    const known = new Map([['t1', aKeyring()]])
    const keyring = tenantKeyring({ keyringOf: tenant => known.get(tenant) })
    const body = await bodies({ keyring }).seal(payload, 't1')
    expect(await bodies({ keyring }).open(body)).toEqual(payload)
    known.delete('t1')
    expect(await codeOf(bodies({ keyring }).open(body))).toBe('SEALSTREAM_NO_USABLE_DATA_KEY')
  })

  it('are neither sealed nor opened after the end', async () => {
    const closed = bodies()
    const body = await closed.seal(payload)
    closed.close()
    await expect(closed.seal(payload)).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    await expect(closed.open(body)).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    expect(closed.keyStats.open).toBe(0)
  })

  it.each([
    [{ queueName: '' }, 'queueName'],
    [{ keyring: {} as never }, 'keyring'],
    [{ maxBodyBytes: 1_048_577 }, 'maxBodyBytes'],
    [{ context: { 'aws-crypto-x': 'y' } }, 'context.aws-crypto-x'],
    [{ queue: 'payments' } as never, 'queue']
  ])('name the option that is wrong: %o', (options, option) => {
    expect(() => bodies(options)).toThrow(
      expect.objectContaining({ code: 'SEALSTREAM_INVALID_OPTION', option })
    )
  })
})
