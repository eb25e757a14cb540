import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordFaultError } from '../../core/errors.ts'
import {
  kmsDiscoveryKeyring,
  kmsKeyring,
  multiKeyring,
  rawAesKeyring,
  SealingSuite
} from '../../crypto/index.ts'
import { DataKey } from '../../crypto/materials.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { arn, FakeKms, named } from '../helpers/fake-kms.ts'
import { seeds } from '../helpers/seeds.ts'
import { aKeyring, anOpener, aSealer } from './messages.ts'

const plaintext = 'MARKER-plaintext'
const contextValue = 'MARKER-context'
const keyBytes = Buffer.from('MARKER-wrapping-key-of-32-bytes!')
const markers = ['MARKER', keyBytes.toString('hex'), keyBytes.toString('base64')]

/** Everything that a logger could print of an error: properties, causes, inner errors, stacks. */
function printed(error: unknown): string {
  const json = JSON.stringify(error, (_, value) =>
    value instanceof Error ? { ...value, message: value.message } : value
  )
  return `${inspect(error, { depth: 10, showHidden: true })} ${json} ${(error as Error).stack}`
}

async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error('nothing failed')
}

describe('nothing secret', () => {
  const options = { streamName: 'orders', context: { pipeline: contextValue } }
  const mine = rawAesKeyring({ namespace: 'test', name: 'key-1', key: keyBytes })

  it('stands in what the failing paths throw', async () => {
    const sealed = Buffer.from(await mine.createSealer(options).seal(Buffer.from(plaintext)))
    const altered = (at: number): Buffer => {
      const copy = Buffer.from(sealed)
      copy[at]! ^= 1
      return copy
    }
    const kms = new FakeKms()
    const onKms = kmsKeyring({ keyId: arn('orders'), client: kms as never })
    const sealedByKms = await onKms.createSealer(options).seal(Buffer.from(plaintext))
    const failing = (name: string, status: number) => {
      const broken = new FakeKms()
      broken.failures = Object.fromEntries(
        ['GenerateDataKey', 'Decrypt', 'Encrypt'].map(operation => [operation, named(name, status)])
      )
      return kmsKeyring({ keyId: arn('orders'), client: broken as never })
    }
    const attempts: readonly (() => unknown)[] = [
      () => mine.createOpener({ ...options, streamName: 'other' }).open(sealed),
      () => mine.createOpener({ ...options, context: { pipeline: 'MARKER-other' } }).open(sealed),
      () => aKeyring().createOpener(options).open(sealed),
      () => mine.createOpener(options).open(sealed.subarray(0, sealed.length - 1)),
      ...[10, 40, sealed.length - 1, sealed.length - 60].map(
        at => () => mine.createOpener(options).open(altered(at))
      ),
      () =>
        multiKeyring({ generator: onKms, children: [aKeyring()] })
          .createOpener(options)
          .open(sealed),
      () => failing('AccessDeniedException', 400).createSealer(options).seal(Buffer.from(plaintext)),
      () => failing('AccessDeniedException', 400).createOpener(options).open(sealedByKms),
      () => failing('InvalidCiphertextException', 400).createOpener(options).open(sealedByKms),
      () => failing('KMSInternalException', 500).createOpener(options).open(sealedByKms),
      () => rawAesKeyring({ namespace: 'aws-kms', name: 'n', key: keyBytes }),
      () => rawAesKeyring({ namespace: 'n', name: 'n', key: keyBytes.subarray(1) }),
      () => mine.createSealer({ streamName: 's', context: { 'aws-crypto-x': contextValue } }),
      () => mine.createSealer({ streamName: 's', context: { x: contextValue.repeat(10_000) } }),
      () => mine.createOpener({ ...options, unstoredContext: { stream: 'MARKER-stream' } }),
      () => kmsDiscoveryKeyring({ filter: { partition: 'aws', accountIds: [] } })
    ]
    for (const [index, attempt] of attempts.entries()) {
      const text = printed(await failureOf(attempt))
      for (const marker of markers)
        expect([index, text]).toEqual([index, expect.not.stringContaining(marker)])
    }
  })

  it('stands in what a logger prints of keyrings, sealers and openers', async () => {
    const sealer = mine.createSealer(options)
    const opener = mine.createOpener(options)
    await opener.open(await sealer.seal(Buffer.from(plaintext)))
    for (const each of [mine, sealer, opener]) {
      const text = `${inspect(each, { depth: 10, showHidden: true })} ${JSON.stringify(each)}`
      for (const marker of markers) expect(text).not.toContain(marker)
    }
  })
})

