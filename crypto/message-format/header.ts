import type { EncryptionContext } from '../../core/record-transform.ts'
import {
  type AlgorithmSuite,
  commitmentBytes,
  ivBytes,
  messageIdBytes,
  suites,
  tagBytes
} from '../algorithm-suites.ts'
import { decodeContext, encodeContext } from '../encryption-context.ts'
import { MalformedMessageError } from '../errors.ts'
import type { EncryptedDataKey } from '../materials.ts'
import { uint16 } from '../uint16.ts'
import {
  contentTypeFramed,
  contentTypeUnframed,
  defaultMaxEncryptedDataKeys,
  maxMessageBytes,
  publicKeyName,
  version1Type
} from './identifiers.ts'

/*
 * Header; integers are unsigned and big-endian:
 *   version (1) = 02 ‖ suite id (2) ‖ message id (32)                    -- version 2
 *   version (1) = 01 ‖ type (1) = 80 ‖ suite id (2) ‖ message id (16)    -- version 1, read only
 *   ‖ context length (2) ‖ context ‖ EDK count (2)
 *   ‖ count × [ provider id, provider info, wrapped key; each length (2) ‖ bytes ]
 *   ‖ content type (1)
 *   ‖ frame length (4) ‖ commitment (32)                                 -- version 2
 *   ‖ reserved (4) = 0 ‖ IV length (1) = 0C ‖ frame length (4)           -- version 1
 * and the header authentication:
 *   tag (16), made with an IV of zeros                                   -- version 2
 *   IV (12) ‖ tag (16)                                                   -- version 1
 */
const zeroIv = Buffer.alloc(ivBytes)

/** A header body with blanks for message id and commitment, which are all that differs between two messages. */
export interface HeaderTemplate {
  readonly body: Buffer
  readonly messageIdAt: number
  readonly commitmentAt: number
}

/** For version 2, which alone is written. */
export function headerTemplate(
  suite: AlgorithmSuite,
  context: EncryptionContext,
  encryptedDataKeys: readonly EncryptedDataKey[],
  frameLength: number
): HeaderTemplate {
  const contextBytes = encodeContext(context)
  const start = Buffer.concat([Buffer.from([suite.messageVersion]), uint16(suite.id)])
  const parts: Buffer[] = [start, Buffer.alloc(messageIdBytes(suite))]
  parts.push(uint16(contextBytes.length), contextBytes, uint16(encryptedDataKeys.length))
  for (const { providerId, providerInfo, wrappedKey } of encryptedDataKeys) {
    for (const field of [Buffer.from(providerId), providerInfo, wrappedKey])
      parts.push(uint16(field.length), field)
  }
  const tail = Buffer.alloc(5 + commitmentBytes)
  tail[0] = contentTypeFramed
  tail.writeUInt32BE(frameLength, 1)
  parts.push(tail)
  const body = Buffer.concat(parts)
  return { body, messageIdAt: start.length, commitmentAt: body.length - commitmentBytes }
}

export interface ParsedHeader {
  readonly suite: AlgorithmSuite
  readonly messageId: Buffer
  readonly context: ReadonlyMap<string, string>
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
  /** Undefined for one ciphertext without frames. */
  readonly frameLength: number | undefined
  /** Undefined for a suite without commitment. */
  readonly commitment: Buffer | undefined
  /** Header body: what the header tag authenticates. */
  readonly body: Buffer
  readonly iv: Buffer
  readonly tag: Buffer
  /** Where the message body begins. */
  readonly bodyAt: number
  /**
   * Context and encrypted data keys exactly as they stand in the message. Equal bytes mean equal keys, which
   * makes them the key of the decrypt cache: stricter than any sorted form.
   */
  readonly materialBytes: Buffer
}

/** Whether the bytes begin like a message of the AWS Encryption SDK. */
export function looksSealed(data: Uint8Array): boolean {
  if (data.length < 4) return false
  return data[0] === 2
    ? (data[1] === 4 || data[1] === 5) && data[2] === 0x78
    : data[0] === 1 && data[1] === version1Type && suites.has((data[2]! << 8) | data[3]!)
}

/**
 * Reads a header. Every length is checked against the message before anything is taken, and the number of
 * encrypted data keys before anybody could be asked about them. Verifies nothing: the caller does.
 * @throws MalformedMessageError
 */
export function parseHeader(
  message: Buffer,
  maxEncryptedDataKeys: number = defaultMaxEncryptedDataKeys
): ParsedHeader {
  if (message.length > maxMessageBytes) throw new MalformedMessageError('larger than any record', 0)
  let at = 0
  const need = (length: number): number => {
    if (at + length > message.length) throw new MalformedMessageError('header ends early', at)
    at += length
    return at - length
  }
  const take = (length: number): Buffer => {
    const start = need(length)
    return message.subarray(start, at)
  }
  const field = (): Buffer => take(message.readUInt16BE(need(2)))
  const refuse = (reason: string, where: number): never => {
    throw new MalformedMessageError(reason, where)
  }

  const version = message[need(1)]!
  if (version !== 1 && version !== 2) refuse(`version ${version}; 1 and 2 are read`, 0)
  if (version === 1 && message[need(1)] !== version1Type) refuse('unknown type', 1)
  const suiteId = message.readUInt16BE(need(2))
  const suite = suites.get(suiteId)
  if (suite?.messageVersion !== version) {
    throw new MalformedMessageError(
      `algorithm suite 0x${suiteId.toString(16).padStart(4, '0')} in a message of version ${version}`,
      at - 2
    )
  }
  const messageId = take(messageIdBytes(suite))
  const materialsAt = at
  const context = decodeContext(field(), materialsAt + 2)
  // A public key belongs to a signed message; in an unsigned one somebody cut the signature off.
  if (context.has(publicKeyName) !== (suite.signature !== undefined)) {
    refuse(
      suite.signature === undefined ? 'a public key in an unsigned message' : 'no public key',
      materialsAt
    )
  }
  const count = message.readUInt16BE(need(2))
  if (count === 0) refuse('no encrypted data key', at - 2)
  if (count > maxEncryptedDataKeys) {
    refuse(`${count} encrypted data keys; at most ${maxEncryptedDataKeys} are read`, at - 2)
  }
  const encryptedDataKeys: EncryptedDataKey[] = []
  for (let index = 0; index < count; index += 1) {
    encryptedDataKeys.push({
      providerId: field().toString('utf8'),
      providerInfo: field(),
      wrappedKey: field()
    })
  }
  const materialBytes = message.subarray(materialsAt, at)
  const contentType = message[need(1)]!
  if (contentType !== contentTypeFramed && contentType !== contentTypeUnframed) {
    refuse(`content type ${contentType}`, at - 1)
  }
  const isFramed = contentType === contentTypeFramed
  if (version === 1) {
    if (message.readUInt32BE(need(4)) !== 0) refuse('reserved bytes that are not zero', at - 4)
    if (message[need(1)] !== ivBytes) refuse('IV of another length', at - 1)
  }
  const frameLength = message.readUInt32BE(need(4))
  if (frameLength > 0 !== isFramed) refuse(`frame length ${frameLength}`, at - 4)
  const commitment = suite.committing ? take(commitmentBytes) : undefined
  const body = message.subarray(0, at)
  const iv = version === 1 ? take(ivBytes) : zeroIv
  const tag = take(tagBytes)
  return {
    suite,
    messageId,
    context,
    encryptedDataKeys,
    frameLength: isFramed ? frameLength : undefined,
    commitment,
    body,
    iv,
    tag,
    bodyAt: at,
    materialBytes
  }
}
