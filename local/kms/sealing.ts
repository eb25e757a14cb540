import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { AwsError } from '../aws-json.ts'
import type { KeyMaterial } from './key.ts'

/** What a blob says about its key once its head has proved to be ours. */
export interface BlobName {
  readonly keyId: string
  /** Index of the key's material. */
  readonly version: number
}

const ivBytes = 12
const tagBytes = 16
const nameBytes = 40
const proofBytes = 16
const headBytes = 2 * nameBytes + proofBytes

/**
 * Seals bytes under a version of a key's material, bound to an encryption context. Blobs are opaque, and of the size
 * that the service's blobs have: whoever reads their layout depends on this engine.
 *
 *     blob  = head IV(12) ciphertext tag(16)
 *     head  = mask(40) name(40, XOR mask) proof(16)
 *     name  = key id(36, Latin-1) version(4, big-endian)
 *     proof = HMAC-SHA-256 of mask and name under a secret of this engine, cut to 16 bytes
 */
export class BlobSealer {
  /** Tells our blobs from altered ones before any key is looked for. */
  readonly #secret: Buffer

  constructor(secret: Buffer) {
    this.#secret = secret
  }

  seal({ keyId, version }: BlobName, material: KeyMaterial, plaintext: Uint8Array, context: Buffer): Buffer {
    const name = Buffer.alloc(nameBytes)
    name.write(keyId, 0, 'latin1')
    name.writeUInt32BE(version, 36)
    // The name stands masked, so that nobody mistakes the blob for something to parse.
    const mask = randomBytes(nameBytes)
    const masked = Buffer.concat([mask, xor(name, mask)])
    const head = Buffer.concat([masked, this.#proofOf(masked)])
    const iv = randomBytes(ivBytes)
    const gcm = createCipheriv('aes-256-gcm', material.bytes, iv)
    gcm.setAAD(Buffer.concat([head, context]))
    return Buffer.concat([head, iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()])
  }

  /** @throws AwsError InvalidCiphertextException when the blob is none of ours, or its head was altered */
  nameOf(blob: Buffer): BlobName {
    if (blob.length < headBytes + ivBytes + tagBytes) throw invalidCiphertext()
    const masked = blob.subarray(0, 2 * nameBytes)
    if (!timingSafeEqual(this.#proofOf(masked), blob.subarray(2 * nameBytes, headBytes))) {
      throw invalidCiphertext()
    }
    const name = xor(masked.subarray(nameBytes), masked.subarray(0, nameBytes))
    return { keyId: name.toString('latin1', 0, 36), version: name.readUInt32BE(36) }
  }

  /** @throws AwsError InvalidCiphertextException when blob, material and context do not belong together */
  open(blob: Buffer, material: KeyMaterial, context: Buffer): Buffer {
    const gcm = createDecipheriv('aes-256-gcm', material.bytes, blob.subarray(headBytes, headBytes + ivBytes))
    gcm.setAAD(Buffer.concat([blob.subarray(0, headBytes), context]))
    gcm.setAuthTag(blob.subarray(-tagBytes))
    try {
      return Buffer.concat([gcm.update(blob.subarray(headBytes + ivBytes, -tagBytes)), gcm.final()])
    } catch {
      throw invalidCiphertext()
    }
  }

  #proofOf(masked: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(masked).digest().subarray(0, proofBytes)
  }
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ b[at]!))
}

function invalidCiphertext(): AwsError {
  // The service answers with an empty message.
  return new AwsError('InvalidCiphertextException', '')
}
