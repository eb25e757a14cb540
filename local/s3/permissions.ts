import type { AuthorizationContext, Permission } from '../authorization.ts'
import type { S3Request } from './protocol.ts'
import type { S3Store } from './store.ts'

/** Operations that policies call otherwise; see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const actions: Readonly<Record<string, string>> = {
  ListBuckets: 'ListAllMyBuckets',
  HeadBucket: 'ListBucket',
  ListObjects: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  ListObjectVersions: 'ListBucketVersions',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  HeadObject: 'GetObject',
  CopyObject: 'PutObject',
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  UploadPartCopy: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
  ListParts: 'ListMultipartUploadParts',
  GetObjectLockConfiguration: 'GetBucketObjectLockConfiguration',
  PutObjectLockConfiguration: 'PutBucketObjectLockConfiguration',
  GetBucketEncryption: 'GetEncryptionConfiguration',
  PutBucketEncryption: 'PutEncryptionConfiguration',
  DeleteBucketEncryption: 'PutEncryptionConfiguration',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  DeletePublicAccessBlock: 'PutBucketPublicAccessBlock',
  GetBucketCors: 'GetBucketCORS',
  PutBucketCors: 'PutBucketCORS',
  DeleteBucketCors: 'PutBucketCORS',
  GetBucketLifecycleConfiguration: 'GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
  DeleteBucketLifecycle: 'PutLifecycleConfiguration',
  DeleteBucketOwnershipControls: 'PutBucketOwnershipControls',
  DeleteBucketTagging: 'PutBucketTagging'
}

/** Of them, those that are another action for one version of an object. */
const versionActions: Readonly<Record<string, string>> = {
  GetObject: 'GetObjectVersion',
  DeleteObject: 'DeleteObjectVersion',
  GetObjectTagging: 'GetObjectVersionTagging',
  PutObjectTagging: 'PutObjectVersionTagging',
  DeleteObjectTagging: 'DeleteObjectVersionTagging'
}

/** Headers that ask for something more. */
const headerActions: Readonly<Record<string, string>> = {
  'x-amz-tagging': 'PutObjectTagging',
  'x-amz-acl': 'PutObjectAcl',
  'x-amz-object-lock-mode': 'PutObjectRetention',
  'x-amz-object-lock-legal-hold': 'PutObjectLegalHold',
  'x-amz-bypass-governance-retention': 'BypassGovernanceRetention'
}

const headerKeys = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-acl',
  'x-amz-storage-class',
  'x-amz-copy-source',
  'x-amz-content-sha256'
]
const queryKeys = { prefix: 'prefix', delimiter: 'delimiter', 'max-keys': 'max-keys', versionId: 'VersionId' }

export type AskedOfS3 = Pick<S3Request, 'bucket' | 'key' | 'query' | 'header'>

/** What a request is allowed by; bucket and object need not be there. DeleteObjects asks for each object by itself. */
export function s3Permissions(
  store: Pick<S3Store, 'policyOf'>,
  operation: string,
  request: AskedOfS3
): readonly Permission[] {
  const { bucket, key, query, header } = request
  const context = contextOf(request)
  const permission = (name: string, object: string): Permission => {
    const [owner = ''] = object.split('/')
    return {
      action: `s3:${name}`,
      resource: object === '' ? '*' : `arn:aws:s3:::${object}`,
      resourcePolicy: store.policyOf(owner),
      context
    }
  }
  if (operation === 'DeleteObjects') return []
  const named = actions[operation] ?? operation
  const target = key === '' ? bucket : `${bucket}/${key}`
  const source = header('x-amz-copy-source')
  const more = Object.entries(headerActions).flatMap(([name, action]) =>
    (header(name) ?? 'false') === 'false' ? [] : [action]
  )
  return [
    permission(actionOn(named, query.has('versionId')), target),
    ...more.map(action => permission(action, target)),
    ...(source === undefined
      ? []
      : [permission(actionOn('GetObject', isOfVersion(source)), sourceObject(source))])
  ]
}

function contextOf({ query, header }: AskedOfS3): AuthorizationContext {
  const context: Record<string, string> = {}
  for (const name of headerKeys) {
    const value = header(name)
    if (value !== undefined) context[`s3:${name}`] = value
  }
  for (const [name, key] of Object.entries(queryKeys)) {
    const value = query.get(name)
    if (value !== null) context[`s3:${key}`] = value
  }
  return context
}

function actionOn(named: string, ofVersion: boolean): string {
  return ofVersion ? (versionActions[named] ?? named) : named
}

/** Read as the copy reads it: whatever else is asked for beside the version. */
function isOfVersion(source: string): boolean {
  return new URLSearchParams(source.split('?', 2)[1]).has('versionId')
}

/** `bucket/key`, as it stands in the header. */
function sourceObject(source: string): string {
  const [path = ''] = source.replace(/^\//, '').split('?')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
