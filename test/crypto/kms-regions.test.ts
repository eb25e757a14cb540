import { describe, expect, it } from 'vitest'
import {
  type KmsDiscoveryKeyringOptions,
  type KmsKeyringOptions,
  kmsDiscoveryKeyring,
  kmsKeyring,
  multiKeyring
} from '../../crypto/index.ts'
import { arn, FakeKms } from '../helpers/fake-kms.ts'
import { aKeyring, anOpener, aSealer, faultOf } from './messages.ts'

const owner = '111122223333'
const stranger = '999988887777'

function strict(kms: FakeKms, options: Partial<KmsKeyringOptions> = {}) {
  return kmsKeyring({ keyId: arn('orders'), client: kms as never, ...options })
}

function discovery(kms: FakeKms, options: Partial<KmsDiscoveryKeyringOptions> = {}) {
  return kmsDiscoveryKeyring({
    filter: { partition: 'aws', accountIds: [owner] },
    client: kms as never,
    ...options
  })
}

async function sealedUnder(kms: FakeKms, keyId: string): Promise<Uint8Array> {
  const sealed = await aSealer(strict(kms, { keyId })).seal(Buffer.from('payload'))
  kms.calls.length = 0
  return sealed
}

describe('multi-Region keys', () => {
  const here = arn('mrk-1234', 'eu-west-1')
  const there = arn('mrk-1234', 'us-east-1')

  it('are opened by a replica, which is the one that is asked', async () => {
    const kms = new FakeKms()
    const sealed = await sealedUnder(kms, there)
    const opener = anOpener(strict(kms, { keyId: here, multiRegion: true }))
    expect(await faultOf(() => opener.open(sealed))).toBe('opened')
    expect(kms.calls).toEqual([`Decrypt ${here}`])
  })

  it.each([
    ['replicas, where that is not asked for', there, { keyId: here }],
    ['another key', arn('mrk-5678', 'us-east-1'), { keyId: here, multiRegion: true }],
    ['a key of another account', arn('mrk-1234', 'us-east-1', stranger), { keyId: here, multiRegion: true }],
    [
      'a single-Region key of another region',
      arn('orders', 'us-east-1'),
      { keyId: arn('orders'), multiRegion: true }
    ]
  ])('are not mistaken: %s', async (_, sealedWith, options) => {
    const kms = new FakeKms()
    const sealed = await sealedUnder(kms, sealedWith)
    expect(await faultOf(() => anOpener(strict(kms, options)).open(sealed))).toBe('record')
    expect(kms.calls).toEqual([])
  })

  it('cannot be named twice', () => {
    const options = { keyId: here, additionalKeyIds: [there] }
    expect(() => strict(new FakeKms(), { ...options, multiRegion: true })).toThrow('mrk-1234 twice')
    expect(() => strict(new FakeKms(), options)).not.toThrow()
  })
})

describe('discovery', () => {
  it('opens under any key of the accounts that it trusts, and asks for the key that the message names', async () => {
    const kms = new FakeKms()
    const opener = anOpener(discovery(kms))
    for (const keyId of [arn('orders'), arn('other', 'us-east-1')]) {
      const sealed = await sealedUnder(kms, keyId)
      expect(await faultOf(() => opener.open(sealed))).toBe('opened')
      expect(kms.calls).toEqual([`Decrypt ${keyId}`])
    }
  })

  it('asks for no key of a stranger, unless the filter is waived by name', async () => {
    const kms = new FakeKms()
    for (const keyId of [arn('k', 'eu-west-1', stranger), arn('k').replace('arn:aws:', 'arn:aws-cn:')]) {
      const sealed = await sealedUnder(kms, keyId)
      expect(await faultOf(() => anOpener(discovery(kms)).open(sealed))).toBe('record')
      expect(kms.calls).toEqual([])
      const waived = discovery(kms, { filter: 'any-account' })
      expect(await faultOf(() => anOpener(waived).open(sealed))).toBe('opened')
    }
  })

  it('asks in one region alone when told to: for the replica there, and for no other key', async () => {
    const kms = new FakeKms()
    const opener = anOpener(discovery(kms, { multiRegionIn: 'us-east-1' }))
    const replica = await sealedUnder(kms, arn('mrk-1234', 'eu-west-1'))
    expect(await faultOf(() => opener.open(replica))).toBe('opened')
    expect(kms.calls).toEqual([`Decrypt ${arn('mrk-1234', 'us-east-1')}`])
    const single = await sealedUnder(kms, arn('orders', 'eu-west-1'))
    expect(await faultOf(() => opener.open(single))).toBe('record')
    expect(kms.calls).toEqual([])
  })

  it('refuses an encrypted data key that claims to be of KMS and names no key', async () => {
    const kms = new FakeKms()
    const sealed = Buffer.from(await sealedUnder(kms, arn('orders')))
    sealed.write('x', sealed.indexOf('arn:aws:kms'))
    expect(await faultOf(() => anOpener(discovery(kms)).open(sealed))).toBe('record')
    expect(kms.calls).toEqual([])
  })

  it('seals nothing, by itself or as one of several', async () => {
    expect(() => aSealer(discovery(new FakeKms()))).toThrow('opens and never seals')
    const several = multiKeyring({ generator: aKeyring(), children: [discovery(new FakeKms())] })
    await expect(aSealer(several).seal(Buffer.from('x'))).rejects.toThrow('opens and never seals')
  })

  it.each([
    [undefined, 'filter'],
    [{ accountIds: [owner] }, 'filter'],
    [{ partition: 'aws', accountIds: [] }, 'filter.accountIds'],
    [{ partition: 'aws', accountIds: ['1234'] }, 'filter.accountIds']
  ])('demands a filter: %j', (filter, option) => {
    expect(() => discovery(new FakeKms(), { filter: filter as never })).toThrow(
      expect.objectContaining({ option })
    )
  })
})

describe('clients', () => {
  it('are made once for each region, by the ARN of the key', async () => {
    const kms = new FakeKms()
    const regions: (string | undefined)[] = []
    const clientFor = (region: string | undefined): never => {
      regions.push(region)
      return kms as never
    }
    const keyring = kmsKeyring({
      keyId: arn('orders'),
      additionalKeyIds: [arn('backup', 'us-east-1'), 'alias/orders'],
      clientFor
    })
    const sealer = aSealer(keyring)
    const sealed = await sealer.seal(Buffer.from('x'))
    expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
    expect(regions.sort()).toEqual(['eu-west-1', 'us-east-1', undefined])
  })

  it('are named once', () => {
    expect(() => strict(new FakeKms(), { clientConfig: {} })).toThrow('at most one of them')
  })

  it('get the grant tokens with every call', async () => {
    const kms = new FakeKms()
    const keyring = strict(kms, { additionalKeyIds: [arn('backup')], grantTokens: ['token'] })
    const sealed = await aSealer(keyring).seal(Buffer.from('x'))
    await anOpener(keyring).open(sealed)
    expect(kms.calls.map(call => call.split(' ')[0])).toEqual(['GenerateDataKey', 'Encrypt', 'Decrypt'])
    expect(kms.grantTokens).toEqual(['token', 'token', 'token'])
  })
})
