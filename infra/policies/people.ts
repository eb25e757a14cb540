import type { ResolvedPlan } from '../../pipeline/plan.ts'
import {
  deliveryRoleId,
  keyArn,
  oneOrMore,
  opensRecords,
  readerRoleId,
  roleArn,
  roleIds,
  transformRoleId
} from '../plan-arns.ts'
import { sinkBucketArns, sourcedDeliveries } from '../plan-readers.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { throughS3 } from './conditions.ts'
import { neverWrapping, policyOf, unwrapping } from './shared.ts'

/*
 * Policies for people, whose roles are there already. What a deployer needs besides depends on how a stack is deployed.
 */

/** Passes each role to its service alone. */
export function deployerPolicy(plan: ResolvedPlan): PolicyDocument {
  const deliveries = [...plan.destinations, ...sourcedDeliveries(plan)]
  const functions = plan.services.functions.map(({ name, use }) =>
    use === 'transform' ? transformRoleId(name) : readerRoleId(name)
  )
  return policyOf(
    passing(
      'PassDeliveryRoles',
      deliveries.map(({ deliveryStreamName }) => deliveryRoleId(deliveryStreamName)),
      'firehose'
    ),
    passing('PassFunctionRoles', functions, 'lambda'),
    passing('PassFlinkRole', plan.services.flink === undefined ? [] : [roleIds.flink], 'kinesisanalytics'),
    passing('PassIotRoles', iotRoles(plan), 'iot')
  )
}

function iotRoles({ services: { iot } }: ResolvedPlan): readonly string[] {
  if (iot === undefined) return []
  return [
    roleIds.iotRule,
    roleIds.iotError,
    ...(iot.logging ? [roleIds.iotLogging] : []),
    ...(iot.encryption ? [roleIds.iotKey] : [])
  ]
}

function passing(sid: string, ids: readonly string[], service: string): readonly PolicyStatement[] {
  if (ids.length === 0) return []
  return [
    {
      Sid: sid,
      Effect: 'Allow',
      Action: ['iam:PassRole'],
      Resource: oneOrMore(ids.map(roleArn)),
      Condition: { StringEquals: { 'iam:PassedToService': `${service}.amazonaws.com` } }
    }
  ]
}

/** Reads what was delivered, and opens it where sealed bytes were. */
export function analystPolicy(plan: ResolvedPlan): PolicyDocument {
  const buckets = sinkBucketArns(plan)
  return policyOf(
    { Sid: 'FindObjects', Effect: 'Allow', Action: ['s3:ListBucket'], Resource: oneOrMore(buckets) },
    {
      Sid: 'ReadObjects',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: oneOrMore(buckets.map(arn => `${arn}/*`))
    },
    {
      Sid: 'SinkKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: keyArn(plan, 'sink'),
      Condition: throughS3(buckets)
    },
    opensRecords(plan) ? [] : [...unwrapping(plan, false), ...neverWrapping(plan)]
  )
}
