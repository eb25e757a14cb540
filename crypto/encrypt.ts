import { randomFillSync } from 'node:crypto'
import { messageIdBytes, tagBytes } from './algorithm-suites.ts'
import { deriveKeys } from './key-derivation.ts'
import type { EncryptionMaterials } from './materials.ts'
import { bodyLength, writeFrames, writeHeaderTag } from './message-format/frames.ts'
import { type HeaderTemplate, headerTemplate } from './message-format/header.ts'
import { defaultFrameLength } from './message-format/identifiers.ts'

/**
 * Writes messages with one data key. The header but for message id, commitment and tag is made once; each
 * message has a content key of its own, derived from a fresh random message id.
 */
export class MessageWriter {
  readonly #materials: EncryptionMaterials
  readonly #template: HeaderTemplate
  readonly #frameLength: number

  constructor(materials: EncryptionMaterials, frameLength: number = defaultFrameLength) {
    this.#materials = materials
    this.#frameLength = frameLength
    this.#template = headerTemplate(
      materials.suite,
      materials.context,
      materials.encryptedDataKeys,
      frameLength
    )
  }

  /** Bytes that sealing adds to a plaintext of this size. */
  overheadBytes(plaintextBytes: number): number {
    return (
      this.#template.body.length + tagBytes + bodyLength(plaintextBytes, this.#frameLength) - plaintextBytes
    )
  }

  encrypt(plaintext: Uint8Array): Buffer {
    const { body, messageIdAt, commitmentAt } = this.#template
    const out = Buffer.allocUnsafe(plaintext.length + this.overheadBytes(plaintext.length))
    out.set(body, 0)
    const messageId = out.subarray(messageIdAt, messageIdAt + messageIdBytes)
    takeRandom(messageId)
    const { contentKey, commitment } = deriveKeys(this.#materials.dataKey.bytes, messageId)
    out.set(commitment, commitmentAt)
    writeHeaderTag(out, body.length, contentKey)
    writeFrames(out, body.length + tagBytes, plaintext, this.#frameLength, contentKey, messageId)
    contentKey.fill(0)
    return out
  }
}

// One call to the random source for many ids is ten times cheaper than a call for each. What was taken is
// wiped, so that no id can come twice from this pool.
const pool = Buffer.allocUnsafeSlow(128 * messageIdBytes)
let taken = pool.length

function takeRandom(target: Uint8Array): void {
  if (taken + target.length > pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  const end = taken + target.length
  target.set(pool.subarray(taken, end))
  pool.fill(0, taken, end)
  taken = end
}
