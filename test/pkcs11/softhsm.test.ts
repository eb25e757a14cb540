import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { type Pkcs11KeyringOptions, pkcs11Keyring } from '../../crypto/index.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { anOpener, aSealer, faultOf } from '../crypto/messages.ts'

// Set by `npm run test:pkcs11`, which makes a token first.
const library = process.env.SEALSTREAM_PKCS11_LIBRARY

function aTokenKeyring(options: Partial<Pkcs11KeyringOptions> = {}) {
  return pkcs11Keyring({
    library: library!,
    pkcs11js: createRequire(import.meta.url)('pkcs11js'),
    tokenLabel: 'sealstream',
    pin: '1234',
    keyLabel: 'wrapping',
    namespace: 'hsm',
    name: 'key-1',
    ...options
  })
}

describe.skipIf(library === undefined)('a key on SoftHSM2 (npm run test:pkcs11)', () => {
  it('wraps and unwraps data keys, many at a time', async () => {
    const keyring = aTokenKeyring()
    const messages = await Promise.all(
      Array.from({ length: 50 }, (_, index) => aSealer(keyring).seal(Buffer.from(`payload ${index}`)))
    )
    const opener = anOpener(aTokenKeyring())
    for (const [index, message] of messages.entries()) {
      expect(Buffer.from(await opener.open(message)).toString()).toBe(`payload ${index}`)
    }
    expect(opener.keyStats.serviceCalls).toBe(50)
    keyring.close()
  })

  it('blames the record for a wrapped key that was altered, or bound to another context', async () => {
    const keyring = aTokenKeyring()
    const sealed = Buffer.from(await aSealer(keyring).seal(Buffer.from('x')))
    const altered = Buffer.from(sealed)
    parseHeader(altered).encryptedDataKeys[0]!.wrappedKey[0]! ^= 1
    expect(await faultOf(() => anOpener(keyring).open(altered))).toBe('record')
    const moved = Buffer.from(sealed)
    moved.write('shoq', moved.indexOf('shop'))
    const opener = keyring.createOpener({ streamName: 'orders', context: { pipeline: 'shoq' } })
    expect(await faultOf(() => opener.open(moved))).toBe('record')
    expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
    keyring.close()
  })

  it('goes on after its sessions were closed behind its back', async () => {
    const keyring = aTokenKeyring()
    const sealed = await aSealer(keyring).seal(Buffer.from('x'))
    const { PKCS11 } = createRequire(import.meta.url)('pkcs11js')
    const pkcs11 = new PKCS11()
    pkcs11.load(library)
    for (const slot of pkcs11.C_GetSlotList(true)) pkcs11.C_CloseAllSessions(slot)
    expect(await faultOf(() => anOpener(keyring).open(sealed))).toBe('opened')
    keyring.close()
  })

  it('is a fault of the key when the label or the PIN is wrong', async () => {
    for (const options of [{ keyLabel: 'other' }, { tokenLabel: 'other' }]) {
      expect(await faultOf(() => aSealer(aTokenKeyring(options)).seal(Buffer.from('x')))).toBe('key')
    }
  })
})
