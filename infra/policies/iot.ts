import type { ResolvedIot, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, arnOf } from '../placeholders.ts'
import { iotLogGroup, keyArn, logGroupArn, queueArn, streamArn } from '../plan-arns.ts'
import { iotErrorQueue, iotRuleArn } from '../plan-services.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { throughIot, throughKinesis, throughSqs } from './conditions.ts'
import { policyOf } from './shared.ts'

// Written so that neither we nor Fn::Sub take it for a placeholder: the policy has it without the exclamation mark.
const ownName = '${!iot:Connection.Thing.ThingName}'

/** What a device may do: connect as the thing that its certificate belongs to, and publish under its own name. */
export function devicePolicy({ topic }: ResolvedIot): PolicyDocument {
  return policyOf(
    {
      Sid: 'ConnectAsItself',
      Effect: 'Allow',
      Action: ['iot:Connect'],
      Resource: arnOf('iot', `client/${ownName}`),
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } }
    },
    {
      Sid: 'PublishAsItself',
      Effect: 'Allow',
      Action: ['iot:Publish'],
      Resource: arnOf('iot', `topic/${topic}/${ownName}`)
    }
  )
}

/** Of the rule: puts into the stream. */
export function iotRulePolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(
    { Sid: 'PutRecord', Effect: 'Allow', Action: ['kinesis:PutRecord'], Resource: streamArn(plan) },
    {
      Sid: 'StreamSseWrite',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: keyArn(plan, 'stream'),
      Condition: throughKinesis(plan)
    }
  )
}

/** Of the rule's error action: keeps what did not get there. */
export function iotErrorPolicy(plan: ResolvedPlan): PolicyDocument {
  const queue = queueArn(iotErrorQueue(plan))
  return policyOf(
    { Sid: 'PutAside', Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: queue },
    {
      Sid: 'ErrorKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: keyArn(plan, 'state'),
      Condition: throughSqs([queue])
    }
  )
}

export function iotLoggingPolicy(): PolicyDocument {
  return policyOf({
    Sid: 'WriteLog',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: `${logGroupArn(iotLogGroup)}:log-stream:*`
  })
}

/** Of IoT Core itself, for what it keeps. */
export function iotKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  const key = keyArn(plan, 'services')
  return policyOf(
    { Sid: 'SeeKey', Effect: 'Allow', Action: ['kms:DescribeKey'], Resource: key },
    {
      Sid: 'UseKey',
      Effect: 'Allow',
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: key,
      Condition: throughIot()
    }
  )
}

/** For this rule, or for IoT Core of this account where no rule is meant. */
export function iotTrust(plan: ResolvedPlan, isForRule: boolean): PolicyDocument {
  return policyOf({
    Sid: isForRule ? 'IotForThisRule' : 'IotForThisAccount',
    Effect: 'Allow',
    Principal: { Service: 'iot.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnLike: { 'aws:SourceArn': isForRule ? iotRuleArn(plan) : arnOf('iot', '*') }
    }
  })
}
