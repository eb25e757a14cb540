import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import {
  applicationArn,
  deliveryRoleId,
  jobLogGroups,
  logGroupArn,
  oneOrMore,
  roleArn,
  roleIds,
  streamArnOf
} from '../plan-arns.ts'
import { outputStream, securityConfiguration } from '../plan-services.ts'
import type { PolicyConditions, PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { stateOf, throughGlue, throughIot, throughStream } from './conditions.ts'
import { administering, lettingLogs } from './key-administration.ts'
import { policyOf } from './shared.ts'

/** The key of what the services beside the pipeline keep at rest, each of them for its own resources. */
export function servicesKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(administering(plan), glue(plan), flink(plan), iot(plan))
}

function glue(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { glue: catalogue } = plan.services
  if (catalogue === undefined) return []
  const readers = catalogue.conversions.map(({ deliveryStreamName }) =>
    roleArn(deliveryRoleId(deliveryStreamName))
  )
  const shared = { Effect: 'Allow', Resource: '*', Condition: throughGlue() } as const
  return [
    {
      Sid: 'DeployerMakesTables',
      Principal: { AWS: plan.roles.deployerArn! },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      ...shared
    },
    ...(readers.length === 0
      ? []
      : [
          {
            Sid: 'DeliveriesReadSchemas',
            Principal: { AWS: oneOrMore(readers) },
            Action: ['kms:Decrypt'],
            ...shared
          }
        ]),
    lettingLogs('JobLogs', [logGroupArn(jobLogGroups(securityConfiguration(plan)))])
  ]
}

/**
 * As the service demands it (https://docs.aws.amazon.com/managed-flink/latest/java/manage-cmk-api.html): the application's
 * state that lasts by one of its principals, that of the running application by the other, and whoever makes it for both.
 */
function flink(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { flink: application } = plan.services
  if (application === undefined) return []
  const arn = applicationArn(application.name)
  const deployer = { AWS: plan.roles.deployerArn! }
  const forApplication = { 'aws:SourceAccount': accountId, 'aws:SourceArn': arn }
  const [lasting, running] = ['kinesisanalytics', 'infrastructure.kinesisanalytics'].map(
    name => `${name}.amazonaws.com`
  ) as [string, string]
  const ofService = stateOf(arn, true)
  const onlyToDecrypt = (condition: PolicyConditions): PolicyConditions => ({
    StringEquals: { ...condition.StringEquals, 'kms:GrantConstraintType': 'EncryptionContextSubset' },
    'ForAllValues:StringEquals': { 'kms:GrantOperations': 'Decrypt' }
  })
  const allow = (
    sid: string,
    principal: PolicyStatement['Principal'] & {},
    actions: readonly string[],
    condition: PolicyConditions
  ): PolicyStatement => ({
    Sid: sid,
    Effect: 'Allow',
    Principal: principal,
    Action: actions,
    Resource: '*',
    Condition: condition
  })
  const output = outputStream(plan)
  return [
    allow(
      'DeployerMakesApplication',
      deployer,
      ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext'],
      stateOf(arn)
    ),
    allow('DeployerLetsItRun', deployer, ['kms:CreateGrant'], onlyToDecrypt(stateOf(arn))),
    allow('FlinkSeesKey', { Service: [lasting, running] }, ['kms:DescribeKey'], {
      StringEquals: forApplication
    }),
    allow('FlinkKeepsState', { Service: lasting }, ['kms:GenerateDataKey'], {
      StringEquals: { ...ofService.StringEquals, ...forApplication }
    }),
    allow('FlinkReadsState', { Service: lasting }, ['kms:Decrypt'], ofService),
    allow(
      'FlinkRuns',
      { Service: running },
      ['kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext'],
      ofService
    ),
    allow('FlinkLetsItRun', { Service: running }, ['kms:CreateGrant'], onlyToDecrypt(ofService)),
    ...(output === undefined
      ? []
      : [
          allow(
            'FlinkWritesThroughKinesis',
            { AWS: roleArn(roleIds.flink) },
            ['kms:GenerateDataKey'],
            throughStream(streamArnOf(output))
          )
        ])
  ]
}

function iot(plan: ResolvedPlan): readonly PolicyStatement[] {
  if (plan.services.iot?.encryption !== true) return []
  return [
    {
      Sid: 'IotKeepsWhatItHas',
      Effect: 'Allow',
      Principal: { AWS: roleArn(roleIds.iotKey) },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: throughIot()
    }
  ]
}
