import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { oneOrMore, queueArn, roleArn, roleIds } from '../plan-arns.ts'
import { mappedFunctions } from '../plan-readers.ts'
import { iotErrorQueue } from '../plan-services.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { policyOf } from './shared.ts'

/** The queue of dead letters: the consumer sends, the replayer takes out, and nobody else does either. */
export function deadLetterQueuePolicy(plan: ResolvedPlan): PolicyDocument {
  const arn = queueArn(plan.deadLetters.queue)
  const replayer = plan.roles.replayer ? [roleArn(roleIds.replayer)] : []
  return policyOf(denyPlaintextTransport(arn), sends(arn, [roleArn(roleIds.consumer)]), takes(arn, replayer))
}

/** A queue of what Lambda gave up: the functions' roles send, and whoever IAM allows it takes out. */
export function failureQueuePolicy(plan: ResolvedPlan, queue: string): PolicyDocument {
  const own = mappedFunctions(plan).filter(({ onFailureQueue }) => onFailureQueue === queue)
  const arn = queueArn(queue)
  return policyOf(denyPlaintextTransport(arn), sends(arn, [...new Set(own.map(each => each.roleArn))]))
}

/** A queue of what devices sent in vain: the rule's error action sends, and whoever IAM allows it takes out. */
export function iotErrorQueuePolicy(plan: ResolvedPlan): PolicyDocument {
  const arn = queueArn(iotErrorQueue(plan))
  return policyOf(denyPlaintextTransport(arn), sends(arn, [roleArn(roleIds.iotError)]))
}

function denyPlaintextTransport(arn: string): PolicyStatement {
  return {
    Sid: 'DenyPlaintextTransport',
    Effect: 'Deny',
    Principal: '*',
    Action: 'sqs:*',
    Resource: arn,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } }
  }
}

function sends(arn: string, senders: readonly string[]): readonly PolicyStatement[] {
  return onlyBy('Send', ['sqs:SendMessage'], arn, senders)
}

function takes(arn: string, takers: readonly string[]): readonly PolicyStatement[] {
  return onlyBy(
    'Drain',
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
    arn,
    takers
  )
}

/** Allowed to these, and denied to everybody else; to everybody where there are none. */
function onlyBy(
  verb: string,
  actions: readonly string[],
  arn: string,
  principals: readonly string[]
): readonly PolicyStatement[] {
  const shared = { Action: actions, Resource: arn } as const
  if (principals.length === 0) return [{ Sid: `Nobody${verb}s`, Effect: 'Deny', Principal: '*', ...shared }]
  return [
    { Sid: `Declared${verb}s`, Effect: 'Allow', Principal: { AWS: oneOrMore(principals) }, ...shared },
    {
      Sid: `OnlyDeclared${verb}s`,
      Effect: 'Deny',
      Principal: '*',
      ...shared,
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': oneOrMore(principals) } }
    }
  ]
}
