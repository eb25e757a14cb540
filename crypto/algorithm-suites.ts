/** What a signed suite signs with. */
export interface SignatureAlgorithm {
  /** Name of the curve in OpenSSL. */
  readonly curve: 'prime256v1' | 'secp384r1'
  readonly hash: 'sha256' | 'sha384'
  /** Bytes of a compressed point. */
  readonly publicKeyBytes: 33 | 49
  /** DER of a SubjectPublicKeyInfo up to the compressed point. */
  readonly spkiPrefix: Buffer
  /** Most bytes of a signature in DER. */
  readonly maxSignatureBytes: number
}

/** One algorithm suite of the AWS Encryption SDK, as data; nothing is derived by parsing a name. */
export interface AlgorithmSuite {
  readonly id: number
  readonly messageVersion: 1 | 2
  readonly cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'
  /** Bytes of the data key, and of the AES-GCM key derived from it. */
  readonly keyBytes: 16 | 24 | 32
  /** Hash of HKDF; undefined where the data key itself encrypts: such a key must never serve two messages. */
  readonly kdfHash: 'sha256' | 'sha384' | 'sha512' | undefined
  /** Whether a message fits one data key only. */
  readonly committing: boolean
  readonly signature: SignatureAlgorithm | undefined
}

export const ivBytes = 12
export const tagBytes = 16
export const commitmentBytes = 32

/** Bytes of the random id of a message. */
export function messageIdBytes({ messageVersion }: AlgorithmSuite): 16 | 32 {
  return messageVersion === 1 ? 16 : 32
}

const p256: SignatureAlgorithm = {
  curve: 'prime256v1',
  hash: 'sha256',
  publicKeyBytes: 33,
  spkiPrefix: Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
  maxSignatureBytes: 72
}
const p384: SignatureAlgorithm = {
  curve: 'secp384r1',
  hash: 'sha384',
  publicKeyBytes: 49,
  spkiPrefix: Buffer.from('3046301006072a8648ce3d020106052b81040022033200', 'hex'),
  maxSignatureBytes: 104
}

/**
 * AES-256-GCM, HKDF-SHA-512, key commitment, no signature: what is written unless signatures are asked for.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html
 */
export const committingSuite: AlgorithmSuite = {
  id: 0x0478,
  messageVersion: 2,
  cipher: 'aes-256-gcm',
  keyBytes: 32,
  kdfHash: 'sha512',
  committing: true,
  signature: undefined
}

/** The same with an ECDSA signature over the whole message. */
export const committingSignedSuite: AlgorithmSuite = { ...committingSuite, id: 0x0578, signature: p384 }

/** Every suite there is; all are read. Id 0000 is reserved. */
export const suites: ReadonlyMap<number, AlgorithmSuite> = new Map(
  [
    version1(0x0014, 16, undefined),
    version1(0x0046, 24, undefined),
    version1(0x0078, 32, undefined),
    version1(0x0114, 16, 'sha256'),
    version1(0x0146, 24, 'sha256'),
    version1(0x0178, 32, 'sha256'),
    version1(0x0214, 16, 'sha256', p256),
    version1(0x0346, 24, 'sha384', p384),
    version1(0x0378, 32, 'sha384', p384),
    committingSuite,
    committingSignedSuite
  ].map(suite => [suite.id, suite])
)

function version1(
  id: number,
  keyBytes: 16 | 24 | 32,
  kdfHash: AlgorithmSuite['kdfHash'],
  signature?: SignatureAlgorithm
): AlgorithmSuite {
  const cipher = ({ 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const)[keyBytes]
  return { id, messageVersion: 1, cipher, keyBytes, kdfHash, committing: false, signature }
}
