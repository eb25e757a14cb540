import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier
} from '@aws-crypto/client-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { committingSuite } from '../../crypto/algorithm-suites.ts'
import { decryptMessage } from '../../crypto/decrypt.ts'
import { MessageWriter } from '../../crypto/encrypt.ts'
import { parseHeader } from '../../crypto/message-format/header.ts'
import { seeds } from '../helpers/seeds.ts'
import { aKeyring, aSealer, wrappingKey } from './messages.ts'

const official = buildClient({
  commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
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

const messages = fc.record({
  plaintext: fc.uint8Array({ maxLength: 3_000 }).map(bytes => Buffer.from(bytes)),
  frameLength: fc.integer({ min: 1, max: 4_096 }),
  context: fc.dictionary(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter(name => !name.startsWith('aws-crypto-')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    { maxKeys: 5, noNullPrototype: true }
  )
})

describe('the official Encryption SDK', () => {
  it('reads what is written here', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async ({ plaintext, frameLength, context }) => {
        const request = { suite: committingSuite, context, onKeyServiceCall: () => {} }
        const { dataKey, encryptedDataKeys } = await aKeyring().generateDataKey(request)
        const writer = new MessageWriter(
          { suite: committingSuite, context, dataKey, encryptedDataKeys },
          frameLength
        )
        // Every frame costs the oracle some plumbing.
        fc.pre(plaintext.length / frameLength < 200)
        const sealed = writer.encrypt(plaintext)
        expect(sealed.length).toBe(plaintext.length + writer.overheadBytes(plaintext.length))
        const opened = await official.decrypt(officialKeyring, sealed)
        expect(opened.plaintext.equals(plaintext)).toBe(true)
        expect({ ...opened.messageHeader.encryptionContext }).toEqual(context)
      }),
      { numRuns: seeds(60) }
    )
  })

  it('writes what is read here', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async ({ plaintext, frameLength, context }) => {
        fc.pre(plaintext.length / frameLength < 200)
        const { result } = await official.encrypt(officialKeyring, plaintext, {
          suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
          encryptionContext: context,
          frameLength
        })
        const header = parseHeader(result)
        expect(Object.fromEntries(header.context)).toEqual(context)
        const request = { suite: committingSuite, context, onKeyServiceCall: () => {} }
        const dataKey = await aKeyring().unwrapDataKey(request, header.encryptedDataKeys)
        expect(decryptMessage(result, header, dataKey.bytes).equals(plaintext)).toBe(true)
      }),
      { numRuns: seeds(60) }
    )
  })

  it('reads records as the producer seals them', async () => {
    const sealed = await aSealer().seal(Buffer.from('payload'))
    const opened = await official.decrypt(officialKeyring, sealed)
    expect(opened.plaintext.toString()).toBe('payload')
    expect({ ...opened.messageHeader.encryptionContext }).toEqual({ pipeline: 'shop', stream: 'orders' })
  })
})
