import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkBucketName } from '../validations/bucket-name.ts'
import { firstDocuments } from '../validations/setting-documents.ts'
import { xmlDocument } from '../xml.ts'
import { owner } from './listing.ts'

export function createBucket(store: S3Store): S3Action {
  return async ({ bucket, header }) => {
    checkBucketName(bucket)
    const isLocked = header('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
    await store.createBucket(bucket, {
      documents: firstDocuments(header('x-amz-object-ownership')),
      // A lock is of versions.
      ...(isLocked ? { versioning: 'Enabled', objectLock: {} } : {})
    })
    return { status: 200, headers: { location: `/${bucket}` } }
  }
}

export function headBucket(store: S3Store, region: string): S3Action {
  return async ({ bucket }) =>
    store.hasBucket(bucket) ? { status: 200, headers: { 'x-amz-bucket-region': region } } : { status: 404 }
}

/** us-east-1 is said by saying nothing. */
export function getBucketLocation(store: S3Store, region: string): S3Action {
  return async ({ bucket }) => {
    store.settingsOf(bucket)
    return { status: 200, body: xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region) }
  }
}

/** The owner may do everything, and nobody else is named. */
export function getBucketAcl(store: S3Store): S3Action {
  return async ({ bucket }) => {
    store.settingsOf(bucket)
    const body = xmlDocument('AccessControlPolicy', {
      Owner: owner,
      AccessControlList: { Grant: { Grantee: owner, Permission: 'FULL_CONTROL' } }
    })
    const type = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    return { status: 200, body: body.replace('<Grantee>', `<Grantee ${type}>`) }
  }
}

export function deleteBucket(store: S3Store): S3Action {
  return async ({ bucket }) => {
    await store.deleteBucket(bucket)
    return { status: 204 }
  }
}

export function listBuckets(store: S3Store): S3Action {
  return async () => ({
    status: 200,
    body: xmlDocument('ListAllMyBucketsResult', {
      Owner: owner,
      Buckets: {
        Bucket: store.buckets.map(({ name, createdMs }) => ({
          Name: name,
          CreationDate: new Date(createdMs).toISOString()
        }))
      }
    })
  })
}
