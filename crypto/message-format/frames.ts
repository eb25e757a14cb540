import { createCipheriv, createDecipheriv } from 'node:crypto'
import { ivBytes, tagBytes } from '../algorithm-suites.ts'
import { AuthenticationFailedError, MalformedMessageError } from '../errors.ts'
import {
  finalFrameLabel,
  finalFrameMarker,
  finalFrameOverhead,
  frameLabel,
  regularFrameOverhead
} from './identifiers.ts'

/*
 * Body of a framed message:
 *   regular frame = sequence (4) ‖ IV (12) ‖ ciphertext (exactly the frame length) ‖ tag (16)
 *   final frame   = FFFFFFFF (4) ‖ sequence (4) ‖ IV (12) ‖ length (4) ‖ ciphertext ‖ tag (16); exactly one, last
 * Sequence numbers start at 1. IV of frame n = 8 zero bytes ‖ n (4); IV 0 belongs to the header.
 * AAD of a frame = message id ‖ label ‖ sequence (4) ‖ plaintext length (8)
 */
const cipher = 'aes-256-gcm'
const options = { authTagLength: tagBytes }
/** The header's tag is made with an IV of zeros. */
const headerIv = Buffer.alloc(ivBytes)
const nothing = Buffer.alloc(0)

/** Bytes of the body of a message with this plaintext. */
export function bodyLength(plaintextBytes: number, frameLength: number): number {
  return (
    plaintextBytes +
    regularFrameCount(plaintextBytes, frameLength) * regularFrameOverhead +
    finalFrameOverhead
  )
}

/** A plaintext that fills its last frame exactly ends with a full final frame. */
function regularFrameCount(plaintextBytes: number, frameLength: number): number {
  return plaintextBytes === 0 ? 0 : Math.ceil(plaintextBytes / frameLength) - 1
}

/** Writes the header's tag behind the header body. */
export function writeHeaderTag(out: Buffer, bodyEnd: number, contentKey: Buffer): void {
  const gcm = createCipheriv(cipher, contentKey, headerIv, options)
  gcm.setAAD(out.subarray(0, bodyEnd))
  gcm.final()
  gcm.getAuthTag().copy(out, bodyEnd)
}

/** @throws AuthenticationFailedError */
export function verifyHeaderTag(body: Buffer, tag: Buffer, contentKey: Buffer): void {
  const gcm = createDecipheriv(cipher, contentKey, headerIv, options)
  gcm.setAAD(body)
  gcm.setAuthTag(tag)
  finish(() => gcm.final())
}

/** Encrypts `plaintext` into `out` from `offset` on. */
export function writeFrames(
  out: Buffer,
  offset: number,
  plaintext: Uint8Array,
  frameLength: number,
  contentKey: Buffer,
  messageId: Uint8Array
): void {
  const aad = new FrameAad(messageId)
  const regular = regularFrameCount(plaintext.length, frameLength)
  let at = offset
  for (let sequence = 1; sequence <= regular + 1; sequence += 1) {
    const isFinal = sequence > regular
    const start = (sequence - 1) * frameLength
    const part = plaintext.subarray(start, isFinal ? plaintext.length : start + frameLength)
    if (isFinal) at = out.writeUInt32BE(finalFrameMarker, at)
    at = out.writeUInt32BE(sequence, at)
    const iv = out.subarray(at, at + ivBytes)
    iv.fill(0, 0, 8)
    iv.writeUInt32BE(sequence, 8)
    at += ivBytes
    if (isFinal) at = out.writeUInt32BE(part.length, at)
    const gcm = createCipheriv(cipher, contentKey, iv, options)
    gcm.setAAD(aad.of(sequence, part.length, isFinal))
    gcm.update(part).copy(out, at)
    gcm.final()
    at += part.length
    gcm.getAuthTag().copy(out, at)
    at += tagBytes
  }
}

interface FrameView {
  readonly sequence: number
  readonly isFinal: boolean
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

/**
 * Decrypts the body from `offset` to the end of the message. Nothing is returned before every tag fits; what
 * was decrypted before a failure is wiped.
 * @throws MalformedMessageError for another layout, bytes behind the final frame included
 * @throws AuthenticationFailedError
 */
export function readFrames(
  message: Buffer,
  offset: number,
  frameLength: number,
  contentKey: Buffer,
  messageId: Uint8Array
): Buffer {
  // The layout first: it says how many bytes there will be, and bounds them by the message itself.
  const frames = splitFrames(message, offset, frameLength)
  const aad = new FrameAad(messageId)
  const total = frames.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0)
  const plaintext = frames.length === 1 ? undefined : Buffer.allocUnsafe(total)
  let at = 0
  for (const { sequence, isFinal, iv, ciphertext, tag } of frames) {
    const gcm = createDecipheriv(cipher, contentKey, iv, options)
    gcm.setAAD(aad.of(sequence, ciphertext.length, isFinal))
    gcm.setAuthTag(tag)
    const part = gcm.update(ciphertext)
    finish(() => gcm.final(), part, plaintext)
    if (plaintext === undefined) return part
    part.copy(plaintext, at)
    at += part.length
  }
  return plaintext ?? nothing
}

function splitFrames(message: Buffer, offset: number, frameLength: number): FrameView[] {
  const frames: FrameView[] = []
  let at = offset
  const need = (length: number): number => {
    if (at + length > message.length) throw new MalformedMessageError('body ends early', at)
    at += length
    return at - length
  }
  for (let sequence = 1; ; sequence += 1) {
    const first = message.readUInt32BE(need(4))
    const isFinal = first === finalFrameMarker
    const found = isFinal ? message.readUInt32BE(need(4)) : first
    if (found !== sequence)
      throw new MalformedMessageError(`frame ${found} where ${sequence} was expected`, at - 4)
    const iv = message.subarray(need(ivBytes), at)
    const length = isFinal ? message.readUInt32BE(need(4)) : frameLength
    if (length > frameLength)
      throw new MalformedMessageError('final frame longer than the frame length', at - 4)
    const ciphertext = message.subarray(need(length), at)
    const tag = message.subarray(need(tagBytes), at)
    frames.push({ sequence, isFinal, iv, ciphertext, tag })
    if (!isFinal) continue
    if (at !== message.length) throw new MalformedMessageError('bytes behind the message', at)
    return frames
  }
}

/** One buffer for the additional authenticated data of all frames of a message. */
class FrameAad {
  readonly #messageId: Uint8Array

  constructor(messageId: Uint8Array) {
    this.#messageId = messageId
  }

  of(sequence: number, plaintextBytes: number, isFinal: boolean): Buffer {
    const label = isFinal ? finalFrameLabel : frameLabel
    const aad = Buffer.allocUnsafe(this.#messageId.length + label.length + 12)
    aad.set(this.#messageId, 0)
    let at = this.#messageId.length
    aad.set(label, at)
    at = aad.writeUInt32BE(sequence, at + label.length)
    at = aad.writeUInt32BE(0, at)
    aad.writeUInt32BE(plaintextBytes, at)
    return aad
  }
}

function finish(final: () => void, ...wipe: (Buffer | undefined)[]): void {
  try {
    final()
  } catch {
    for (const bytes of wipe) bytes?.fill(0)
    throw new AuthenticationFailedError()
  }
}
