import type { AuthorizeRequest } from '../authorization.ts'
import type { AskedOfS3 } from '../s3/permissions.ts'
import type { ObjectWriter } from './destinations/s3.ts'

/** Writes objects as S3 takes them from the delivery stream: each only when its role may put it. */
export function askingWriter(objects: ObjectWriter, authorize: AuthorizeRequest<AskedOfS3>): ObjectWriter {
  return {
    async putObject(bucket, key, bytes, options) {
      const headers: Readonly<Record<string, string>> =
        options.encryption === undefined
          ? {}
          : {
              'x-amz-server-side-encryption': options.encryption.algorithm,
              'x-amz-server-side-encryption-aws-kms-key-id': options.encryption.keyId
            }
      const request = { bucket, key, query: new URLSearchParams(), header: (name: string) => headers[name] }
      await authorize('PutObject', request, options.principal)
      return objects.putObject(bucket, key, bytes, options)
    }
  }
}
