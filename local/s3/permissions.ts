import type { AuthorizationContext, Permission } from '../authorization.ts'
import type { S3Request } from './protocol.ts'
import type { S3Store } from './store.ts'
import { childrenOf, parseXml, textOf } from './xml-reader.ts'

/** Operations that policies call otherwise; see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const actions: Readonly<Record<string, string>> = {
  ListBuckets: 'ListAllMyBuckets',
  HeadBucket: 'ListBucket',
  ListObjects: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  ListObjectVersions: 'ListBucketVersions',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  HeadObject: 'GetObject',
  DeleteObjects: 'DeleteObject',
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

export type AskedOfS3 = Pick<S3Request, 'bucket' | 'key' | 'query' | 'header'> &
  Partial<Pick<S3Request, 'body'>>

/** What a request is allowed by; bucket and object need not be there. */
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
  const named = actions[operation] ?? operation
  const target = key === '' ? bucket : `${bucket}/${key}`
  const targets =
    operation === 'DeleteObjects'
      ? namedObjects(request.body).map(one => ({ object: `${bucket}/${one.key}`, ofVersion: one.ofVersion }))
      : [{ object: target, ofVersion: query.has('versionId') }]
  const source = header('x-amz-copy-source')
  const more = Object.entries(headerActions).flatMap(([name, action]) =>
    (header(name) ?? 'false') === 'false' ? [] : [action]
  )
  return [
    ...targets.map(({ object, ofVersion }) => permission(actionOn(named, ofVersion), object)),
    ...more.flatMap(action => targets.map(({ object }) => permission(action, object))),
    ...(source === undefined
      ? []
      : [permission(actionOn('GetObject', /\?versionId=/.test(source)), sourceObject(source))])
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

/** What a DeleteObjects names, read as the operation reads it; what is wrong with its body the operation tells. */
function namedObjects(
  body: Buffer | undefined
): readonly { readonly key: string; readonly ofVersion: boolean }[] {
  const root = parseXml(body?.toString('utf8') ?? '')
  const targets = root === undefined ? [] : childrenOf(root, 'Object')
  return targets.map(target => ({
    key: textOf(target, 'Key') ?? '',
    ofVersion: textOf(target, 'VersionId') !== undefined
  }))
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
