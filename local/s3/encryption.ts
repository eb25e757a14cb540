export type SseAlgorithm = 'AES256' | 'aws:kms' | 'aws:kms:dsse'

/** What a request says of the encryption of an object. */
export interface RequestedEncryption {
  readonly algorithm: SseAlgorithm
  /** Key, alias or ARN; undefined for a key that AWS manages, which nobody has to be asked for. */
  readonly keyId?: string | undefined
  /** undefined for what the bucket says. */
  readonly isBucketKeyEnabled?: boolean | undefined
}

/** What a bucket does with objects of which nothing is said. */
export interface BucketEncryption extends RequestedEncryption {
  readonly isBucketKeyEnabled: boolean
  /** Kinds of encryption that are refused, such as SSE-C. */
  readonly blocked: readonly string[]
}

/** How an object is encrypted, or would be: its file stays plain. */
export interface Encryption {
  /** undefined for AES256, or for aws:kms when there is a key. */
  readonly algorithm?: SseAlgorithm | undefined
  /** ARN of the KMS key; undefined for what S3 does by itself. */
  readonly kmsKeyArn?: string | undefined
  readonly isBucketKeyEnabled?: boolean | undefined
}

/** Of a bucket that says nothing else. New buckets refuse SSE-C since April 2026. */
export const defaultEncryption: BucketEncryption = {
  algorithm: 'AES256',
  isBucketKeyEnabled: false,
  blocked: ['SSE-C']
}

/** What comes of what a request and the bucket say together. */
export function effectiveEncryption(
  requested: RequestedEncryption | undefined,
  bucket: BucketEncryption
): RequestedEncryption {
  const chosen = requested ?? bucket
  const isBucketKeyEnabled =
    chosen.algorithm === 'aws:kms' && (requested?.isBucketKeyEnabled ?? bucket.isBucketKeyEnabled)
  return { algorithm: chosen.algorithm, keyId: chosen.keyId, isBucketKeyEnabled }
}

export function encryptionHeaders(encryption: Encryption): Record<string, string> {
  const { kmsKeyArn, isBucketKeyEnabled } = encryption
  return {
    'x-amz-server-side-encryption': algorithmOf(encryption),
    ...(kmsKeyArn === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyArn }),
    ...(isBucketKeyEnabled === true ? { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' } : {})
  }
}

function algorithmOf({ algorithm, kmsKeyArn }: Encryption): SseAlgorithm {
  return algorithm ?? (kmsKeyArn === undefined ? 'AES256' : 'aws:kms')
}
