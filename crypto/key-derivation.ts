import { createHmac } from 'node:crypto'
import { type AlgorithmSuite, committingSignedSuite, committingSuite } from './algorithm-suites.ts'
import { secretKey } from './secret-key.ts'
import { uint16 } from './uint16.ts'

/*
 * HKDF (RFC 5869), as HMACs with one shared pseudo-random key. Version 2, SHA-512:
 *   PRK         = HMAC(key = message id, data key)
 *   content key = first 32 bytes of HMAC(PRK, suite id (2) ‖ "DERIVEKEY" ‖ 01)
 *   commitment  = first 32 bytes of HMAC(PRK, "COMMITKEY" ‖ 01)
 * Version 1:
 *   PRK         = HMAC(key = as many zeros as the hash is long, data key)
 *   content key = first bytes of HMAC(PRK, suite id (2) ‖ message id ‖ 01); no key is longer than its hash
 * Several times faster than `hkdfSync`, which makes key objects and extracts anew for each key.
 */
const deriveInfos = new Map(
  [committingSuite, committingSignedSuite].map(({ id }) => [
    id,
    Buffer.concat([uint16(id), Buffer.from('DERIVEKEY\u0001', 'latin1')])
  ])
)
const commitInfo = Buffer.from('COMMITKEY\u0001', 'latin1')
const zeros = Buffer.alloc(48)
const hashBytes = { sha256: 32, sha384: 48, sha512: 64 } as const

export interface DerivedKeys {
  /** Of the suite's length, in memory that the caller wipes. */
  readonly contentKey: Buffer
  /**
   * In latin1, which is cheaper than one more buffer, and it is public: the first 32 characters count. Undefined for a
   * suite without commitment.
   */
  readonly commitment: string | undefined
}

/** Keys of one message. */
export function deriveKeys(suite: AlgorithmSuite, dataKey: Uint8Array, messageId: Uint8Array): DerivedKeys {
  const { committing, kdfHash, keyBytes, id } = suite
  if (committing) {
    const prk = createHmac('sha512', secretKey(messageId)).update(dataKey).digest()
    const key = secretKey(prk)
    const contentKey = createHmac('sha512', key).update(deriveInfos.get(id)!).digest().subarray(0, 32)
    const commitment = createHmac('sha512', key).update(commitInfo).digest('binary')
    prk.fill(0)
    return { contentKey, commitment }
  }
  if (kdfHash === undefined) return { contentKey: Buffer.from(dataKey), commitment: undefined }
  const salt = zeros.subarray(0, hashBytes[kdfHash])
  const prk = createHmac(kdfHash, secretKey(salt)).update(dataKey).digest()
  const contentKey = createHmac(kdfHash, secretKey(prk))
    .update(uint16(id))
    .update(messageId)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, keyBytes)
  prk.fill(0)
  return { contentKey, commitment: undefined }
}
