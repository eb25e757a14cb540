import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo } from '../placeholders.ts'
import { bucketId, keyArn } from '../plan-arns.ts'
import { sinkBuckets } from '../plan-readers.ts'
import { accessLogPolicy, bucketPolicy, type GuardedBucket } from '../policies/bucket.ts'
import { retained, type TemplateResources } from '../template.ts'

/** Longest time that what Redshift has loaded lies in S3, in days. */
const stagingDays = 7

/** Buckets of what is delivered and of dead letters, and one for their access logs. */
export function bucketResources(plan: ResolvedPlan, hasEndpoint: boolean): TemplateResources {
  const { accessLogBucket: logBucket } = plan.storage
  const guarded: readonly (GuardedBucket & { readonly isStaging: boolean })[] = [
    ...sinkBuckets(plan).map(({ bucket, use, writerArns }) => ({
      bucket,
      purpose: 'sink' as const,
      writerArns,
      isStaging: use === 'staging'
    })),
    { bucket: plan.deadLetters.bucket, purpose: 'state', writerArns: [], isStaging: false }
  ]
  const resources = guarded.map(each => {
    const logicalId = bucketId(each.bucket)
    return {
      [logicalId]: dataBucket(plan, each),
      [`${logicalId}Policy`]: policy(logicalId, bucketPolicy(plan, each, hasEndpoint))
    }
  })
  return Object.assign(
    {
      [accessLogBucketId]: {
        Type: 'AWS::S3::Bucket',
        ...retained,
        Properties: {
          BucketName: logBucket,
          // S3 writes access logs under its own encryption alone.
          BucketEncryption: encryption({ SSEAlgorithm: 'AES256' }),
          ...closed,
          VersioningConfiguration: { Status: 'Enabled' },
          LifecycleConfiguration: {
            Rules: [expiry('Logs', plan.logs.retentionDays), abandonedUploads]
          }
        }
      },
      [`${accessLogBucketId}Policy`]: policy(
        accessLogBucketId,
        accessLogPolicy(
          logBucket,
          guarded.map(({ bucket }) => bucket)
        )
      )
    },
    ...resources
  )
}

const accessLogBucketId = 'AccessLogBucket'

function dataBucket(
  plan: ResolvedPlan,
  { bucket, purpose, isStaging }: GuardedBucket & { readonly isStaging: boolean }
): TemplateResources[string] {
  const { lockMode, lockDays, archive } = plan.storage
  const isLocked = lockMode !== 'off'
  return {
    Type: 'AWS::S3::Bucket',
    ...retained,
    Properties: {
      BucketName: bucket,
      BucketEncryption: encryption({ SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn(plan, purpose) }, true),
      ...closed,
      VersioningConfiguration: { Status: 'Enabled' },
      ...(isLocked
        ? {
            ObjectLockEnabled: true,
            ObjectLockConfiguration: {
              ObjectLockEnabled: 'Enabled',
              // What is only passed on has to be gone when its days are over.
              Rule: { DefaultRetention: { Mode: lockMode, Days: isStaging ? 1 : lockDays } }
            }
          }
        : {}),
      LoggingConfiguration: {
        DestinationBucketName: refTo(accessLogBucketId),
        LogFilePrefix: `${bucket}/`
      },
      LifecycleConfiguration: {
        Rules: [
          ...(isStaging ? [expiry('Staging', stagingDays)] : []),
          ...(purpose === 'state' ? [replayed] : []),
          ...(purpose === 'sink' && !isStaging && archive !== undefined ? [archiving(archive)] : []),
          abandonedUploads
        ]
      }
    },
    // S3 checks that it may write its logs there.
    DependsOn: [`${accessLogBucketId}Policy`]
  }
}

/** No public access of any kind, and no access control lists. */
const closed = {
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true
  },
  OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }
} as const

const abandonedUploads = {
  Id: 'AbandonedUploads',
  Status: 'Enabled',
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }
} as const

/** Dead letters that were taken out are versions of the past: time enough to find that a replay was a mistake. */
const replayed = {
  Id: 'Replayed',
  Status: 'Enabled',
  NoncurrentVersionExpiration: { NoncurrentDays: 30 }
} as const

/** Written once, read seldom: the lock goes with the object. */
function archiving({ afterDays, storageClass }: NonNullable<ResolvedPlan['storage']['archive']>): object {
  return {
    Id: 'Archive',
    Status: 'Enabled',
    Transitions: [{ StorageClass: storageClass, TransitionInDays: afterDays }]
  }
}

/** With versions an expired object is only hidden: its bytes go a day later. */
function expiry(id: string, days: number): object {
  return {
    Id: id,
    Status: 'Enabled',
    ExpirationInDays: days,
    NoncurrentVersionExpiration: { NoncurrentDays: 1 }
  }
}

function encryption(byDefault: object, hasBucketKey = false): object {
  return {
    ServerSideEncryptionConfiguration: [
      {
        ServerSideEncryptionByDefault: byDefault,
        ...(hasBucketKey ? { BucketKeyEnabled: true } : {}),
        BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] }
      }
    ]
  }
}

function policy(bucketLogicalId: string, document: object): TemplateResources[string] {
  return {
    Type: 'AWS::S3::BucketPolicy',
    Properties: { Bucket: refTo(bucketLogicalId), PolicyDocument: document }
  }
}
