import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, arnOf, attributeOf, partition, region } from '../placeholders.ts'
import { oneOrMore } from '../plan-arns.ts'
import { plannedKeys } from '../plan-keys.ts'
import { cloudHsmClusterId } from '../plan-services.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { policyOf } from './shared.ts'

const anyKeyArn = arnOf('kms', 'key/*')
/** Of KMS itself, for what lies between it and a cluster. */
const keyStoreService = 'cks.kms.amazonaws.com'

/**
 * What the steps from a cluster of HSMs to the envelope key in it take, and no use of any key. Who is who inside of the
 * HSMs is none of IAM's business.
 */
export function custodianPolicy(plan: ResolvedPlan): PolicyDocument {
  const keys = plannedKeys(plan).filter(({ purpose }) => purpose === 'envelope')
  const aliases = keys
    .filter(({ givenArn }) => givenArn === undefined)
    .map(({ alias }) => arnOf('kms', alias))
  const given = keys.flatMap(({ givenArn }) => givenArn ?? [])
  return policyOf(
    { Sid: 'SeeClusters', Effect: 'Allow', Action: ['cloudhsm:DescribeClusters'], Resource: '*' },
    {
      Sid: 'FillCluster',
      Effect: 'Allow',
      Action: ['cloudhsm:CreateHsm', 'cloudhsm:InitializeCluster'],
      Resource: arnOf('cloudhsm', `cluster/${attributeOf(cloudHsmClusterId, 'ClusterId')}`)
    },
    {
      // CloudHSM connects an HSM in the name of whoever creates it.
      Sid: 'ConnectHsms',
      Effect: 'Allow',
      Action: [
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:CreateNetworkInterface',
        'ec2:CreateSecurityGroup',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
        'ec2:RevokeSecurityGroupEgress'
      ],
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': region } }
    },
    {
      Sid: 'MakeKeyStore',
      Effect: 'Allow',
      Action: ['kms:CreateCustomKeyStore', 'kms:ConnectCustomKeyStore', 'kms:DescribeCustomKeyStores'],
      Resource: '*'
    },
    {
      Sid: 'LetKmsConnect',
      Effect: 'Allow',
      Action: ['iam:CreateServiceLinkedRole'],
      Resource: `arn:${partition}:iam::${accountId}:role/aws-service-role/${keyStoreService}/*`,
      Condition: { StringEquals: { 'iam:AWSServiceName': keyStoreService } }
    },
    {
      Sid: 'MakeKeysInHsms',
      Effect: 'Allow',
      Action: ['kms:CreateKey'],
      Resource: '*',
      Condition: { StringEquals: { 'kms:KeyOrigin': 'AWS_CLOUDHSM' } }
    },
    {
      Sid: 'CheckKeys',
      Effect: 'Allow',
      Action: ['kms:DescribeKey', 'kms:GetKeyPolicy', 'kms:ListAliases'],
      Resource: '*'
    },
    aliases.length === 0
      ? []
      : {
          Sid: 'NameKeys',
          Effect: 'Allow',
          Action: ['kms:CreateAlias'],
          Resource: [...aliases, anyKeyArn]
        },
    given.length === 0
      ? []
      : { Sid: 'KeepPolicies', Effect: 'Allow', Action: ['kms:PutKeyPolicy'], Resource: oneOrMore(given) }
  )
}
