import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it, onTestFinished } from 'vitest'
import { decodeAggregatedRecord } from '../../core/aggregated-record.ts'
import { ErrorCode } from '../../core/errors.ts'
import { type Keyring, kmsKeyring, tenantKeyring } from '../../crypto/index.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { Producer, type ProducerOptions } from '../../producer/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { FakeKinesis } from '../helpers/fake-kinesis.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { aKeyring, faultOf } from './messages.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const tenantOf = (data: Uint8Array): string | undefined =>
  parseHeader(Buffer.from(data)).context.get('tenant')

/** A key for every tenant that is asked for. */
function anyTenant(options: { maxTenants?: number; known?: (tenant: string) => boolean } = {}) {
  const keyrings = new Map<string, Keyring>()
  const asked: string[] = []
  const keyring = tenantKeyring({
    ...(options.maxTenants === undefined ? {} : { maxTenants: options.maxTenants }),
    keyringOf: tenant => {
      asked.push(tenant)
      if (options.known?.(tenant) === false) return undefined
      const found = keyrings.get(tenant) ?? aKeyring({ name: tenant, key: Buffer.alloc(32, tenant) })
      keyrings.set(tenant, found)
      return found
    }
  })
  return { keyring, asked }
}

describe('a key per tenant', () => {
  it('binds the tenant to the message, and opens each with its own key', async () => {
    const { keyring } = anyTenant()
    const sealer = keyring.createSealer({ streamName: 's', context: { pipeline: 'p' } })
    const opener = keyring.createOpener({ streamName: 's', context: { pipeline: 'p' } })
    for (const tenant of ['a', 'b', 'a']) {
      const sealed = await sealer.seal(Buffer.from(`of ${tenant}`), tenant)
      expect(tenantOf(sealed)).toBe(tenant)
      expect(opener.isSealed(sealed)).toBe(true)
      expect(text(await opener.open(sealed))).toBe(`of ${tenant}`)
      expect(sealed.length).toBe(4 + sealer.overheadBytes(4, tenant))
    }
    sealer.close()
    opener.close()
  })

  it('opens no message of one tenant as another’s, and none without a tenant', async () => {
    const { keyring } = anyTenant()
    const sealer = keyring.createSealer({ streamName: 's' })
    const opener = keyring.createOpener({ streamName: 's' })
    const sealed = Buffer.from(await sealer.seal(Buffer.from('x'), 'tenant-a'))
    await opener.open(sealed)
    const renamed = Buffer.from(sealed)
    renamed.write('tenant-b', renamed.indexOf('tenant-a'))
    expect(await faultOf(() => opener.open(renamed))).toBe('record')
    const plain = await aKeyring().createSealer({ streamName: 's' }).seal(Buffer.from('x'))
    expect(() => opener.open(plain)).toThrow(expect.objectContaining({ names: ['tenant'] }))
    expect(() => sealer.seal(Buffer.from('x'))).toThrow('tenant')
  })

  it('keeps so many tenants open, those last used', async () => {
    const { keyring, asked } = anyTenant({ maxTenants: 2 })
    const sealer = keyring.createSealer({ streamName: 's' })
    for (const tenant of ['a', 'b', 'a', 'c', 'a', 'b']) await sealer.seal(Buffer.from('x'), tenant)
    expect(asked).toEqual(['a', 'b', 'c', 'b'])
    expect(sealer.keyStats).toMatchObject({ hits: 2, misses: 4, open: 2 })
    sealer.close()
  })

  it('takes a message of an unknown tenant for a fault of the record', async () => {
    const known = new Set(['a'])
    const { keyring } = anyTenant({ known: tenant => known.has(tenant) })
    const sealer = keyring.createSealer({ streamName: 's' })
    const sealed = await sealer.seal(Buffer.from('x'), 'a')
    known.clear()
    const opener = keyring.createOpener({ streamName: 's' })
    expect(await faultOf(() => opener.open(sealed))).toBe('record')
  })

  it.each([
    [{ keyringOf: undefined }, 'keyringOf'],
    [{ keyringOf: () => aKeyring(), maxTenants: 0 }, 'maxTenants'],
    [{ keyringOf: () => aKeyring(), keyOf: 1 }, 'keyOf']
  ])('refuses options that cannot be: %j', (options, option) => {
    expect(() => tenantKeyring(options as never)).toThrow(expect.objectContaining({ option }))
  })
})

