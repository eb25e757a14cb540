import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto'
import { type AlgorithmSuite, ivBytes, tagBytes } from '../algorithm-suites.ts'
import { AuthenticationFailedError, MalformedMessageError } from '../errors.ts'
import type { ParsedHeader } from './header.ts'
import {
  finalFrameLabel,
  finalFrameMarker,
  finalFrameOverhead,
  frameLabel,
  regularFrameOverhead,
  singleBlockLabel
} from './identifiers.ts'

/*
 * Body of a framed message:
 *   regular frame = sequence (4) ‖ IV (12) ‖ ciphertext (exactly the frame length) ‖ tag (16)
 *   final frame   = FFFFFFFF (4) ‖ sequence (4) ‖ IV (12) ‖ length (4) ‖ ciphertext ‖ tag (16); exactly one, last
 * Sequence numbers start at 1. IV of frame n = 8 zero bytes ‖ n (4); IV 0 belongs to the header.
 * Without frames: IV (12) ‖ length (8) ‖ ciphertext ‖ tag (16), as sequence number 1.
 * AAD = message id ‖ label ‖ sequence (4) ‖ plaintext length (8)
 */
/** Of a decipher: a shorter tag must never do. A cipher makes 16 bytes unless told otherwise. */
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
export function writeHeaderTag(
  suite: AlgorithmSuite,
  out: Buffer,
  bodyEnd: number,
  contentKey: CipherKey
): void {
  const gcm = createCipheriv(suite.cipher, contentKey, headerIv)
  gcm.setAAD(out.subarray(0, bodyEnd))
  gcm.final()
  gcm.getAuthTag().copy(out, bodyEnd)
}

/**
 * `unstoredContext` is the serialised context that is bound to the message and does not stand in it.
 * @throws AuthenticationFailedError
 */
export function verifyHeaderTag(header: ParsedHeader, contentKey: CipherKey, unstoredContext: Buffer): void {
  const { suite, body, iv, tag } = header
  const gcm = createDecipheriv(suite.cipher, contentKey, iv, options)
  gcm.setAAD(unstoredContext.length === 0 ? body : Buffer.concat([body, unstoredContext]))
  gcm.setAuthTag(tag)
  finish(() => gcm.final())
}

/** Encrypts `plaintext` into `out` from `offset` on. Returns where the body ends. */
export function writeFrames(
  suite: AlgorithmSuite,
  out: Buffer,
  offset: number,
  plaintext: Uint8Array,
  frameLength: number,
  contentKey: CipherKey,
  messageId: Uint8Array
): number {
  const regular = regularFrameCount(plaintext.length, frameLength)
  let at = offset
  for (let sequence = 1; sequence <= regular + 1; sequence += 1) {
    const isFinal = sequence > regular
    const start = (sequence - 1) * frameLength
    const part = plaintext.subarray(start, isFinal ? plaintext.length : start + frameLength)
    if (isFinal) at = out.writeUInt32BE(finalFrameMarker, at)
    at = out.writeUInt32BE(sequence, at)
    const iv = out.subarray(at, at + ivBytes)
    at = out.writeUInt32BE(0, at)
    at = out.writeUInt32BE(0, at)
    at = out.writeUInt32BE(sequence, at)
    if (isFinal) at = out.writeUInt32BE(part.length, at)
    const gcm = createCipheriv(suite.cipher, contentKey, iv)
    gcm.setAAD(aadOf(messageId, isFinal ? finalFrameLabel : frameLabel, sequence, part.length))
    gcm.update(part).copy(out, at)
    gcm.final()
    at += part.length
    gcm.getAuthTag().copy(out, at)
    at += tagBytes
  }
  return at
}

interface Part {
  readonly sequence: number
  readonly label: Buffer
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

export interface OpenedBody {
  readonly plaintext: Buffer
  /** Where the body ends. */
  readonly end: number
}

/**
 * Decrypts the body. Nothing is returned before every tag fits; what was decrypted before a failure is wiped.
 * @throws MalformedMessageError for another layout
 * @throws AuthenticationFailedError
 */
export function readBody(message: Buffer, header: ParsedHeader, contentKey: CipherKey): OpenedBody {
  const { suite, messageId, bodyAt, frameLength } = header
  // The layout first: it says how many bytes there will be, and bounds them by the message itself.
  const { parts, end } =
    frameLength === undefined ? splitUnframed(message, bodyAt) : splitFrames(message, bodyAt, frameLength)
  const total = parts.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0)
  const plaintext = parts.length === 1 ? undefined : Buffer.allocUnsafe(total)
  let at = 0
  for (const { sequence, label, iv, ciphertext, tag } of parts) {
    const gcm = createDecipheriv(suite.cipher, contentKey, iv, options)
    gcm.setAAD(aadOf(messageId, label, sequence, ciphertext.length))
    gcm.setAuthTag(tag)
    const part = gcm.update(ciphertext)
    finish(() => gcm.final(), part, plaintext)
    if (plaintext === undefined) return { plaintext: part, end }
    part.copy(plaintext, at)
    at += part.length
  }
  return { plaintext: plaintext ?? nothing, end }
}

function splitFrames(message: Buffer, offset: number, frameLength: number): { parts: Part[]; end: number } {
  const parts: Part[] = []
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
    parts.push({ sequence, label: isFinal ? finalFrameLabel : frameLabel, iv, ciphertext, tag })
    if (isFinal) return { parts, end: at }
  }
}

function splitUnframed(message: Buffer, offset: number): { parts: Part[]; end: number } {
  const lengthAt = offset + ivBytes
  const ciphertextAt = lengthAt + 8
  if (ciphertextAt > message.length) throw new MalformedMessageError('body ends early', offset)
  const length = Number(message.readBigUInt64BE(lengthAt))
  const tagAt = ciphertextAt + length
  const end = tagAt + tagBytes
  if (end > message.length) throw new MalformedMessageError('body ends early', lengthAt)
  const part = {
    sequence: 1,
    label: singleBlockLabel,
    iv: message.subarray(offset, lengthAt),
    ciphertext: message.subarray(ciphertextAt, tagAt),
    tag: message.subarray(tagAt, end)
  }
  return { parts: [part], end }
}

/** One for all frames: `setAAD` takes its bytes at once. */
const aadScratch = Buffer.alloc(32 + singleBlockLabel.length + 12)

function aadOf(messageId: Uint8Array, label: Buffer, sequence: number, plaintextBytes: number): Buffer {
  aadScratch.set(messageId, 0)
  aadScratch.set(label, messageId.length)
  let at = aadScratch.writeUInt32BE(sequence, messageId.length + label.length)
  at = aadScratch.writeUInt32BE(0, at)
  at = aadScratch.writeUInt32BE(plaintextBytes, at)
  return aadScratch.subarray(0, at)
}

function finish(final: () => void, ...wipe: (Buffer | undefined)[]): void {
  try {
    final()
  } catch {
    for (const bytes of wipe) bytes?.fill(0)
    throw new AuthenticationFailedError()
  }
}
