import type { EncryptionContext } from '../../core/record-transform.ts'
import {
  type AlgorithmSuite,
  commitmentBytes,
  messageIdBytes,
  readableSuites,
  tagBytes
} from '../algorithm-suites.ts'
import { decodeContext, encodeContext } from '../encryption-context.ts'
import { MalformedMessageError } from '../errors.ts'
import type { EncryptedDataKey } from '../materials.ts'
import { contentTypeFramed, defaultMaxEncryptedDataKeys, maxMessageBytes } from './identifiers.ts'

/*
 * Header of a version 2 message; integers are unsigned and big-endian:
 *   version (1) = 02 ‖ suite id (2) ‖ message id (32)
 *   ‖ context length (2) ‖ context ‖ EDK count (2)
 *   ‖ count × [ provider id, provider info, wrapped key; each length (2) ‖ bytes ]
 *   ‖ content type (1) ‖ frame length (4) ‖ commitment (32)            -- header body
 *   ‖ tag (16)                                                        -- header authentication
 */
const messageIdAt = 3
export const materialsAt = messageIdAt + messageIdBytes

/** A header body with blanks for message id and commitment, which are all that differs between two messages. */
export interface HeaderTemplate {
  readonly body: Buffer
  readonly messageIdAt: number
  readonly commitmentAt: number
}

export function headerTemplate(
  suite: AlgorithmSuite,
  context: EncryptionContext,
  encryptedDataKeys: readonly EncryptedDataKey[],
  frameLength: number
): HeaderTemplate {
  const contextBytes = encodeContext(context)
  const parts = [Buffer.from([suite.messageVersion]), uint16(suite.id), Buffer.alloc(messageIdBytes)]
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
  return { body, messageIdAt, commitmentAt: body.length - commitmentBytes }
}

export interface ParsedHeader {
  readonly suite: AlgorithmSuite
  readonly messageId: Buffer
  readonly context: ReadonlyMap<string, string>
  readonly encryptedDataKeys: readonly EncryptedDataKey[]
  readonly frameLength: number
  readonly commitment: Buffer
  /** Header body: what the header tag authenticates. */
  readonly body: Buffer
  readonly tag: Buffer
  /** Where the message body begins. */
  readonly bodyAt: number
  /**
   * Context and encrypted data keys exactly as they stand in the message. Equal bytes mean equal keys, which
   * makes them the key of the decrypt cache: stricter than any sorted form.
   */
  readonly materialBytes: Buffer
}

/** Whether the bytes begin like a message that is read here. */
export function looksSealed(data: Uint8Array): boolean {
  return data.length > materialsAt && data[0] === 2 && (data[1] === 4 || data[1] === 5) && data[2] === 0x78
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
  const field = (): Buffer => {
    const start = need(message.readUInt16BE(need(2)))
    return message.subarray(start, at)
  }
  const version = message[need(1)]!
  if (version !== 2) throw new MalformedMessageError(`version ${version}; 2 is read`, 0)
  const suiteId = message.readUInt16BE(need(2))
  const suite = readableSuites.get(suiteId)
  if (suite === undefined) {
    throw new MalformedMessageError(
      `algorithm suite 0x${suiteId.toString(16).padStart(4, '0')} is not read`,
      1
    )
  }
  const messageId = message.subarray(need(messageIdBytes), at)
  const contextAt = at + 2
  const context = decodeContext(field(), contextAt)
  // A public key belongs to a signed message; in an unsigned one somebody cut the signature off.
  if (context.has('aws-crypto-public-key')) {
    throw new MalformedMessageError('a public key in an unsigned message', contextAt)
  }
  const count = message.readUInt16BE(need(2))
  if (count === 0) throw new MalformedMessageError('no encrypted data key', at - 2)
  if (count > maxEncryptedDataKeys) {
    throw new MalformedMessageError(
      `${count} encrypted data keys; at most ${maxEncryptedDataKeys} are read`,
      at - 2
    )
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
  const contentType = message[need(1)]
  if (contentType !== contentTypeFramed) throw new MalformedMessageError('content is not framed', at - 1)
  const frameLength = message.readUInt32BE(need(4))
  if (frameLength === 0) throw new MalformedMessageError('frame length 0', at - 4)
  const commitment = message.subarray(need(commitmentBytes), at)
  const body = message.subarray(0, at)
  const tag = message.subarray(need(tagBytes), at)
  return {
    suite,
    messageId,
    context,
    encryptedDataKeys,
    frameLength,
    commitment,
    body,
    tag,
    bodyAt: at,
    materialBytes
  }
}

function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeUInt16BE(value)
  return bytes
}
