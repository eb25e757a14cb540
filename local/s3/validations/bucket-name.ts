import { AwsError } from '../../aws-json.ts'

/** 3 to 63 lower-case letters, digits, dots and hyphens; so it is always one file name. */
export function checkBucketName(bucket: string): void {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, { BucketName: bucket })
  }
}
