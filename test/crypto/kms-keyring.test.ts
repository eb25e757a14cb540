import { describe, expect, it } from 'vitest'
import { ErrorCode, KeyUnavailableError } from '../../core/errors.ts'
import { type KmsKeyringOptions, kmsKeyring } from '../../crypto/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { alias, arn, FakeKms, named } from '../helpers/fake-kms.ts'
import { anOpener, aSealer, faultOf } from './messages.ts'

function keyringOn(kms: FakeKms, overrides: Partial<KmsKeyringOptions> = {}): ReturnType<typeof kmsKeyring> {
  return kmsKeyring({ keyId: arn('orders'), client: kms as never, ...overrides })
}

describe('the KMS keyring', () => {
  it('asks for one data key, however many records wait for it', async () => {
    const kms = new FakeKms()
    const sealer = aSealer(keyringOn(kms))
    const opener = anOpener(keyringOn(kms))
    const sealed = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => sealer.seal(Buffer.from(String(index))))
    )
    const opened = await Promise.all(sealed.map(message => opener.open(message)))
    expect(opened.map(bytes => Number(Buffer.from(bytes)))).toEqual(
      Array.from({ length: 1_000 }, (_, index) => index)
    )
    expect(kms.calls).toEqual([`GenerateDataKey ${arn('orders')}`, `Decrypt ${arn('orders')}`])
    expect([sealer.keyStats.serviceCalls, opener.keyStats.serviceCalls]).toEqual([1, 1])
  })

  it('seals under an alias and opens by the key behind it, looked up once', async () => {
    const kms = new FakeKms()
    const opener = anOpener(keyringOn(kms, { keyId: alias }))
    for (const payload of ['a', 'b'])
      await opener.open(await aSealer(keyringOn(kms, { keyId: alias })).seal(Buffer.from(payload)))
    expect(kms.calls).toEqual([
      `GenerateDataKey ${alias}`,
      `DescribeKey ${alias}`,
      `Decrypt ${arn('orders')}`,
      `GenerateDataKey ${alias}`,
      `Decrypt ${arn('orders')}`
    ])
  })

  it('wraps the data key for every further key, and either opens', async () => {
    const kms = new FakeKms()
    const both = keyringOn(kms, { additionalKeyIds: [arn('backup')] })
    const sealed = await aSealer(both).seal(Buffer.from('x'))
    expect(await faultOf(() => anOpener(keyringOn(kms)).open(sealed))).toBe('opened')
    expect(await faultOf(() => anOpener(keyringOn(kms, { keyId: arn('backup') })).open(sealed))).toBe(
      'opened'
    )
    kms.failures.Encrypt = named('AccessDeniedException')
    expect(await faultOf(() => aSealer(both).seal(Buffer.from('x')))).toBe('key')
  })

  it('opens nothing that is under another key, and does not ask about it', async () => {
    const kms = new FakeKms()
    const sealed = await aSealer(keyringOn(kms, { keyId: arn('attacker') })).seal(Buffer.from('x'))
    kms.calls.length = 0
    await expect(anOpener(keyringOn(kms)).open(sealed)).rejects.toMatchObject({
      code: ErrorCode.noUsableDataKey
    })
    expect(kms.calls).toEqual([])
  })

  it.each([
    ['InvalidCiphertextException', 400, 'record'],
    ['IncorrectKeyException', 400, 'record'],
    ['AccessDeniedException', 400, 'key'],
    ['DisabledException', 400, 'key'],
    ['KMSInvalidStateException', 400, 'key'],
    ['NotFoundException', 400, 'key'],
    ['ThrottlingException', 400, 'key'],
    ['KeyUnavailableException', 500, 'key'],
    ['KMSInternalException', 500, 'key'],
    ['CredentialsProviderError', 0, 'key'],
    ['TimeoutError', 0, 'key']
  ])('takes %s (%i) of Decrypt for a %s fault', async (name, status, fault) => {
    const kms = new FakeKms()
    const sealed = await aSealer(keyringOn(kms)).seal(Buffer.from('x'))
    const clock = new FakeClock()
    const opener = anOpener(keyringOn(kms, { clock }))
    kms.failures.Decrypt = named(name, status)
    expect(await faultOf(() => opener.open(sealed))).toBe(fault)
    kms.failures = {}
    kms.calls.length = 0
    if (fault === 'record') {
      // A flood of such records costs no call each.
      expect(await faultOf(() => opener.open(sealed))).toBe('record')
      expect(kms.calls).toEqual([])
      await clock.advance(5_000)
    }
    // When the key is back, the same opener goes on.
    expect(await faultOf(() => opener.open(sealed))).toBe('opened')
  })

  it('holds while one of several keys may still come', async () => {
    const kms = new FakeKms()
    const both = keyringOn(kms, { additionalKeyIds: [arn('backup')] })
    const sealed = await aSealer(both).seal(Buffer.from('x'))
    kms.failures.Decrypt = named('ThrottlingException')
    await expect(anOpener(both).open(sealed)).rejects.toMatchObject({
      serviceCode: 'ThrottlingException',
      retryable: true
    })
  })

  it('trusts no answer for another key or of another length', async () => {
    const kms = new FakeKms()
    const sealed = await aSealer(keyringOn(kms)).seal(Buffer.from('x'))
    kms.alter.Decrypt = { KeyId: arn('other') }
    expect(await faultOf(() => anOpener(keyringOn(kms)).open(sealed))).toBe('record')
    kms.alter.Decrypt = { Plaintext: Buffer.alloc(16) }
    expect(await faultOf(() => anOpener(keyringOn(kms)).open(sealed))).toBe('key')
    kms.alter.GenerateDataKey = { KeyId: 'alias/orders' }
    await expect(aSealer(keyringOn(kms)).seal(Buffer.from('x'))).rejects.toThrow(KeyUnavailableError)
  })

  it('keeps keys and context values out of its errors', async () => {
    const kms = new FakeKms()
    kms.failures.GenerateDataKey = named('AccessDeniedException')
    const sealer = keyringOn(kms).createSealer({ streamName: 's', context: { tenant: 'tenant-value' } })
    await expect(sealer.seal(Buffer.from('x'))).rejects.toMatchObject({
      message: 'kms: GenerateDataKey failed (AccessDeniedException)'
    })
  })
})
