import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkBucketName } from '../validations/bucket-name.ts'
import { xmlDocument } from '../xml.ts'

export function createBucket(store: S3Store): S3Action {
  return async ({ bucket }) => {
    checkBucketName(bucket)
    await store.createBucket(bucket)
    return { status: 200, headers: { location: `/${bucket}` } }
  }
}

export function headBucket(store: S3Store, region: string): S3Action {
  return async ({ bucket }) =>
    store.hasBucket(bucket) ? { status: 200, headers: { 'x-amz-bucket-region': region } } : { status: 404 }
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
      Owner: { ID: 'local', DisplayName: 'local' },
      Buckets: {
        Bucket: store.buckets.map(({ name, createdMs }) => ({
          Name: name,
          CreationDate: new Date(createdMs).toISOString()
        }))
      }
    })
  })
}
