import { createCipheriv } from 'node:crypto'
import {
  buildClient,
  CommitmentPolicy as OfficialPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier
} from '@aws-crypto/client-node'
import { describe, expect, it } from 'vitest'
import { ErrorCode, type RecordFaultError } from '../../core/errors.ts'
import { committingSuite } from '../../crypto/algorithm-suites.ts'
import { MessageWriter } from '../../crypto/encrypt.ts'
import { encodeContext } from '../../crypto/encryption-context.ts'
import {
  CommitmentPolicy,
  type DataKeyCacheOptions,
  multiKeyring,
  rawAesKeyring,
  SealingSuite
} from '../../crypto/index.ts'
import { deriveKeys } from '../../crypto/key-derivation.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { FakeClock, settle } from '../helpers/fake-clock.ts'
import { aKeyring, anOpener, aSealer, faultOf, wrappingKey } from './messages.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('sealing and opening', () => {
  it('gives back what was sealed, of any size around the frame length', async () => {
    const sealer = aSealer()
    const opener = anOpener()
    for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
      const plaintext = Buffer.alloc(size, 'abc')
      const sealed = await sealer.seal(plaintext)
      expect(sealed.length).toBe(size + sealer.overheadBytes(size))
      expect(opener.isSealed(sealed)).toBe(true)
      expect(Buffer.from(await opener.open(sealed)).equals(plaintext)).toBe(true)
    }
  })

  it('never awaits when the data key is at hand', async () => {
    const sealer = aSealer()
    const opener = anOpener()
    const first = sealer.seal(Buffer.from('1'))
    expect(first).toBeInstanceOf(Promise)
    expect(opener.open(await first)).toBeInstanceOf(Promise)
    await settle()
    const second = sealer.seal(Buffer.from('2'))
    expect(second).toBeInstanceOf(Uint8Array)
    expect(opener.open(second as Uint8Array)).toBeInstanceOf(Uint8Array)
  })

  it('makes every message under a message id of its own', async () => {
    const sealer = aSealer()
    await sealer.seal(Buffer.from('x'))
    const ids = new Set<string>()
    for (let count = 0; count < 1_000; count += 1) {
      ids.add(text(Buffer.from(sealer.seal(Buffer.from('x')) as Uint8Array).subarray(3, 35)))
    }
    expect(ids.size).toBe(1_000)
  })

  it.each(Object.values(SealingSuite))(
    'refuses every single bit flip and every truncation of a message, suite %s',
    async algorithmSuite => {
      const opener = anOpener()
      const sealed = Buffer.from(await aSealer(aKeyring({ algorithmSuite })).seal(Buffer.from('payload')))
      await opener.open(sealed)
      for (let bit = 0; bit < sealed.length * 8; bit += 1) {
        const altered = Buffer.from(sealed)
        altered[bit >> 3]! ^= 1 << (bit & 7)
        expect([bit, await faultOf(() => opener.open(altered))]).toEqual([bit, 'record'])
      }
      for (let end = 0; end < sealed.length; end += 1) {
        expect([end, await faultOf(() => opener.open(sealed.subarray(0, end)))]).toEqual([end, 'record'])
      }
      expect(await faultOf(() => opener.open(Buffer.concat([sealed, Buffer.alloc(1)])))).toBe('record')
    }
  )

  it('signs when it is told to, under one key pair for each data key', async () => {
    const sealer = aSealer(aKeyring({ algorithmSuite: SealingSuite.committingSigned }))
    const opener = anOpener()
    const plaintext = Buffer.alloc(100_000, 'abc')
    const sealed = await Promise.all([sealer.seal(plaintext), sealer.seal(plaintext)])
    const publicKeys = new Set<string | undefined>()
    for (const message of sealed) {
      expect(opener.isSealed(message)).toBe(true)
      expect(Buffer.from(await opener.open(message)).equals(plaintext)).toBe(true)
      publicKeys.add(parseHeader(Buffer.from(message)).context.get('aws-crypto-public-key'))
      expect(message.length).toBeLessThanOrEqual(plaintext.length + sealer.overheadBytes(plaintext.length))
    }
    expect(publicKeys.size).toBe(1)
    expect(opener.open(sealed[0]!)).toBeInstanceOf(Uint8Array)
  })

  it('cuts payloads into frames of the length that is asked for', async () => {
    const sealer = aSealer(aKeyring({ frameLength: 1_000 }))
    const sealed = Buffer.from(await sealer.seal(Buffer.alloc(2_500)))
    expect(parseHeader(sealed).frameLength).toBe(1_000)
    expect(Buffer.from(await anOpener().open(sealed))).toHaveLength(2_500)
  })

  it('has one text for all authentication failures', async () => {
    const opener = anOpener()
    const sealed = Buffer.from(await aSealer().seal(Buffer.from('payload')))
    await opener.open(sealed)
    const texts = new Set<string>()
    // Message id, commitment, header tag, ciphertext, frame tag.
    for (const at of [10, sealed.length - 90, sealed.length - 60, sealed.length - 20, sealed.length - 1]) {
      const altered = Buffer.from(sealed)
      altered[at]! ^= 1
      try {
        await opener.open(altered)
      } catch (error) {
        texts.add((error as RecordFaultError).message)
      }
    }
    expect([...texts]).toEqual(['sealed message: authentication failed'])
  })

  it('refuses a message for another stream, naming pairs and never values, at the cost of no call', async () => {
    const opener = anOpener(aKeyring(), 'payments')
    const sealed = await aSealer().seal(Buffer.from('payload'))
    expect(() => opener.open(sealed)).toThrow(
      expect.objectContaining({
        code: ErrorCode.contextMismatch,
        names: ['stream'],
        message: expect.not.stringContaining('orders')
      })
    )
    expect(opener.keyStats.serviceCalls).toBe(0)
  })

  it('refuses more encrypted data keys than it may read', async () => {
    const children = Array.from({ length: 5 }, (_, index) => aKeyring({ name: `key-${index + 2}` }))
    const many = multiKeyring({ generator: aKeyring(), children, maxEncryptedDataKeys: 6 })
    const sealed = await aSealer(many).seal(Buffer.from('x'))
    expect(await faultOf(() => anOpener().open(sealed))).toBe('record')
    expect(await faultOf(() => anOpener(aKeyring({ maxEncryptedDataKeys: 6 })).open(sealed))).toBe('opened')
  })

  it('writes no more encrypted data keys than a reader with the same limit takes', async () => {
    const children = Array.from({ length: 5 }, (_, index) => aKeyring({ name: `key-${index + 2}` }))
    const many = multiKeyring({ generator: aKeyring(), children })
    await expect(aSealer(many).seal(Buffer.from('x'))).rejects.toThrow(
      'option maxEncryptedDataKeys: the keyring wraps every data key 6 times; at most 5 are allowed'
    )
  })

  it('refuses options that cannot be', () => {
    expect(() => rawAesKeyring({ namespace: 'aws-kms-x', name: 'n', key: Buffer.alloc(32) })).toThrow(
      'reserved'
    )
    expect(() => rawAesKeyring({ namespace: 'n', name: 'n', key: Buffer.alloc(31) })).toThrow('16, 24 or 32')
    expect(() => aKeyring({ cache: { maxAgeMs: 1 } })).toThrow('cache.maxAgeMs')
    const keyring = aKeyring()
    expect(() => keyring.createSealer({ streamName: 's', context: { 'aws-crypto-x': 'secret' } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') })
    )
  })
})

