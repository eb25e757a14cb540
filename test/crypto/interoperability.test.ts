import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier
} from '@aws-crypto/client-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlgorithmSuite, suites } from '../../crypto/algorithm-suites.ts'
import { decryptMessage } from '../../crypto/decrypt.ts'
import { MessageWriter } from '../../crypto/encrypt.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { generateSigningKey, readPublicKey } from '../../crypto/message-format/footer.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { publicKeyName } from '../../crypto/message-format/identifiers.ts'
import { seeds } from '../helpers/seeds.ts'
import { aKeyring, aSealer, wrappingKey } from './messages.ts'

const committing = buildClient({
  commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  maxEncryptedDataKeys: false
})
const uncommitting = buildClient({
  commitmentPolicy: CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT,
  maxEncryptedDataKeys: false
})
const officialKeyring = new RawAesKeyringNode({
  keyNamespace: 'test',
  keyName: 'key-1',
  unencryptedMasterKey: Uint8Array.from(wrappingKey),
  wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  // Without it the oracle orders a context by locale, unlike every other implementation.
  utf8Sorting: true
})

/** Log-uniform sizes: as many between 10 and 100 bytes as between 100 KB and 1 MB. */
const size = fc.double({ min: 0, max: Math.log2(2 * 1024 * 1024), noNaN: true }).map(power => {
  const bytes = Math.floor(2 ** power)
  return bytes === 1 ? 0 : bytes
})
const context = fc.dictionary(
  fc
    .oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
      // The same letters in both cases, and where UTF-16 and UTF-8 differ in their order.
      fc.constantFrom('stream', 'Stream', 'STREAM', '\uFF61', '\u{10000}', 'é', 'z')
    )
    .filter(name => !name.startsWith('aws-crypto-')),
  // The oracle refuses empty values.
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  { maxKeys: 5, noNullPrototype: true }
)
const messages = (ids: readonly number[]) =>
  fc
    .record({ bytes: size, frames: fc.integer({ min: 1, max: 40 }), context, id: fc.constantFrom(...ids) })
    .map(({ bytes, frames, context: pairs, id }) => ({
      plaintext: Buffer.alloc(bytes, 'payload '),
      // Every frame costs the oracle some plumbing.
      frameLength: Math.max(1, Math.ceil(bytes / frames)),
      context: pairs,
      suite: suites.get(id)!
    }))

async function seal(
  suite: AlgorithmSuite,
  plaintext: Buffer,
  pairs: Record<string, string>,
  frameLength: number
): Promise<{ sealed: Buffer; bound: number }> {
  const signingKey = suite.signature && generateSigningKey(suite.signature)
  const stored = signingKey ? { ...pairs, [publicKeyName]: signingKey.publicKeyText } : pairs
  const request = { suite, context: stored, onKeyServiceCall: () => {} }
  const generated = await aKeyring().generateDataKey(request)
  const writer = new MessageWriter({ suite, context: stored, signingKey, ...generated }, frameLength)
  return {
    sealed: writer.encrypt(plaintext),
    bound: plaintext.length + writer.overheadBytes(plaintext.length)
  }
}

async function open(message: Buffer): Promise<{ plaintext: Buffer; context: Record<string, string> }> {
  const header = parseHeader(message)
  const { signature } = header.suite
  const pairs = Object.fromEntries(header.context)
  const request = { suite: header.suite, context: pairs, onKeyServiceCall: () => {} }
  const dataKey = await aKeyring().unwrapDataKey(request, header.encryptedDataKeys)
  const plaintext = decryptMessage(message, header, {
    dataKey: dataKey.bytes,
    publicKey: signature && readPublicKey(signature, pairs[publicKeyName]!),
    unstoredContext: Buffer.alloc(0)
  })
  delete pairs[publicKeyName]
  return { plaintext, context: pairs }
}

describe('the official Encryption SDK', () => {
  it('reads what is written here', async () => {
    await fc.assert(
      fc.asyncProperty(
        messages([0x0478, 0x0578]),
        async ({ plaintext, frameLength, context: pairs, suite }) => {
          const { sealed, bound } = await seal(suite, plaintext, pairs, frameLength)
          if (suite.signature === undefined) expect(sealed.length).toBe(bound)
          else expect(bound - sealed.length).toSatisfy((spare: number) => spare >= 0 && spare <= 8)
          const { plaintext: opened, messageHeader } = await committing.decrypt(officialKeyring, sealed)
          expect(opened.equals(plaintext)).toBe(true)
          const { [publicKeyName]: _, ...stored } = messageHeader.encryptionContext
          expect(stored).toEqual(pairs)
        }
      ),
      { numRuns: seeds(150) }
    )
  }, 600_000)

  it('writes what is read here, in every suite', async () => {
    await fc.assert(
      fc.asyncProperty(
        messages([...suites.keys()]),
        async ({ plaintext, frameLength, context: pairs, suite }) => {
          const { encrypt } = suite.committing ? committing : uncommitting
          const { result } = await encrypt(officialKeyring, plaintext, {
            suiteId: suite.id as AlgorithmSuiteIdentifier,
            encryptionContext: pairs,
            frameLength
          })
          const opened = await open(result)
          expect(opened.plaintext.equals(plaintext)).toBe(true)
          expect(opened.context).toEqual(pairs)
        }
      ),
      { numRuns: seeds(150) }
    )
  }, 600_000)

  it('reads records as the producer seals them', async () => {
    for (const algorithmSuite of ['0x0478', '0x0578'] as const) {
      const keyring = rawAesKeyring({ namespace: 'test', name: 'key-1', key: wrappingKey, algorithmSuite })
      const sealed = await aSealer(keyring).seal(Buffer.from('payload'))
      const { plaintext, messageHeader } = await committing.decrypt(officialKeyring, sealed)
      expect(plaintext.toString()).toBe('payload')
      expect(messageHeader.suiteId).toBe(
        algorithmSuite === '0x0478'
          ? AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
          : AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384
      )
      expect(messageHeader.encryptionContext).toMatchObject({ pipeline: 'shop', stream: 'orders' })
    }
  })
})
