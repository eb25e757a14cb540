import { defaultEncryption } from '../encryption.ts'
import type { S3Action } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { bucketEncryption } from '../validations/encryption.ts'
import { xmlDocument } from '../xml.ts'

/** It counts for objects that come from then on. */
export function putBucketEncryption(store: S3Store): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    store.settingsOf(bucket)
    store.changeSettings(bucket, { encryption: bucketEncryption(body.toString('utf8')) })
    return { status: 200 }
  }
}

/** Every bucket has one since 2023. */
export function getBucketEncryption(store: S3Store): S3Action {
  return async ({ bucket }) => {
    const { algorithm, keyId, isBucketKeyEnabled, blocked } =
      store.settingsOf(bucket).encryption ?? defaultEncryption
    return {
      status: 200,
      body: xmlDocument('ServerSideEncryptionConfiguration', {
        Rule: {
          ApplyServerSideEncryptionByDefault: {
            SSEAlgorithm: algorithm,
            ...(keyId === undefined ? {} : { KMSMasterKeyID: keyId })
          },
          BucketKeyEnabled: isBucketKeyEnabled,
          ...(blocked.length === 0 ? {} : { BlockedEncryptionTypes: { EncryptionType: blocked } })
        }
      })
    }
  }
}

export function deleteBucketEncryption(store: S3Store): S3Action {
  return async ({ bucket }) => {
    store.changeSettings(bucket, { encryption: undefined })
    return { status: 204 }
  }
}
