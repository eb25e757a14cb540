import type { PolicyStatement } from '../../infra/index.ts'

/*
 * What the custodian of the keys of the pipeline `orders` may do, whose envelope key is going to be in HSMs, as a person
 * wrote it down. Account 111122223333, region eu-west-1; the cluster is named by its logical id.
 */
export const custodianRights: readonly PolicyStatement[] = [
  { Sid: 'SeeClusters', Effect: 'Allow', Action: ['cloudhsm:DescribeClusters'], Resource: '*' },
  {
    Sid: 'FillCluster',
    Effect: 'Allow',
    Action: ['cloudhsm:CreateHsm', 'cloudhsm:InitializeCluster'],
    Resource: 'arn:aws:cloudhsm:eu-west-1:111122223333:cluster/CloudHsmCluster'
  },
  {
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
    Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }
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
    Resource: 'arn:aws:iam::111122223333:role/aws-service-role/cks.kms.amazonaws.com/*',
    Condition: { StringEquals: { 'iam:AWSServiceName': 'cks.kms.amazonaws.com' } }
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
  {
    Sid: 'NameKeys',
    Effect: 'Allow',
    Action: ['kms:CreateAlias'],
    Resource: ['arn:aws:kms:eu-west-1:111122223333:alias/orders', 'arn:aws:kms:eu-west-1:111122223333:key/*']
  }
]
