import { randomFillSync } from 'node:crypto'
import { commitmentBytes, messageIdBytes, tagBytes } from './algorithm-suites.ts'
import { deriveKeys } from './key-derivation.ts'
import type { EncryptionMaterials } from './materials.ts'
import { maxFooterBytes, writeFooter } from './message-format/footer.ts'
import { bodyLength, writeFrames, writeHeaderTag } from './message-format/frames.ts'
import { type HeaderTemplate, headerTemplate } from './message-format/header.ts'
import { defaultFrameLength } from './message-format/identifiers.ts'
import { secretKey } from './secret-key.ts'

/**
 * Writes messages with one data key. The header but for message id, commitment and tag is made once; each
 * message has a content key of its own, derived from a fresh random message id.
 */
export class MessageWriter {
  readonly #materials: EncryptionMaterials
  readonly #template: HeaderTemplate
  readonly #frameLength: number
  readonly #footerBytes: number

  constructor(materials: EncryptionMaterials, frameLength: number = defaultFrameLength) {
    const { suite, context, encryptedDataKeys, signingKey } = materials
    this.#materials = materials
    this.#frameLength = frameLength
    this.#footerBytes = signingKey === undefined ? 0 : maxFooterBytes(signingKey.algorithm)
    this.#template = headerTemplate(suite, context, encryptedDataKeys, frameLength)
  }

  /** Bytes that sealing adds to a plaintext of this size; a signature may take a few bytes less. */
  overheadBytes(plaintextBytes: number): number {
    const headerBytes = this.#template.body.length + tagBytes
    return headerBytes + bodyLength(plaintextBytes, this.#frameLength) - plaintextBytes + this.#footerBytes
  }

  encrypt(plaintext: Uint8Array): Buffer {
    const { body, messageIdAt, commitmentAt } = this.#template
    const { suite, dataKey, signingKey } = this.#materials
    const out = Buffer.allocUnsafe(plaintext.length + this.overheadBytes(plaintext.length))
    out.set(body, 0)
    const messageId = out.subarray(messageIdAt, messageIdAt + messageIdBytes(suite))
    takeRandom(messageId)
    const { contentKey, commitment } = deriveKeys(suite, dataKey.bytes, messageId)
    out.write(commitment!, commitmentAt, commitmentBytes, 'latin1')
    const key = secretKey(contentKey)
    writeHeaderTag(suite, out, body.length, key)
    const bodyAt = body.length + tagBytes
    const end = writeFrames(suite, out, bodyAt, plaintext, this.#frameLength, key, messageId)
    contentKey.fill(0)
    return signingKey === undefined ? out : out.subarray(0, writeFooter(out, end, signingKey))
  }
}

// One call to the random source for many ids is ten times cheaper than a call for each. What was taken is
// wiped, so that no id can come twice from this pool.
const pool = Buffer.allocUnsafeSlow(128 * 32)
let taken = pool.length

function takeRandom(target: Buffer): void {
  if (taken + target.length > pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  const end = taken + target.length
  pool.copy(target, 0, taken, end)
  pool.fill(0, taken, end)
  taken = end
}
