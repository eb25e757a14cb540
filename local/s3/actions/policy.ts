import { userArn } from '../../authorization.ts'
import { AwsError } from '../../aws-json.ts'
import type { S3Action } from '../protocol.ts'
import { isPublicPolicy } from '../public-policy.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import { policyStatements } from '../validations/policy.ts'
import { blocksPublicPolicies } from '../validations/setting-documents.ts'
import { xmlDocument } from '../xml.ts'

export function putBucketPolicy(store: S3Store, accountId: string): S3Action {
  return async ({ bucket, body, header, principal }) => {
    checkDigests(body, header)
    const settings = store.settingsOf(bucket)
    const policy = body.toString('utf8')
    if (isPublicPolicy(policyStatements(policy, bucket)) && blocksPublicPolicies(settings)) {
      throw new AwsError(
        'AccessDenied',
        `User: ${userArn(principal, accountId)} is not authorized to perform: ` +
          `s3:PutBucketPolicy on resource: "arn:aws:s3:::${bucket}" because public policies are blocked by the ` +
          'BlockPublicPolicy block public access setting.',
        403
      )
    }
    store.changeSettings(bucket, { policy })
    return { status: 204 }
  }
}

export function getBucketPolicy(store: S3Store): S3Action {
  return async ({ bucket }) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: policyIn(store, bucket)
  })
}

export function deleteBucketPolicy(store: S3Store): S3Action {
  return async ({ bucket }) => {
    store.changeSettings(bucket, { policy: undefined })
    return { status: 204 }
  }
}

export function getBucketPolicyStatus(store: S3Store): S3Action {
  return async ({ bucket }) => {
    const isPublic = isPublicPolicy(policyStatements(policyIn(store, bucket), bucket))
    return { status: 200, body: xmlDocument('PolicyStatus', { IsPublic: isPublic ? 'TRUE' : 'FALSE' }) }
  }
}

function policyIn(store: S3Store, bucket: string): string {
  const { policy } = store.settingsOf(bucket)
  if (policy !== undefined) return policy
  throw new AwsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404, { BucketName: bucket })
}
