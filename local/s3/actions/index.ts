import type { AuthorizeRequest } from '../../authorization.ts'
import type { SettingDocument } from '../bucket-settings.ts'
import type { S3Action, S3Request } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { deleteBucketEncryption, getBucketEncryption, putBucketEncryption } from './bucket-encryption.ts'
import {
  createBucket,
  deleteBucket,
  getBucketAcl,
  getBucketLocation,
  headBucket,
  listBuckets
} from './buckets.ts'
import { copyObject, uploadPartCopy } from './copy.ts'
import { deleteObjects } from './delete-objects.ts'
import { listObjects, listObjectsByMarker } from './list-objects.ts'
import { listParts, listUploads } from './list-uploads.ts'
import { listVersions } from './list-versions.ts'
import {
  getLegalHold,
  getLockConfiguration,
  getRetention,
  putLegalHold,
  putLockConfiguration,
  putRetention
} from './object-lock.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './object-tags.ts'
import { deleteObject, getObject, headObject, putObject } from './objects.ts'
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './policy.ts'
import { deleteDocument, getDocument, putDocument } from './setting-documents.ts'
import { abortUpload, completeUpload, createUpload, uploadPart } from './uploads.ts'
import { getBucketVersioning, putBucketVersioning } from './versioning.ts'

export interface S3ActionOptions {
  readonly region: string
  readonly accountId: string
  /** For DeleteObjects, which asks object by object. @default everybody may do everything */
  readonly authorize?: AuthorizeRequest<S3Request> | undefined
}

/** What there is, by the name of the operation. */
export function actionsOf(
  store: S3Store,
  { region, accountId, authorize }: S3ActionOptions
): Readonly<Record<string, S3Action>> {
  const put = (document: SettingDocument): S3Action => putDocument(store, document)
  const get = (document: SettingDocument): S3Action => getDocument(store, document)
  const remove = (document: SettingDocument): S3Action => deleteDocument(store, document)
  return {
    ListBuckets: listBuckets(store),
    CreateBucket: createBucket(store),
    HeadBucket: headBucket(store, region),
    DeleteBucket: deleteBucket(store),
    GetBucketAcl: getBucketAcl(store),
    GetBucketLocation: getBucketLocation(store, region),
    PutBucketVersioning: putBucketVersioning(store),
    GetBucketVersioning: getBucketVersioning(store),
    PutBucketPolicy: putBucketPolicy(store, accountId),
    GetBucketPolicy: getBucketPolicy(store),
    GetBucketPolicyStatus: getBucketPolicyStatus(store),
    DeleteBucketPolicy: deleteBucketPolicy(store),
    PutBucketEncryption: putBucketEncryption(store),
    GetBucketEncryption: getBucketEncryption(store),
    DeleteBucketEncryption: deleteBucketEncryption(store),
    PutPublicAccessBlock: put('publicAccessBlock'),
    GetPublicAccessBlock: get('publicAccessBlock'),
    DeletePublicAccessBlock: remove('publicAccessBlock'),
    PutBucketOwnershipControls: put('ownershipControls'),
    GetBucketOwnershipControls: get('ownershipControls'),
    DeleteBucketOwnershipControls: remove('ownershipControls'),
    PutBucketTagging: put('tagging'),
    GetBucketTagging: get('tagging'),
    DeleteBucketTagging: remove('tagging'),
    PutBucketCors: put('cors'),
    GetBucketCors: get('cors'),
    DeleteBucketCors: remove('cors'),
    PutBucketLifecycleConfiguration: put('lifecycle'),
    GetBucketLifecycleConfiguration: get('lifecycle'),
    DeleteBucketLifecycle: remove('lifecycle'),
    PutBucketLogging: put('logging'),
    GetBucketLogging: get('logging'),
    PutObjectLockConfiguration: putLockConfiguration(store),
    GetObjectLockConfiguration: getLockConfiguration(store),
    ListObjects: listObjectsByMarker(store),
    ListObjectsV2: listObjects(store),
    ListObjectVersions: listVersions(store),
    DeleteObjects: deleteObjects(store, authorize),
    PutObject: putObject(store),
    CopyObject: copyObject(store),
    GetObject: getObject(store),
    HeadObject: headObject(store),
    DeleteObject: deleteObject(store),
    PutObjectTagging: putObjectTagging(store),
    GetObjectTagging: getObjectTagging(store),
    DeleteObjectTagging: deleteObjectTagging(store),
    PutObjectRetention: putRetention(store),
    GetObjectRetention: getRetention(store),
    PutObjectLegalHold: putLegalHold(store),
    GetObjectLegalHold: getLegalHold(store),
    CreateMultipartUpload: createUpload(store),
    UploadPart: uploadPart(store),
    UploadPartCopy: uploadPartCopy(store),
    CompleteMultipartUpload: completeUpload(store),
    AbortMultipartUpload: abortUpload(store),
    ListMultipartUploads: listUploads(store),
    ListParts: listParts(store)
  }
}
