import type { S3Request } from './protocol.ts'

type Methods = Readonly<Partial<Record<string, string>>>

/** The part of a bucket that a member of the query names: the operation by the method. */
const bucketParts: Readonly<Record<string, Methods>> = {
  acl: { GET: 'GetBucketAcl' },
  cors: { PUT: 'PutBucketCors', GET: 'GetBucketCors', DELETE: 'DeleteBucketCors' },
  delete: { POST: 'DeleteObjects' },
  encryption: { PUT: 'PutBucketEncryption', GET: 'GetBucketEncryption', DELETE: 'DeleteBucketEncryption' },
  lifecycle: {
    PUT: 'PutBucketLifecycleConfiguration',
    GET: 'GetBucketLifecycleConfiguration',
    DELETE: 'DeleteBucketLifecycle'
  },
  location: { GET: 'GetBucketLocation' },
  logging: { PUT: 'PutBucketLogging', GET: 'GetBucketLogging' },
  'object-lock': { PUT: 'PutObjectLockConfiguration', GET: 'GetObjectLockConfiguration' },
  ownershipControls: {
    PUT: 'PutBucketOwnershipControls',
    GET: 'GetBucketOwnershipControls',
    DELETE: 'DeleteBucketOwnershipControls'
  },
  policy: { PUT: 'PutBucketPolicy', GET: 'GetBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  policyStatus: { GET: 'GetBucketPolicyStatus' },
  publicAccessBlock: {
    PUT: 'PutPublicAccessBlock',
    GET: 'GetPublicAccessBlock',
    DELETE: 'DeletePublicAccessBlock'
  },
  tagging: { PUT: 'PutBucketTagging', GET: 'GetBucketTagging', DELETE: 'DeleteBucketTagging' },
  uploads: { GET: 'ListMultipartUploads' },
  versioning: { PUT: 'PutBucketVersioning', GET: 'GetBucketVersioning' },
  versions: { GET: 'ListObjectVersions' },
  // Not here: such a request must not be taken for another one.
  accelerate: {},
  analytics: {},
  'intelligent-tiering': {},
  inventory: {},
  metrics: {},
  notification: {},
  replication: {},
  requestPayment: {},
  uploadId: {},
  website: {}
}

/** The same for an object. `uploadId` goes before `partNumber`. */
const objectParts: Readonly<Record<string, Methods>> = {
  'legal-hold': { PUT: 'PutObjectLegalHold', GET: 'GetObjectLegalHold' },
  retention: { PUT: 'PutObjectRetention', GET: 'GetObjectRetention' },
  tagging: { PUT: 'PutObjectTagging', GET: 'GetObjectTagging', DELETE: 'DeleteObjectTagging' },
  uploadId: {
    PUT: 'UploadPart',
    POST: 'CompleteMultipartUpload',
    DELETE: 'AbortMultipartUpload',
    GET: 'ListParts'
  },
  uploads: { POST: 'CreateMultipartUpload' },
  partNumber: { GET: 'GetObject', HEAD: 'HeadObject' },
  acl: {},
  attributes: {},
  restore: {},
  select: {},
  torrent: {}
}

const onBucket: Methods = { PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' }
const onObject: Methods = {
  PUT: 'PutObject',
  GET: 'GetObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject'
}
/** What a put is called that brings no body and names a source. */
const copies: Readonly<Record<string, string>> = { PutObject: 'CopyObject', UploadPart: 'UploadPartCopy' }

/** Name of the operation; method and target of one that is not known. */
export function operationOf({ method, bucket, key, query, header }: S3Request): string {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : `${method} /`
  const parts = key === '' ? bucketParts : objectParts
  const part = Object.keys(parts).find(name => query.has(name))
  if (part !== undefined) return copyOr(parts[part]![method] ?? `${method} ?${part}`, header)
  if (key !== '') return copyOr(onObject[method] ?? `${method} object`, header)
  if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects'
  return onBucket[method] ?? `${method} bucket`
}

function copyOr(operation: string, header: S3Request['header']): string {
  return header('x-amz-copy-source') === undefined ? operation : (copies[operation] ?? operation)
}
