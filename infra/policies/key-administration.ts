import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { mostRecoveryDays } from '../limits.ts'
import { region } from '../placeholders.ts'
import { accountRootArn, oneOrMore } from '../plan-arns.ts'
import type { PolicyConditions, PolicyStatement } from '../policy-document.ts'

/**
 * What the account may do with a key by IAM. `kms:*`, as a key has it by default, would let every administrator use it: none
 * of these actions touches data.
 */
export function administering({ roles }: ResolvedPlan): readonly PolicyStatement[] {
  const { deployerArn, custodianArn } = roles
  const keepers = [custodianArn, deployerArn].filter(arn => arn !== undefined)
  const onlyKeepers: PolicyStatement = {
    Sid: 'PolicyOnlyByCustodian',
    Effect: 'Deny',
    Principal: '*',
    Action: ['kms:PutKeyPolicy'],
    Resource: '*',
    Condition: { ArnNotEquals: { 'aws:PrincipalArn': oneOrMore(keepers) } }
  }
  return [
    {
      Sid: 'AdministerWithoutUse',
      Effect: 'Allow',
      Principal: { AWS: accountRootArn },
      Action: [
        'kms:CancelKeyDeletion',
        'kms:CreateAlias',
        'kms:DeleteAlias',
        'kms:DescribeKey',
        'kms:DisableKey',
        'kms:DisableKeyRotation',
        'kms:EnableKey',
        'kms:EnableKeyRotation',
        'kms:GetKeyLastUsage',
        'kms:GetKeyPolicy',
        'kms:GetKeyRotationStatus',
        'kms:ListGrants',
        'kms:ListKeyPolicies',
        'kms:ListKeyRotations',
        'kms:ListResourceTags',
        'kms:PutKeyPolicy',
        'kms:RevokeGrant',
        'kms:RotateKeyOnDemand',
        'kms:ScheduleKeyDeletion',
        'kms:TagResource',
        'kms:UntagResource',
        'kms:UpdateAlias',
        'kms:UpdateKeyDescription'
      ],
      Resource: '*'
    },
    ...(custodianArn === undefined ? [] : [onlyKeepers]),
    {
      Sid: 'NoQuickDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: {
        NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': String(mostRecoveryDays) }
      }
    }
  ]
}

/** The deployer, or without one whoever has the right in IAM, lets a service use the key for a resource of its own. */
export function lettingService(
  { roles }: ResolvedPlan,
  sid: string,
  condition: PolicyConditions
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: { AWS: roles.deployerArn ?? accountRootArn },
    Action: ['kms:CreateGrant'],
    Resource: '*',
    Condition: condition
  }
}

/** The service of logs itself encrypts these groups, and no others. */
export function lettingLogs(sid: string, logGroupArns: readonly string[]): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: [
      'kms:Encrypt',
      'kms:Decrypt',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
      'kms:GenerateDataKey',
      'kms:DescribeKey'
    ],
    Resource: '*',
    Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': oneOrMore(logGroupArns) } }
  }
}
