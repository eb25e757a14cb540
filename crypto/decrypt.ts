import { type KeyObject, timingSafeEqual } from 'node:crypto'
import { commitmentBytes } from './algorithm-suites.ts'
import { AuthenticationFailedError, MalformedMessageError } from './errors.ts'
import { deriveKeys } from './key-derivation.ts'
import { verifyFooter } from './message-format/footer.ts'
import { readBody, verifyHeaderTag } from './message-format/frames.ts'
import type { ParsedHeader } from './message-format/header.ts'
import { secretKey } from './secret-key.ts'

/** What one or more messages are opened with. */
export interface DecryptionMaterials {
  readonly dataKey: Uint8Array
  /** Of a signed message. */
  readonly publicKey: KeyObject | undefined
  /** Serialised context that is bound to the message and does not stand in it; empty for most. */
  readonly unstoredContext: Buffer
}

/**
 * Opens a message: commitment, header tag, every frame, signature. Nothing is returned before all of it is
 * verified.
 * @throws AuthenticationFailedError
 * @throws MalformedMessageError for a body of another layout, bytes behind the message included
 */
export function decryptMessage(
  message: Buffer,
  header: ParsedHeader,
  { dataKey, publicKey, unstoredContext }: DecryptionMaterials
): Buffer {
  const { suite } = header
  if (dataKey.length !== suite.keyBytes) throw new AuthenticationFailedError()
  const { contentKey, commitment } = deriveKeys(suite, dataKey, header.messageId)
  try {
    // Before the content key is used for anything: a key that does not commit to the message is not its key.
    if (suite.committing && !isCommitment(header.commitment!, commitment!))
      throw new AuthenticationFailedError()
    const key = secretKey(contentKey)
    verifyHeaderTag(header, key, unstoredContext)
    const { plaintext, end } = readBody(message, header, key)
    try {
      if (suite.signature !== undefined) verifyFooter(message, end, suite.signature, publicKey!)
      else if (end !== message.length) throw new MalformedMessageError('bytes behind the message', end)
    } catch (error) {
      plaintext.fill(0)
      throw error
    }
    return plaintext
  } finally {
    contentKey.fill(0)
  }
}

function isCommitment(found: Buffer, expected: string): boolean {
  return timingSafeEqual(found, Buffer.from(expected.slice(0, commitmentBytes), 'latin1'))
}
