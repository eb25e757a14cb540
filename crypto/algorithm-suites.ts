/** One algorithm suite of the AWS Encryption SDK, as data; nothing is derived by parsing a name. */
export interface AlgorithmSuite {
  readonly id: number
  readonly messageVersion: 1 | 2
  /** Bytes of the data key, and of the AES-GCM key derived from it. */
  readonly keyBytes: 16 | 24 | 32
  readonly kdfHash: 'sha512'
  readonly committing: boolean
}

/** Bytes of the random id of a version 2 message. */
export const messageIdBytes = 32
export const ivBytes = 12
export const tagBytes = 16
export const commitmentBytes = 32

/**
 * AES-256-GCM, HKDF-SHA-512, key commitment, no signature: the suite that is written.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html
 */
export const committingSuite: AlgorithmSuite = {
  id: 0x0478,
  messageVersion: 2,
  keyBytes: 32,
  kdfHash: 'sha512',
  committing: true
}

/** The suites that are read. */
export const readableSuites: ReadonlyMap<number, AlgorithmSuite> = new Map([
  [committingSuite.id, committingSuite]
])