describe('context that is bound and not stored', () => {
  /** As other implementations write: the pair `stream` is part of what is authenticated, not of the header. */
  async function sealUnstored(): Promise<Buffer> {
    const stored = { pipeline: 'shop' }
    const unstored = { stream: 'orders' }
    const request = { suite: committingSuite, context: { ...stored, ...unstored }, onKeyServiceCall() {} }
    const generated = await aKeyring().generateDataKey(request)
    const materials = { suite: committingSuite, context: stored, signingKey: undefined, ...generated }
    const sealed = new MessageWriter(materials).encrypt(Buffer.from('payload'))
    const { body, messageId, iv } = parseHeader(sealed)
    const { contentKey } = deriveKeys(committingSuite, generated.dataKey.bytes, messageId)
    const gcm = createCipheriv('aes-256-gcm', contentKey, iv)
    gcm.setAAD(Buffer.concat([body, encodeContext(unstored)]))
    gcm.final()
    gcm.getAuthTag().copy(sealed, body.length)
    return sealed
  }
  const open = (stream: string, unstoredContext: Record<string, string>) => async (message: Uint8Array) => {
    const opener = aKeyring().createOpener({
      streamName: stream,
      context: { pipeline: 'shop' },
      unstoredContext
    })
    return text(await opener.open(message))
  }

  it('is accepted where the reader names it, and compared where it stands in the message', async () => {
    expect(await open('orders', { stream: 'orders' })(await sealUnstored())).toBe('payload')
    expect(await open('orders', { stream: 'orders' })(await aSealer().seal(Buffer.from('stored')))).toBe(
      'stored'
    )
  })

  it('is refused where the reader does not name it, or names another value', async () => {
    const sealed = await sealUnstored()
    await expect(open('orders', {})(sealed)).rejects.toMatchObject({ code: ErrorCode.contextMismatch })
    await expect(open('orders', { stream: 'orders', tenant: 'a' })(sealed)).rejects.toMatchObject({
      code: ErrorCode.noUsableDataKey
    })
    await expect(
      open('payments', { stream: 'payments' })(await aSealer().seal(Buffer.from('x')))
    ).rejects.toMatchObject({ code: ErrorCode.contextMismatch, names: ['stream'] })
    await expect(open('orders', { stream: 'other' })(sealed)).rejects.toThrow('unstoredContext.stream')
  })
})

