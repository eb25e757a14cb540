import { checksumHeader } from './checksum.ts'
import type { S3Request } from './protocol.ts'
import type { PutOptions, StoredObject } from './store.ts'
import { tagsOfHeader } from './validations/tags.ts'

// What a request says of an object, and what an answer says of it.

export type RequestedObject = Required<
  Pick<PutOptions, 'contentType' | 'contentEncoding' | 'metadata' | 'tags' | 'kms'>
>

export function requestedObject(request: S3Request): RequestedObject {
  const { header } = request
  return {
    contentType: header('content-type'),
    contentEncoding: contentEncoding(header('content-encoding')),
    metadata: userMetadata(request),
    tags: tagsOfHeader(header('x-amz-tagging')),
    kms: kmsOf(request)
  }
}

export function encryptionHeaders({
  kmsKeyArn
}: {
  readonly kmsKeyArn?: string | undefined
}): Record<string, string> {
  return kmsKeyArn === undefined
    ? {}
    : {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyArn
      }
}

/** An object that came without a checksum has its CRC32. */
export function checksumHeaders({ checksum, crc32 }: StoredObject): Record<string, string> {
  const { algorithm, value, type } = checksum ?? { algorithm: 'CRC32', value: crc32, type: 'FULL_OBJECT' }
  return { [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': type }
}

/** Without a key it is one that AWS manages, which nobody has to be asked for. */
function kmsOf({ header }: S3Request): PutOptions['kms'] {
  const keyId = header('x-amz-server-side-encryption-aws-kms-key-id')
  if (header('x-amz-server-side-encryption') !== 'aws:kms' || keyId === undefined) return undefined
  const [, principal] = /Credential=([^/]+)\//.exec(header('authorization') ?? '') ?? []
  return { keyId, principal }
}

/** `aws-chunked` names the framing of the request; it is no property of the object. */
function contentEncoding(header: string | undefined): string | undefined {
  const codings = (header ?? '')
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'aws-chunked')
  return codings.length === 0 ? undefined : codings.join(',')
}

function userMetadata({ headers }: S3Request): Record<string, string> {
  const prefix = 'x-amz-meta-'
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), String(value)])
  )
}
