// Sealing and opening one payload with a data key at hand: what encryption costs a record.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'

const sizes = /** @type {const} */ ([
  ['150 B', 150],
  ['4 KiB', 4_096],
  ['50 KiB', 51_200]
])
const streamName = 'orders'
const context = { pipeline: 'shop' }
const wrappingKey = randomBytes(32)
/** Frame length that sealstream writes; the rival gets the same, so that neither cuts a payload up. */
const frameLength = 65_536
/** Distinct messages to open, all under one data key. */
const messageCount = 16
const baseline = 'sealstream'

/**
 * @typedef {object} Rival Something that seals and opens, at once or later.
 * @property {string} name
 * @property {(plaintext: Uint8Array) => unknown} seal
 * @property {(message: any) => unknown} open
 * @property {(opened: any) => Uint8Array} [bytesOf] the payload out of what `open` gives
 */

export async function prepare() {
  const own = sealstream()
  const esdk = await encryptionSdk()
  const rivals = [own.rival, rawGcm(), ...(esdk.rival === undefined ? [] : [esdk.rival])]
  const groups = []
  for (const [label, bytes] of sizes) {
    const payload = randomBytes(bytes)
    const sealCases = []
    const openCases = []
    for (const rival of rivals) {
      const messages = []
      for (let index = 0; index < messageCount; index += 1) messages.push(await rival.seal(payload))
      const opened = await rival.open(messages[0])
      if (!payload.equals(rival.bytesOf?.(opened) ?? opened)) {
        throw new Error(`${rival.name}: ${label} came back changed`)
      }
      sealCases.push({ name: rival.name, run: sealing(rival, payload) })
      openCases.push({ name: rival.name, run: opening(rival, messages) })
    }
    groups.push(
      { name: `seal ${label}`, unit: 'messages', baseline, cases: sealCases },
      { name: `open ${label}`, unit: 'messages', baseline, cases: openCases }
    )
  }
  return {
    groups,
    notes: [
      'node:crypto is the lower bound: one AES-256-GCM key for all, no message format, no key derivation',
      ...esdk.notes
    ],
    finish() {
      own.finish()
      esdk.finish()
    }
  }
}

/**
 * @param {Rival} rival
 * @param {Uint8Array} payload
 */
function sealing({ seal }, payload) {
  return async (/** @type {number} */ iterations) => {
    for (let done = 0; done < iterations; done += 1) {
      const sealed = seal(payload)
      // Awaiting bytes would cost a turn of the microtask queue that no caller pays.
      if (sealed instanceof Promise) await sealed
    }
  }
}

/**
 * @param {Rival} rival
 * @param {readonly unknown[]} messages
 */
function opening({ open }, messages) {
  return async (/** @type {number} */ iterations) => {
    for (let done = 0; done < iterations; done += 1) {
      const opened = open(messages[done % messages.length])
      if (opened instanceof Promise) await opened
    }
  }
}

function sealstream() {
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key: wrappingKey })
  const sealer = keyring.createSealer({ streamName, context })
  const opener = keyring.createOpener({ streamName, context })
  /** @type {Rival} */
  const rival = {
    name: baseline,
    seal: plaintext => sealer.seal(plaintext),
    open: message => opener.open(message)
  }
  return {
    rival,
    finish() {
      sealer.close()
      opener.close()
    }
  }
}

/** @returns {Rival} */
function rawGcm() {
  const key = createSecretKey(randomBytes(32))
  const iv = Buffer.alloc(12)
  let messages = 0
  return {
    name: 'node:crypto AES-256-GCM',
    seal(plaintext) {
      messages += 1
      iv.writeUInt32BE(messages, 8)
      const gcm = createCipheriv('aes-256-gcm', key, iv)
      const ciphertext = gcm.update(plaintext)
      gcm.final()
      return { ivNumber: messages, ciphertext, tag: gcm.getAuthTag() }
    },
    open({ ivNumber, ciphertext, tag }) {
      iv.writeUInt32BE(ivNumber, 8)
      const gcm = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
      gcm.setAuthTag(tag)
      const plaintext = gcm.update(ciphertext)
      gcm.final()
      return plaintext
    }
  }
}

/** The official Encryption SDK with its cache, the same suite and the same context, when it is installed. */
async function encryptionSdk() {
  /** @type {typeof import('@aws-crypto/client-node')} */
  let sdk
  try {
    sdk = await import('@aws-crypto/client-node')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    return {
      rival: undefined,
      notes: [`@aws-crypto/client-node cannot be imported${code}: NOT MEASURED, no comparison with it below`],
      finish() {}
    }
  }
  const { encrypt, decrypt } = sdk.buildClient({
    commitmentPolicy: sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    maxEncryptedDataKeys: 5
  })
  const keyring = new sdk.RawAesKeyringNode({
    keyNamespace: 'bench',
    keyName: 'key-1',
    unencryptedMasterKey: Uint8Array.from(wrappingKey),
    wrappingSuite: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    utf8Sorting: true
  })
  const manager = new sdk.NodeDefaultCryptographicMaterialsManager(keyring)
  let misses = 0
  const cached = new sdk.NodeCachingMaterialsManager({
    cache: sdk.getLocalCryptographicMaterialsCache(1_000),
    maxAge: 300_000,
    backingMaterials: /** @type {typeof manager} */ ({
      getEncryptionMaterials(request) {
        misses += 1
        return manager.getEncryptionMaterials(request)
      },
      decryptMaterials(request) {
        misses += 1
        return manager.decryptMaterials(request)
      }
    })
  })
  const suiteId = sdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
  const encryptionContext = { ...context, stream: streamName }
  /** @type {Rival} */
  const rival = {
    name: '@aws-crypto/client-node, caching',
    seal: async plaintext =>
      (await encrypt(cached, plaintext, { suiteId, encryptionContext, frameLength })).result,
    open: message => decrypt(cached, message),
    bytesOf: opened => opened.plaintext
  }
  return {
    rival,
    notes: ['@aws-crypto/client-node: same suite and frame length, caching materials manager, one at a time'],
    finish() {
      // One data key to seal and the same one to open: more would mean that its cache was not at work.
      if (misses !== 2) throw new Error(`@aws-crypto/client-node: ${misses} cache misses, expected 2`)
    }
  }
}
