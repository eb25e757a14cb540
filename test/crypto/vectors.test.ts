import { privateDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { RecordFaultError } from '../../core/errors.ts'
import { suites } from '../../crypto/algorithm-suites.ts'
import { decryptMessage } from '../../crypto/decrypt.ts'
import { encodeContext } from '../../crypto/encryption-context.ts'
import {
  ContextMismatchError,
  Keyring,
  multiKeyring,
  NoUsableDataKeyError,
  rawAesKeyring
} from '../../crypto/index.ts'
import { deriveKeys } from '../../crypto/key-derivation.ts'
import type { KeyRequest } from '../../crypto/keyrings/keyring.ts'
import { DataKey, type EncryptedDataKey } from '../../crypto/materials.ts'
import { readPublicKey } from '../../crypto/message-format/footer.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { publicKeyName } from '../../crypto/message-format/identifiers.ts'

interface RawKeyring {
  readonly type: 'raw-aes' | 'raw-rsa'
  readonly namespace: string
  readonly key: string
  readonly padding?: string
}

interface Vector {
  readonly id: string
  readonly message: string
  readonly keyring:
    | RawKeyring
    | { readonly type: 'multi'; readonly generator: RawKeyring; readonly children: readonly RawKeyring[] }
    | { readonly type: 'static'; readonly dataKey: string }
  readonly expect: 'ok' | 'fail'
  readonly plaintext?: { readonly file?: string; readonly base64?: string }
  readonly reproducedContext?: Record<string, string>
  readonly suite?: string
  readonly kdf?: Record<'messageId' | 'dataKey' | 'commitment', string> & { readonly contentKey?: string }
}

const folder = new URL('../vectors/esdk/', import.meta.url)
const read = (path: string): Buffer => readFileSync(new URL(path, folder))
const base64 = (text: string): Buffer => Buffer.from(text, 'base64')
const { tests, keys } = JSON.parse(read('manifest.json').toString()) as {
  tests: Vector[]
  keys: Record<string, { keyName: string; material: string }>
}

/** Raw RSA keys are for the vectors: the product has no such keyring. */
class RawRsaKeyring extends Keyring {
  readonly #vector: RawKeyring

  constructor(vector: RawKeyring) {
    super({})
    this.#vector = vector
  }

  generateDataKey(): never {
    throw new Error('reads only')
  }

  wrapDataKey(): never {
    throw new Error('reads only')
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const { namespace, key, padding } = this.#vector
    const { keyName, material } = keys[key]!
    for (const { providerId, providerInfo, wrappedKey } of encryptedDataKeys) {
      if (providerId !== namespace || providerInfo.toString('utf8') !== keyName) continue
      const plain = privateDecrypt({ key: material, oaepHash: padding!.replace('oaep-', '') }, wrappedKey)
      expect(plain).toHaveLength(request.suite.keyBytes)
      return new DataKey(plain)
    }
    throw new NoUsableDataKeyError('none for this key')
  }
}

function keyringOf(vector: RawKeyring): Keyring {
  if (vector.type === 'raw-rsa') return new RawRsaKeyring(vector)
  const { keyName, material } = keys[vector.key]!
  return rawAesKeyring({ namespace: vector.namespace, name: keyName, key: base64(material) })
}

async function open({ message: file, keyring, reproducedContext = {} }: Vector): Promise<Buffer> {
  const message = read(file)
  const header = parseHeader(message)
  const { suite, context } = header
  const pairs = Object.entries(reproducedContext)
  const differing = pairs.filter(([name, value]) => (context.get(name) ?? value) !== value)
  if (differing.length > 0) throw new ContextMismatchError(differing.map(([name]) => name))
  const unstored = Object.fromEntries(pairs.filter(([name]) => !context.has(name)))
  const request = {
    suite,
    context: { ...Object.fromEntries(context), ...unstored },
    onKeyServiceCall: () => {}
  }
  const unwrap = async (): Promise<Uint8Array> => {
    if (keyring.type === 'static') return base64(keyring.dataKey).subarray(0, suite.keyBytes)
    const opener =
      keyring.type === 'multi'
        ? multiKeyring({ generator: keyringOf(keyring.generator), children: keyring.children.map(keyringOf) })
        : keyringOf(keyring)
    return (await opener.unwrapDataKey(request, header.encryptedDataKeys)).bytes
  }
  const { signature } = suite
  return decryptMessage(message, header, {
    publicKey: signature && readPublicKey(signature, context.get(publicKeyName)!),
    dataKey: await unwrap(),
    unstoredContext: encodeContext(unstored)
  })
}

describe('the vectors', () => {
  let asExpected = 0
  afterAll(() => console.log(`${asExpected} of ${tests.length} vectors`))

  it('are all there', () => {
    expect(tests.filter(({ expect: expected }) => expected === 'ok')).toHaveLength(223)
    expect(tests.filter(({ expect: expected }) => expected === 'fail')).toHaveLength(165)
  })

  it('cover every suite', () => {
    const covered = new Set(tests.map(({ suite }) => Number.parseInt(suite ?? '0', 16)))
    for (const id of suites.keys()) expect(covered).toContain(id)
    expect(suites.size).toBe(11)
  })

  it.each(tests.filter(({ expect: expected }) => expected === 'ok'))('opens $id', async vector => {
    const { file, base64: text } = vector.plaintext!
    const expected = file === undefined ? base64(text!) : read(file)
    expect((await open(vector)).equals(expected)).toBe(true)
    asExpected += 1
  })

  it.each(tests.filter(({ expect: expected }) => expected === 'fail'))('refuses $id', async vector => {
    await expect(open(vector)).rejects.toThrow(RecordFaultError)
    asExpected += 1
  })
})

describe('the key derivation', () => {
  const known = tests.filter(({ kdf, expect: expected }) => kdf !== undefined && expected === 'ok')

  it.each(known)('has the known answers of $id', ({ kdf, suite }) => {
    const { messageId, dataKey, contentKey, commitment } = kdf!
    const derived = deriveKeys(suites.get(Number.parseInt(suite!, 16))!, base64(dataKey), base64(messageId))
    if (contentKey !== undefined) expect(derived.contentKey.toString('base64')).toBe(contentKey)
    expect(Buffer.from(derived.commitment!.slice(0, 32), 'latin1').toString('base64')).toBe(commitment)
  })
})
