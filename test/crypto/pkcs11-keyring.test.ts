import { describe, expect, it } from 'vitest'
import { committingSuite } from '../../crypto/algorithm-suites.ts'
import { Pkcs11Gcm, type Pkcs11KeyringOptions, pkcs11Keyring, rawAesKeyring } from '../../crypto/index.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { FakeToken } from '../helpers/fake-token.ts'
import { anOpener, aSealer, faultOf } from './messages.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

function on(token: FakeToken, options: Partial<Pkcs11KeyringOptions> = {}) {
  return pkcs11Keyring({
    library: '/nowhere/libtoken.so',
    pkcs11js: token.module,
    pin: '1234',
    keyLabel: 'wrapping',
    namespace: 'hsm',
    name: 'key-1',
    ...options
  })
}

describe.each([
  [Pkcs11Gcm.callerIv, 'any'],
  [Pkcs11Gcm.tokenIv, 'cloudhsm'],
  [Pkcs11Gcm.cloudhsm, 'cloudhsm']
] as const)('a token with %s', (gcm, rules) => {
  it('wraps and unwraps, and whoever holds the key itself reads the messages, and is read', async () => {
    const token = new FakeToken(rules)
    const keyring = on(token, { gcm })
    const holder = rawAesKeyring({ namespace: 'hsm', name: 'key-1', key: token.key })
    const sealed = await aSealer(keyring).seal(Buffer.from('payload'))
    expect(text(await anOpener(keyring).open(sealed))).toBe('payload')
    expect(text(await anOpener(holder).open(sealed))).toBe('payload')
    expect(text(await anOpener(keyring).open(await aSealer(holder).seal(Buffer.from('other'))))).toBe('other')
  })

  it('never uses an IV twice, and binds the context', async () => {
    const token = new FakeToken(rules)
    const keyring = on(token, { gcm })
    const infos = new Set<string>()
    for (let count = 0; count < 50; count += 1) {
      const { encryptedDataKeys } = await keyring.generateDataKey({
        suite: committingSuite,
        context: { stream: 'orders' },
        onKeyServiceCall() {}
      })
      infos.add(encryptedDataKeys[0]!.providerInfo.toString('hex'))
    }
    expect(infos.size).toBe(50)
    const sealed = Buffer.from(await aSealer(keyring).seal(Buffer.from('x')))
    const moved = Buffer.from(sealed)
    moved.write('shoq', moved.indexOf('shop'))
    const opener = keyring.createOpener({ streamName: 'orders', context: { pipeline: 'shoq' } })
    expect(await faultOf(() => opener.open(moved))).toBe('record')
  })
})

describe('a token', () => {
  it('refuses the IV rules of another kind, which is no fault of a record', async () => {
    expect(await faultOf(() => aSealer(on(new FakeToken('cloudhsm'))).seal(Buffer.from('x')))).toBe('key')
    expect(
      await faultOf(() => aSealer(on(new FakeToken(), { gcm: 'cloudhsm' })).seal(Buffer.from('x')))
    ).toBe('key')
  })

  it('is logged in once, and opens as many sessions as it may', async () => {
    const token = new FakeToken()
    const keyring = on(token, { maxSessions: 3 })
    await Promise.all(Array.from({ length: 20 }, () => aSealer(keyring).seal(Buffer.from('x'))))
    expect(token.logins).toBe(1)
    // One more keeps the login.
    expect(token.mostSessions).toBe(4)
    keyring.close()
    await Promise.resolve()
    expect(token.openSessions).toBe(0)
  })

  it('is logged in anew after it was restarted, with a PIN that is asked for again', async () => {
    const token = new FakeToken()
    let asked = 0
    const keyring = on(token, {
      pin: async () => {
        asked += 1
        return '1234'
      }
    })
    const sealed = await aSealer(keyring).seal(Buffer.from('x'))
    token.restart()
    expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
    expect([token.logins, asked]).toEqual([2, 2])
  })

  it.each([0x30, 0xb3, 0x101, 0x05])(
    'is asked once more after return value %i, and is a fault of the key when that fails',
    async value => {
      const token = new FakeToken()
      const keyring = on(token)
      const sealed = await aSealer(keyring).seal(Buffer.from('x'))
      token.failures.push(['C_Decrypt', value])
      expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
      // The probe that tells a bad record from a bad token fails as well.
      token.failures.push(['C_Decrypt', value], ['C_Decrypt', value], ['C_Decrypt', value])
      expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('key')
      token.failures.length = 0
      expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
    }
  )

  it.each([0x40, 0x05, 0x06])('that says return value %i of a wrong tag blames the record', async value => {
    const token = new FakeToken()
    token.wrongTag = value
    const keyring = on(token)
    const sealed = Buffer.from(await aSealer(keyring).seal(Buffer.from('x')))
    const { encryptedDataKeys } = parseHeader(sealed)
    encryptedDataKeys[0]!.wrappedKey[3]! ^= 1
    expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('record')
  })

  it.each([
    ['a wrong PIN', { pin: '9999' }],
    ['no such key', { keyLabel: 'MARKER-other' }],
    ['no such token', { tokenLabel: 'MARKER-token' }]
  ])('that cannot be used is a fault of the key: %s', async (_, options) => {
    const keyring = on(new FakeToken(), options)
    const error = await Promise.resolve(aSealer(keyring).seal(Buffer.from('x'))).catch(
      (thrown: Error) => thrown
    )
    expect(error).toMatchObject({ code: 'SEALSTREAM_KEY_UNAVAILABLE' })
    expect(String((error as Error).stack)).not.toMatch(/MARKER|9999/)
  })

  it('is found by its label', async () => {
    expect(
      await faultOf(() => aSealer(on(new FakeToken(), { tokenLabel: 'token' })).seal(Buffer.from('x')))
    ).toBe('opened')
  })

  it('says which package is missing', async () => {
    const { pkcs11js: _, ...options } = {
      pkcs11js: undefined,
      library: '/nowhere',
      pin: '1',
      keyLabel: 'k',
      namespace: 'n',
      name: 'n'
    }
    const keyring = pkcs11Keyring(options)
    await expect(Promise.resolve(aSealer(keyring).seal(Buffer.from('x')))).rejects.toThrow(/pkcs11js|pkcs11:/)
  })

  it.each([
    [{ library: '' }, 'library'],
    [{ keyLabel: '' }, 'keyLabel'],
    [{ pin: undefined }, 'pin'],
    [{ gcm: 'ecb' }, 'gcm'],
    [{ maxSessions: 0 }, 'maxSessions'],
    [{ namespace: 'aws-kms' }, 'namespace']
  ])('refuses %j by name', (options, option) => {
    expect(() => on(new FakeToken(), options as never)).toThrow(expect.objectContaining({ option }))
  })
})
