// Sealing and opening with a data key at hand: what encryption costs a record.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { rawAesKeyring } from 'sealstream/crypto'

const suites = /** @type {const} */ (['0x0478', '0x0578'])
const recordSizes = [100, 1_024, 10_240, 1_048_576]
const recordsPerAggregate = 100
/** A Kinesis record is at most 10 MiB. */
const maxAggregateBytes = 10 * 1_048_576
const streamName = 'orders'
const context = { pipeline: 'shop' }
const wrappingKey = randomBytes(32)
/** Frame length that sealstream writes; the rival gets the same, so that neither cuts a payload up. */
const frameLength = 65_536
/** Distinct messages to open, all under one data key. */
const messageCount = 16

/**
 * @typedef {object} Rival Something that seals and opens, at once or later.
 * @property {string} name
 * @property {(plaintext: Uint8Array) => unknown} seal
 * @property {(message: any) => unknown} open
 * @property {(opened: any) => Uint8Array} [bytesOf] the payload out of what `open` gives
 * @property {() => void} finish
 *
 * @typedef {{ readonly op: 'seal' | 'open', readonly mode: 'record' | 'aggregate', readonly suite: string, readonly bytes: number }} Row
 */

export async function prepare() {
  const notes = [
    'official: @aws-crypto/client-node, caching materials manager, one message per record, one at a time',
    'floor: one AES-256-GCM call per record by node:crypto, random IV, one key, no message format, no key derivation',
    `aggregate: one message for ${recordsPerAggregate} records; the aggregation itself is not counted`
  ]
  const rivals = []
  const groups = []
  for (const suite of suites) {
    const ours = sealstream(suite)
    const official = await encryptionSdk(suite)
    const floor = rawGcm()
    rivals.push(ours, floor, ...(official === undefined ? [] : [official]))
    const others = official === undefined ? [floor] : [official, floor]
    for (const bytes of recordSizes) {
      for (const [mode, units] of /** @type {const} */ ([
        ['record', 1],
        ['aggregate', recordsPerAggregate]
      ])) {
        if (bytes * units > maxAggregateBytes) continue
        for (const op of /** @type {const} */ (['seal', 'open'])) {
          groups.push(async () => {
            const record = randomBytes(bytes)
            const cases = [await caseOf(ours, op, units === 1 ? record : randomBytes(bytes * units), units)]
            for (const other of others) cases.push(await caseOf(other, op, record, 1))
            const name = `${op} ${bytes} B, mode ${mode}, suite ${suite}`
            return { name, unit: 'records', baseline: ours.name, cases, row: { op, mode, suite, bytes } }
          })
        }
      }
    }
    if (official === undefined) notes.push('@aws-crypto/client-node is not installed: NOT MEASURED')
  }
  return {
    groups,
    notes,
    rowOf,
    finish() {
      for (const { finish } of rivals) finish()
    }
  }
}

/**
 * @param {import('./measure.js').BenchGroup} group
 * @param {import('./measure.js').GroupResult} result
 */
function rowOf({ row }, { cases }) {
  const of = (/** @type {string} */ name) => cases.find(result => result.name === name)
  const rate = (/** @type {string} */ name) => Math.round(of(name)?.opsPerSecond.median ?? 0) || null
  const ratio = (/** @type {string} */ name) => {
    const found = of(name)
    return found === undefined ? null : Number((1 / found.ratio.median).toFixed(3))
  }
  return {
    ...row,
    ours: rate('ours'),
    official: rate('official'),
    floor: rate('floor'),
    ratioOfficial: ratio('official'),
    ratioFloor: ratio('floor')
  }
}

/**
 * @param {Rival} rival
 * @param {'seal' | 'open'} op
 * @param {Buffer} payload
 * @param {number} units records that the payload stands for
 */
async function caseOf(rival, op, payload, units) {
  const messages = []
  for (let index = 0; index < messageCount; index += 1) messages.push(await rival.seal(payload))
  const opened = await rival.open(messages[0])
  if (!payload.equals(rival.bytesOf?.(opened) ?? opened)) throw new Error(`${rival.name}: came back changed`)
  return { name: rival.name, units, run: op === 'seal' ? sealing(rival, payload) : opening(rival, messages) }
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

/**
 * @param {'0x0478' | '0x0578'} algorithmSuite
 * @returns {Rival}
 */
function sealstream(algorithmSuite) {
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key: wrappingKey, algorithmSuite })
  const sealer = keyring.createSealer({ streamName, context })
  const opener = keyring.createOpener({ streamName, context })
  return {
    name: 'ours',
    seal: plaintext => sealer.seal(plaintext),
    open: message => opener.open(message),
    finish() {
      sealer.close()
      opener.close()
    }
  }
}

/** @returns {Rival} */
function rawGcm() {
  const key = randomBytes(32)
  return {
    name: 'floor',
    seal(plaintext) {
      const iv = randomBytes(12)
      const gcm = createCipheriv('aes-256-gcm', key, iv)
      const ciphertext = gcm.update(plaintext)
      gcm.final()
      return { iv, ciphertext, tag: gcm.getAuthTag() }
    },
    open({ iv, ciphertext, tag }) {
      const gcm = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
      gcm.setAuthTag(tag)
      const plaintext = gcm.update(ciphertext)
      gcm.final()
      return plaintext
    },
    finish() {}
  }
}

/**
 * The official Encryption SDK with its cache, the same suite and the same context, when it is installed.
 * @param {'0x0478' | '0x0578'} suite
 * @returns {Promise<Rival | undefined>}
 */
async function encryptionSdk(suite) {
  const sdk = await import('@aws-crypto/client-node').catch(() => undefined)
  if (sdk === undefined) return undefined
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
  const suiteId =
    suite === '0x0478'
      ? sdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
      : sdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384
  const encryptionContext = { ...context, stream: streamName }
  return {
    name: 'official',
    seal: async plaintext =>
      (await encrypt(cached, plaintext, { suiteId, encryptionContext, frameLength })).result,
    open: message => decrypt(cached, message),
    bytesOf: opened => opened.plaintext,
    finish() {
      // One data key to seal and the same one to open: more would mean that its cache was not at work.
      if (misses !== 2) throw new Error(`@aws-crypto/client-node: ${misses} cache misses, expected 2`)
    }
  }
}
