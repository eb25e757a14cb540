import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { SignatureAlgorithm } from '../algorithm-suites.ts'
import { AuthenticationFailedError, MalformedMessageError } from '../errors.ts'

/*
 * Footer of a signed message: length (2) ‖ ECDSA signature in DER over every byte before the footer.
 * The public key travels in the context, as base64 of the compressed point.
 */
export interface SigningKey {
  readonly algorithm: SignatureAlgorithm
  readonly privateKey: KeyObject
  /** As it stands in the context. */
  readonly publicKeyText: string
}

export function generateSigningKey(algorithm: SignatureAlgorithm): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: algorithm.curve })
  const { x, y } = publicKey.export({ format: 'jwk' })
  // A compressed point says by its first byte whether y is odd.
  const isOdd = (Buffer.from(y!, 'base64url').at(-1)! & 1) === 1
  const point = Buffer.concat([Buffer.from([isOdd ? 3 : 2]), Buffer.from(x!, 'base64url')])
  return { algorithm, privateKey, publicKeyText: point.toString('base64') }
}

/** @throws MalformedMessageError when the text is no point of the curve */
export function readPublicKey(algorithm: SignatureAlgorithm, text: string): KeyObject {
  const point = Buffer.from(text, 'base64')
  try {
    if (point.length === algorithm.publicKeyBytes && point.toString('base64') === text) {
      return createPublicKey({
        key: Buffer.concat([algorithm.spkiPrefix, point]),
        format: 'der',
        type: 'spki'
      })
    }
  } catch {
    // Told below, in the same words.
  }
  throw new MalformedMessageError('the public key is no point of the curve', 0)
}

/** Bytes of a footer: at most this many, since the length of a signature varies. */
export function maxFooterBytes({ maxSignatureBytes }: SignatureAlgorithm): number {
  return 2 + maxSignatureBytes
}

/** Writes the footer of `out[0, end)` at `end`. Returns where it ends. */
export function writeFooter(out: Buffer, end: number, { algorithm, privateKey }: SigningKey): number {
  const signature = sign(algorithm.hash, out.subarray(0, end), privateKey)
  signature.copy(out, out.writeUInt16BE(signature.length, end))
  return end + 2 + signature.length
}

/**
 * Verifies the footer that begins at `offset` and must end the message.
 * @throws AuthenticationFailedError
 * @throws MalformedMessageError for another layout
 */
export function verifyFooter(
  message: Buffer,
  offset: number,
  { hash }: SignatureAlgorithm,
  publicKey: KeyObject
): void {
  if (offset + 2 > message.length) throw new MalformedMessageError('footer ends early', offset)
  const length = message.readUInt16BE(offset)
  if (offset + 2 + length !== message.length) {
    throw new MalformedMessageError('the signature does not end the message', offset)
  }
  if (!isSignature(hash, message, offset, publicKey)) throw new AuthenticationFailedError()
}

function isSignature(hash: string, message: Buffer, offset: number, publicKey: KeyObject): boolean {
  try {
    return verify(hash, message.subarray(0, offset), publicKey, message.subarray(offset + 2))
  } catch {
    // Bytes that are no DER at all.
    return false
  }
}