describe('the commitment policy', () => {
  const uncommitted = async (): Promise<Buffer> => {
    const client = buildClient({
      commitmentPolicy: OfficialPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT,
      maxEncryptedDataKeys: false
    })
    const keyring = new RawAesKeyringNode({
      keyNamespace: 'test',
      keyName: 'key-1',
      unencryptedMasterKey: Uint8Array.from(wrappingKey),
      wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      utf8Sorting: true
    })
    const { result } = await client.encrypt(keyring, 'old', {
      encryptionContext: { pipeline: 'shop', stream: 'orders' }
    })
    return result
  }

  it('refuses messages that do not commit, before any key is asked for', async () => {
    const opener = anOpener()
    const sealed = await uncommitted()
    expect(opener.isSealed(sealed)).toBe(true)
    expect(() => opener.open(sealed)).toThrow(
      expect.objectContaining({ code: 'SEALSTREAM_UNCOMMITTED_MESSAGE' })
    )
  })

  it('can let them be read while they are still in the stream', async () => {
    for (const policy of [CommitmentPolicy.requireAllow, CommitmentPolicy.forbidAllow]) {
      const opener = anOpener(aKeyring({ commitmentPolicy: policy }))
      expect(text(await opener.open(await uncommitted()))).toBe('old')
      expect(text(await opener.open(await aSealer().seal(Buffer.from('new'))))).toBe('new')
    }
  })

  it('never seals without commitment', () => {
    expect(() => aSealer(aKeyring({ commitmentPolicy: CommitmentPolicy.forbidAllow }))).toThrow(
      'commitmentPolicy'
    )
  })
})

describe('several keyrings', () => {
  it('each open what was sealed with all of them', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map(name => aKeyring({ name, key: Buffer.alloc(16, name) }))
    const sealed = await aSealer(multiKeyring({ generator: a!, children: [b!] })).seal(Buffer.from('x'))
    expect(text(await anOpener(a).open(sealed))).toBe('x')
    expect(text(await anOpener(b).open(sealed))).toBe('x')
    expect(text(await anOpener(multiKeyring({ generator: c!, children: [b!] })).open(sealed))).toBe('x')
    expect(await faultOf(() => anOpener(c).open(sealed))).toBe('record')
  })
})

