import { timingSafeEqual } from 'node:crypto'
import { AuthenticationFailedError } from './errors.ts'
import { deriveKeys } from './key-derivation.ts'
import { readFrames, verifyHeaderTag } from './message-format/frames.ts'
import type { ParsedHeader } from './message-format/header.ts'

/**
 * Opens a message with its data key: commitment, header tag, then every frame. Nothing is returned before all
 * of it is verified.
 * @throws AuthenticationFailedError
 * @throws MalformedMessageError for a body of another layout
 */
export function decryptMessage(message: Buffer, header: ParsedHeader, dataKey: Uint8Array): Buffer {
  const { contentKey, commitment } = deriveKeys(dataKey, header.messageId)
  try {
    // Before the content key is used for anything: a key that does not commit to the message is not its key.
    if (!timingSafeEqual(commitment, header.commitment)) throw new AuthenticationFailedError()
    verifyHeaderTag(header.body, header.tag, contentKey)
    return readFrames(message, header.bodyAt, header.frameLength, contentKey, header.messageId)
  } finally {
    contentKey.fill(0)
  }
}
