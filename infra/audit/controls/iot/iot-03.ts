import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { askKey, circumstancesOfKey, cryptographicActions, isThroughService } from '../../key-access.ts'
import { demandCustomerKey } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, principalOf } from '../../questions.ts'
import { isObject, resourceFor, resourcesOf, valueAt } from '../../readers.ts'
import { kinesisActionsOf, streamRulesOf } from './devices.ts'

export const iot03: Control = {
  id: 'IOT-03',
  severity: 'high',
  title:
    'A rule puts records to its stream with a role that can do no more, and what it could not put goes to an encrypted queue.',
  rationale:
    'The role is used for whatever a device sends. Without an error action a record that the stream did not take is gone, ' +
    'and nobody hears of it.',
  fix:
    'Give the role kinesis:PutRecord on the stream, and its key through Kinesis, and set ErrorAction.Sqs to a queue with a ' +
    'customer-managed key.',
  kind: 'resources',
  sources: { statements: [33] },
  reads: ['iot:GetTopicRule', 'iam:GetRole'],
  evaluate: model =>
    streamRulesOf(model).map(rule =>
      judge(
        rule,
        [
          ...kinesisActionsOf(rule).flatMap(action => actionProblems(model, rule, action)),
          ...errorProblems(model, rule)
        ],
        'its role puts records to the stream alone, and failures go to an encrypted queue'
      )
    )
}

function actionProblems(model: AuditModel, rule: AuditResource, action: unknown): readonly Problem[] {
  const role = resourceFor(model, valueAt(action, 'RoleArn'), 'AWS::IAM::Role')
  if (role === undefined) return [unknown('its role is not here')]
  const stream = resourceFor(model, valueAt(action, 'StreamName'), 'AWS::Kinesis::Stream')
  // A role that cannot be told may be this one.
  const errorRole = valueAt(errorQueueOf(rule), 'RoleArn')
  const isForErrors =
    typeof errorRole === 'symbol' || resourceFor(model, errorRole, 'AWS::IAM::Role') === role
  return [
    ...(stream === undefined ? [unknown('its stream is not here')] : putProblems(model, role, stream)),
    ...statementProblems(model, role, isForErrors),
    ...keyProblems(model, role)
  ]
}

function putProblems(model: AuditModel, role: AuditResource, stream: AuditResource): readonly Problem[] {
  const may = (resource: string) =>
    ask(model, { principal: principalOf(role.arn), action: 'kinesis:PutRecord', resource })
  const own = may(stream.arn)
  const elsewhere = may(`${stream.arn.slice(0, stream.arn.lastIndexOf('/'))}/another-name`)
  return [
    ...(own === 'deny' ? [wrong(`${role.id} may not put records to ${stream.id}`)] : []),
    ...(elsewhere === 'allow' ? [wrong(`${role.id} may put records to other streams`)] : []),
    ...([own, elsewhere].includes('unknown') ? [unknown(`what ${role.id} may do cannot be told`)] : [])
  ]
}

/** To send to an encrypted queue takes its key for both directions. */
function statementProblems(model: AuditModel, role: AuditResource, isForErrors: boolean): readonly Problem[] {
  const needed = [
    'kinesis:putrecord',
    'kms:generatedatakey',
    ...(isForErrors ? ['sqs:sendmessage', 'kms:decrypt'] : [])
  ]
  const statements = (model.identityPolicies.get(role.arn) ?? []).flatMap(
    ({ document }) => document.Statement
  )
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, NotAction }) => {
      if (NotAction !== undefined) return [wrong(`${role.id} may do everything but some`)]
      const others = [Action ?? []].flat().filter(action => !needed.includes(action.toLowerCase()))
      return others.length === 0 ? [] : [wrong(`${role.id} may ${others.join(', ')}`)]
    })
}

/** Its key is used through the stream, or the queue, alone. */
function keyProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  const asker = { name: role.id, principal: principalOf(role.arn) }
  return resourcesOf(model, 'AWS::KMS::Key').flatMap(key => {
    const answers = circumstancesOfKey(model, key)
      .filter(context => !isThroughService(context))
      .flatMap(context => cryptographicActions.map(action => askKey(model, key, { asker, action, context })))
    if (answers.includes('allow')) return [wrong(`${role.id} may use ${key.id} without a service between`)]
    return answers.includes('unknown')
      ? [unknown(`whether ${role.id} may use ${key.id} directly cannot be told`)]
      : []
  })
}

function errorProblems(model: AuditModel, rule: AuditResource): readonly (Problem | undefined)[] {
  const action = valueAt(rule.properties, 'TopicRulePayload', 'ErrorAction')
  if (typeof action === 'symbol') return [unknown('its error action cannot be told')]
  if (action === undefined) return [wrong('it has no error action: what the stream does not take is gone')]
  const sqs = errorQueueOf(rule)
  if (!isObject(sqs)) return [wrong('its error action is no queue')]
  const queue = queueFor(model, sqs.QueueUrl)
  if (queue === undefined) return [unknown('the queue of its error action is not here')]
  const { KmsMasterKeyId: key } = queue.properties
  return [demandCustomerKey(model, `KmsMasterKeyId of ${queue.id}`, key)]
}

function errorQueueOf({ properties }: AuditResource): unknown {
  return valueAt(properties, 'TopicRulePayload', 'ErrorAction', 'Sqs')
}

/** By its URL, which ends in its name. */
function queueFor(model: AuditModel, url: unknown): AuditResource | undefined {
  if (typeof url !== 'string') return undefined
  return resourceFor(model, url.slice(url.lastIndexOf('/') + 1), 'AWS::SQS::Queue')
}