describe('the data-key cache', () => {
  async function sealerWith(
    cache: DataKeyCacheOptions
  ): Promise<{ clock: FakeClock; keys: () => number; seal: (bytes?: number) => Promise<void> }> {
    const clock = new FakeClock()
    const sealer = aSealer(aKeyring({ cache, clock }))
    const seen = new Set<string>()
    return {
      clock,
      keys: () => seen.size,
      async seal(bytes = 10) {
        const sealed = Buffer.from(await sealer.seal(Buffer.alloc(bytes)))
        // The wrapped key stands in the header: another data key, other bytes.
        seen.add(parseHeader(sealed).materialBytes.toString('hex'))
      }
    }
  }

  it('uses a data key for so many messages and no more', async () => {
    const { seal, keys } = await sealerWith({ maxMessages: 3 })
    for (let count = 0; count < 9; count += 1) await seal()
    expect(keys()).toBe(3)
  })

  it('keeps to the limit when all come at once', async () => {
    const { seal, keys } = await sealerWith({ maxMessages: 10 })
    await Promise.all(Array.from({ length: 100 }, () => seal()))
    expect(keys()).toBe(10)
  })

  it('uses a data key for so many bytes, and a fresh one for a payload beyond the limit', async () => {
    const { seal, keys } = await sealerWith({ maxBytes: 100 })
    await seal(60)
    await seal(40)
    expect(keys()).toBe(1)
    await seal(500)
    expect(keys()).toBe(2)
    await seal(1)
    expect(keys()).toBe(3)
  })

  it('fetches the next key in the background shortly before the age is reached', async () => {
    const { seal, keys, clock } = await sealerWith({ maxAgeMs: 10_000 })
    await seal()
    await clock.advance(9_500)
    await seal()
    expect(keys()).toBe(1)
    await settle()
    await seal()
    expect(keys()).toBe(2)
  })

  it('does not use a key beyond its age, and wipes it when nobody comes', async () => {
    const { seal, keys, clock } = await sealerWith({ maxAgeMs: 10_000 })
    await seal()
    await clock.advance(10_001)
    expect(clock.pending).toBe(0)
    await seal()
    expect(keys()).toBe(2)
  })

  it('counts hits, misses, calls, their time, and the keys that are held', async () => {
    const clock = new FakeClock()
    const keyring = aKeyring({ clock })
    const generate = keyring.generateDataKey.bind(keyring)
    keyring.generateDataKey = async request => {
      request.onKeyServiceCall()
      await clock.sleep(30)
      return generate(request)
    }
    const sealer = aSealer(keyring)
    const waiting = [sealer.seal(Buffer.from('1')), sealer.seal(Buffer.from('2'))]
    await clock.advance(30)
    await Promise.all(waiting)
    const sealed = await sealer.seal(Buffer.from('3'))
    expect(sealer.keyStats).toEqual({ hits: 1, misses: 2, serviceCalls: 1, serviceMs: 30, open: 1 })
    sealer.close()
    expect(sealer.keyStats.open).toBe(0)
    const opener = anOpener(keyring)
    await opener.open(sealed)
    opener.open(sealed)
    expect(opener.keyStats).toEqual({ hits: 1, misses: 1, serviceCalls: 0, serviceMs: 0, open: 1 })
    opener.close()
    expect(opener.keyStats.open).toBe(0)
  })

  it('of an opener keeps so many keys, the last used ones', async () => {
    const clock = new FakeClock()
    const opener = anOpener(aKeyring({ cache: { maxOpenKeys: 2, maxAgeMs: 10_000 }, clock }))
    const [a, b, c] = await Promise.all([1, 2, 3].map(async () => aSealer().seal(Buffer.from('x'))))
    await opener.open(a!)
    await opener.open(b!)
    opener.open(a!)
    await opener.open(c!)
    expect(opener.open(a!)).toBeInstanceOf(Uint8Array)
    expect(opener.open(b!)).toBeInstanceOf(Promise)
    await settle()
    await clock.advance(20_000)
    expect(opener.open(b!)).toBeInstanceOf(Promise)
    await settle()
  })
})