describe('a producer with tenants', () => {
  function start(seal: Partial<ProducerOptions['seal']> = {}, known?: (tenant: string) => boolean) {
    const clock = new FakeClock()
    const kinesis = new FakeKinesis(2)
    const { keyring } = anyTenant(known === undefined ? {} : { known })
    const keyFor = ({ partitionKey }: { partitionKey: string }): string => partitionKey.split(':')[0]!
    const producer = new Producer({ streamName: 's', kinesis, clock, seal: { keyring, keyFor, ...seal } })
    onTestFinished(async () => void (await producer.close({ drainMs: 0 })))
    const opener = keyring.createOpener({ streamName: 's' })
    return { clock, kinesis, producer, opener }
  }

  it.each(['aggregate', 'record'] as const)(
    'never has two tenants in one sealed message, mode %s',
    async mode => {
      const { clock, kinesis, producer, opener } = start({ mode })
      const names = Array.from({ length: 300 }, (_, index) => `tenant-${index % 7}:${index}`)
      const puts = names.map(name =>
        producer.put({ partitionKey: name, data: Buffer.from(`payload of ${name}`) })
      )
      await clock.advance(200)
      await Promise.all(puts)
      const found: string[] = []
      for (const { data } of kinesis.stored) {
        const parts =
          mode === 'record' ? (decodeAggregatedRecord(data) ?? [{ data }]).map(part => part.data) : [data]
        for (const part of parts) {
          const tenant = tenantOf(part)
          const plain = await opener.open(part)
          const payloads = (decodeAggregatedRecord(plain) ?? [{ data: plain }]).map(user => text(user.data))
          for (const payload of payloads) expect(payload).toMatch(new RegExp(`^payload of ${tenant}:`))
          found.push(...payloads)
        }
      }
      expect(found.sort()).toEqual(names.map(name => `payload of ${name}`).sort())
      // Two shards and seven tenants, and what is aggregated stays aggregated.
      if (mode === 'aggregate') expect(kinesis.stored.length).toBeLessThanOrEqual(14)
    }
  )

  it('refuses a record whose tenant is not known, or has no name, before it is accepted', async () => {
    const { clock, producer } = start({}, tenant => tenant !== 'gone')
    await expect(producer.put({ partitionKey: 'gone:1', data: Buffer.from('x') })).rejects.toMatchObject({
      code: ErrorCode.noUsableDataKey
    })
    await expect(producer.put({ partitionKey: ':1', data: Buffer.from('x') })).rejects.toMatchObject({
      code: ErrorCode.invalidRecord,
      field: 'tenant'
    })
    const put = producer.put({ partitionKey: 'here:1', data: Buffer.from('x') })
    await clock.advance(200)
    await put
    expect(producer.stats).toMatchObject({ accepted: 1, acknowledged: 1, inFlight: 0 })
  })

  it('needs keyFor exactly where the keyring has a key per tenant', () => {
    const make = (seal: ProducerOptions['seal']) => () =>
      new Producer({ streamName: 's', kinesis: new FakeKinesis(), ...(seal === undefined ? {} : { seal }) })
    expect(make({ keyring: anyTenant().keyring })).toThrow('seal.keyFor')
    expect(make({ keyring: aKeyring(), keyFor: () => 'a' })).toThrow('seal.keyFor')
  })
})

describe('crypto-shredding', () => {
  it('makes the records of one tenant unreadable, and no other’s, once its key is to be deleted and caches aged out', async () => {
    const local = await openLocal()
    const clientConfig = local.clientConfig('kms')
    const kms = opened(new KMSClient(clientConfig))
    const clock = new FakeClock()
    const keyIds = new Map<string, string>()
    for (const tenant of ['a', 'b']) {
      const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
      keyIds.set(tenant, key!.Arn!)
    }
    const keyring = tenantKeyring({
      keyringOf: tenant =>
        kmsKeyring({
          keyId: keyIds.get(tenant)!,
          client: kms,
          deletedKeys: 'refuse',
          clock,
          cache: { maxAgeMs: 60_000 }
        })
    })
    const sealer = keyring.createSealer({ streamName: 's' })
    const opener = keyring.createOpener({ streamName: 's' })
    const sealed = {
      a: await sealer.seal(Buffer.from('of a'), 'a'),
      b: await sealer.seal(Buffer.from('of b'), 'b')
    }
    expect(text(await opener.open(sealed.a))).toBe('of a')
    expect(text(await opener.open(sealed.b))).toBe('of b')

    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: keyIds.get('a'), PendingWindowInDays: 7 }))
    // Until the age of the cache is over the key is still at hand: that age bounds the revocation.
    expect(text(await opener.open(sealed.a))).toBe('of a')
    await clock.advance(60_000)
    expect(await faultOf(() => opener.open(sealed.a))).toBe('record')
    expect(await faultOf(() => sealer.seal(Buffer.from('x'), 'a'))).toBe('key')
    expect(text(await opener.open(sealed.b))).toBe('of b')
    expect(await faultOf(() => sealer.seal(Buffer.from('x'), 'b'))).toBe('opened')

    // A deletion can be taken back while it waits; a key that is only disabled holds.
    await kms.send(new CancelKeyDeletionCommand({ KeyId: keyIds.get('a') }))
    await clock.advance(5_000)
    expect(await faultOf(() => opener.open(sealed.a))).toBe('key')
    await kms.send(new EnableKeyCommand({ KeyId: keyIds.get('a') }))
    expect(text(await opener.open(sealed.a))).toBe('of a')
    await kms.send(new DisableKeyCommand({ KeyId: keyIds.get('b') }))
    await clock.advance(60_000)
    expect(await faultOf(() => opener.open(sealed.b))).toBe('key')
    sealer.close()
    opener.close()
  })

  it('holds by default: the deletion of the one key of a pipeline may be a mistake', async () => {
    const local = await openLocal()
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const keyring = kmsKeyring({ keyId: key!.Arn!, client: kms })
    const sealed = await keyring.createSealer({ streamName: 's' }).seal(Buffer.from('x'))
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key!.Arn, PendingWindowInDays: 7 }))
    expect(await faultOf(() => keyring.createOpener({ streamName: 's' }).open(sealed))).toBe('key')
  })
})