describe('data keys', () => {
  /** A keyring that lets the test see the memory of every data key that it made or unwrapped. */
  function watched() {
    const inner = aKeyring({ clock: new FakeClock() })
    const seen: Buffer[] = []
    const clock = new FakeClock()
    const keyring = aKeyring({ clock, cache: { maxAgeMs: 10_000, maxMessages: 3 } })
    const note = <T extends { dataKey: DataKey } | DataKey>(made: T): T => {
      seen.push((made instanceof DataKey ? made : made.dataKey).bytes)
      return made
    }
    keyring.generateDataKey = async request => note(await inner.generateDataKey(request))
    keyring.unwrapDataKey = async (request, keys) => note(await inner.unwrapDataKey(request, keys))
    const isZero = (): boolean[] => seen.map(bytes => bytes.every(byte => byte === 0))
    return { keyring, clock, isZero }
  }

  it('are zeroed when they are used up, too old, and at the end', async () => {
    const { keyring, clock, isZero } = watched()
    const sealer = aSealer(keyring)
    for (let count = 0; count < 4; count += 1) await sealer.seal(Buffer.from('x'))
    expect(isZero()).toEqual([true, false])
    await clock.advance(10_000)
    expect(isZero()).toEqual([true, true])
    await sealer.seal(Buffer.from('x'))
    sealer.close()
    expect(isZero()).toEqual([true, true, true])
  })

  it('are zeroed when they leave the cache of an opener', async () => {
    const sealed = await Promise.all([1, 2].map(async () => aSealer().seal(Buffer.from('x'))))
    const { keyring, clock, isZero } = watched()
    const opener = anOpener(keyring)
    await opener.open(sealed[0]!)
    await clock.advance(5_000)
    await opener.open(sealed[1]!)
    expect(isZero()).toEqual([false, false])
    await clock.advance(5_000)
    expect(isZero()).toEqual([true, false])
    opener.close()
    expect(isZero()).toEqual([true, true])
  })

  it('are zeroed, and not kept, when they come after the close', async () => {
    const { keyring, clock, isZero } = watched()
    const message = await aSealer().seal(Buffer.from('x'))
    const sealer = aSealer(keyring)
    const opener = anOpener(keyring)
    const late = [sealer.seal(Buffer.from('x')), opener.open(message)]
    sealer.close()
    opener.close()
    for (const each of late) await expect(each).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    expect(isZero()).toEqual([true, true])
    expect([sealer.keyStats.open, opener.keyStats.open, clock.pending]).toEqual([0, 0, 0])
  })

  it('wipe where they came from', () => {
    const source = Buffer.alloc(32, 7)
    const key = new DataKey(source)
    expect(source.every(byte => byte === 0)).toBe(true)
    expect(key.bytes.every(byte => byte === 7)).toBe(true)
    key.wipe()
    expect(() => key.bytes).toThrow('wiped')
  })
})

describe('mutated messages', () => {
  it('end in typed errors, or open as they were, and nothing else', async () => {
    const originals: Buffer[] = []
    for (const algorithmSuite of Object.values(SealingSuite)) {
      for (const size of [0, 40, 300]) {
        const sealer = aSealer(aKeyring({ algorithmSuite, frameLength: 128 }))
        originals.push(Buffer.from(await sealer.seal(Buffer.alloc(size, 'abc'))))
        sealer.close()
      }
    }
    const opener = anOpener(aKeyring({ clock: new FakeClock() }))
    const opened = await Promise.all(originals.map(message => opener.open(message)))
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: fc.nat(), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(64) }),
      fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), value: fc.nat(64) }),
      fc.record({ kind: fc.constant('copy' as const), at: fc.nat(), value: fc.nat() })
    )
    const mutate = (
      message: Buffer,
      { kind, at, value }: { kind: string; at: number; value: number }
    ): Buffer => {
      const place = at % (message.length + 1)
      const [before, after] = [message.subarray(0, place), message.subarray(place)]
      if (kind === 'cut') return Buffer.concat([before, after.subarray(value)])
      if (kind === 'insert') return Buffer.concat([before, Buffer.alloc(value, value), after])
      const copy = Buffer.from(message)
      if (kind === 'set' && place < copy.length) copy[place] = value
      if (kind === 'copy') copy.copyWithin(place, value % (copy.length + 1))
      return copy
    }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(originals.length - 1),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (which, mutations) => {
          const mutated = mutations.reduce(mutate, originals[which]!)
          try {
            const bytes = await opener.open(mutated)
            expect(mutated.equals(originals[which]!)).toBe(true)
            expect(Buffer.from(bytes).equals(Buffer.from(opened[which]!))).toBe(true)
          } catch (error) {
            // Never a fault of the key, which would hold a shard for a record that is broken.
            expect(error).toBeInstanceOf(RecordFaultError)
          }
        }
      ),
      // 100,000 in the deep run.
      { numRuns: seeds(300) === 300 ? 300 : seeds(300) * 20 }
    )
    // What was refused is remembered for a while, within the bound of the cache, and holds no key.
    expect(opener.keyStats.open).toBe(originals.length)
    opener.close()
  }, 900_000)
})
