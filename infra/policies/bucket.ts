import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, refTo } from '../placeholders.ts'
import { bucketArn, keyArn, oneOrMore } from '../plan-arns.ts'
import type { PolicyConditions, PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { endpointId } from './conditions.ts'
import { policyOf } from './shared.ts'

export interface GuardedBucket {
  readonly bucket: string
  readonly purpose: 'sink' | 'state'
  /** Who writes on behalf of a service, and so does not come through the VPC's endpoint. */
  readonly writerArns: readonly string[]
}

/** Denials alone: what is allowed is in the roles. They hold for the account's administrators, too. */
export function bucketPolicy(
  plan: ResolvedPlan,
  { bucket, purpose, writerArns }: GuardedBucket,
  hasEndpoint: boolean
): PolicyDocument {
  const arn = bucketArn(bucket)
  const whole = [arn, `${arn}/*`]
  const deny = (
    sid: string,
    actions: PolicyStatement['Action'] & {},
    resource: PolicyStatement['Resource'] & {},
    condition?: PolicyConditions
  ): PolicyStatement => ({
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: actions,
    Resource: resource,
    ...(condition === undefined ? {} : { Condition: condition })
  })
  const { deployerArn } = plan.roles
  const deployer = deployerArn === undefined ? [] : [deployerArn]
  // A header that is not sent means the bucket's own encryption: only one that is sent can be wrong.
  const sent = (header: string): PolicyConditions => ({ Null: { [`s3:${header}`]: 'false' } })
  const encryption = 'x-amz-server-side-encryption'
  return policyOf(
    deny('DenyPlaintextTransport', 's3:*', whole, { Bool: { 'aws:SecureTransport': 'false' } }),
    deny('DenyOldTls', 's3:*', whole, { NumericLessThan: { 's3:TlsVersion': '1.2' } }),
    deny('DenyOtherEncryption', 's3:PutObject', whole[1]!, {
      ...sent(encryption),
      StringNotEquals: { [`s3:${encryption}`]: 'aws:kms' }
    }),
    deny('DenyOtherKey', 's3:PutObject', whole[1]!, {
      ...sent(`${encryption}-aws-kms-key-id`),
      ArnNotEquals: { [`s3:${encryption}-aws-kms-key-id`]: keyArn(plan, purpose) }
    }),
    deny('DenyCustomerKeys', 's3:PutObject', whole[1]!, sent(`${encryption}-customer-algorithm`)),
    hasEndpoint
      ? deny(
          'DenyOutsideEndpoint',
          ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
          whole,
          {
            StringNotEqualsIfExists: { 'aws:SourceVpce': refTo(endpointId('s3')) },
            BoolIfExists: { 'aws:ViaAWSService': 'false' },
            ...exceptFor([...writerArns, ...deployer])
          }
        )
      : [],
    deny(
      'DenyRetentionBypass',
      [
        's3:BypassGovernanceRetention',
        's3:DeleteObjectVersion',
        // Without a deployer nobody could be named who may still change the stack.
        ...(deployer.length === 0 ? [] : ['s3:PutBucketObjectLockConfiguration'])
      ],
      whole,
      deployer.length === 0 ? undefined : exceptFor(deployer)
    ),
    deny('DenyOtherAccounts', 's3:*', whole, {
      StringNotEquals: { 'aws:PrincipalAccount': accountId },
      Bool: { 'aws:PrincipalIsAWSService': 'false' }
    })
  )
}

function exceptFor(arns: readonly string[]): PolicyConditions {
  return arns.length === 0 ? {} : { ArnNotEquals: { 'aws:PrincipalArn': oneOrMore(arns) } }
}

/** The bucket of access logs, which S3 itself writes for the buckets of this pipeline. */
export function accessLogPolicy(logBucket: string, sources: readonly string[]): PolicyDocument {
  const arn = bucketArn(logBucket)
  const whole = [arn, `${arn}/*`]
  return policyOf(
    {
      Sid: 'S3WritesLogs',
      Effect: 'Allow',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: ['s3:PutObject'],
      Resource: `${arn}/*`,
      Condition: {
        StringEquals: { 'aws:SourceAccount': accountId },
        ArnEquals: { 'aws:SourceArn': oneOrMore(sources.map(bucketArn)) }
      }
    },
    {
      Sid: 'DenyPlaintextTransport',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: whole,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } }
    },
    {
      Sid: 'DenyOldTls',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: whole,
      Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } }
    }
  )
}
