import type { Control } from '../../control.ts'
import { envelopeKeys } from '../../envelope-key.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import { askKey, circumstancesOfKey, unwrappingActions } from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { type Answer, ask, foreignAccount, isNamedBy, principalOf, service } from '../../questions.ts'
import { resourceFor, resourcesOf } from '../../readers.ts'
import { applicationsOf } from './applications.ts'

/** What an application could read or write past its sources and its output. */
const elsewhere: readonly (readonly [action: string, resource: string])[] = [
  ['kinesis:GetRecords', 'kinesis:{at}:stream/another-name'],
  ['kinesis:SubscribeToShard', 'kinesis:{at}:stream/another-name/consumer/another-name:1'],
  ['kinesis:PutRecord', 'kinesis:{at}:stream/another-name'],
  ['kinesis:PutRecords', 'kinesis:{at}:stream/another-name'],
  ['firehose:PutRecord', 'firehose:{at}:deliverystream/another-name'],
  ['firehose:PutRecordBatch', 'firehose:{at}:deliverystream/another-name'],
  ['s3:GetObject', 's3:::another-name/any/object'],
  ['s3:PutObject', 's3:::another-name/any/object'],
  ['sqs:SendMessage', 'sqs:{at}:another-name'],
  ['dynamodb:PutItem', 'dynamodb:{at}:table/another-name']
]

export const msf03: Control = {
  id: 'MSF-03',
  severity: 'high',
  title:
    'The role of a Flink application is for it alone, reads its sources, writes its output, and unwraps if the key names it.',
  rationale:
    'The code of an application is whatever was put into its bucket. Its role bounds what that code reaches, and the ' +
    'service takes the role on for whatever application names it.',
  fix:
    'Name streams, buckets and outputs in the role, bind its trust by aws:SourceArn of the application, and let it unwrap in ' +
    'the policy of the envelope key or not at all.',
  kind: 'resources',
  sources: { statements: [20, 21] },
  reads: ['kinesisanalytics:DescribeApplication', 'iam:GetRole'],
  evaluate: model =>
    applicationsOf(model).map(application =>
      judge(application, problemsOf(model, application), 'its role is its own, and bounded')
    )
}

function problemsOf(model: AuditModel, application: AuditResource): readonly Problem[] {
  const role = resourceFor(model, application.properties.ServiceExecutionRole, 'AWS::IAM::Role')
  if (role === undefined) return [unknown('its role is not here')]
  return [
    ...trustProblems(model, application, role),
    ...reachProblems(model, role),
    ...streamProblems(model, role),
    ...keyProblems(model, role)
  ]
}

function trustProblems(model: AuditModel, { arn }: AuditResource, role: AuditResource): readonly Problem[] {
  const assumedFor = (accountId: string, applicationArn: string): Answer =>
    ask(model, {
      principal: service('kinesisanalytics.amazonaws.com'),
      action: 'sts:AssumeRole',
      resource: role.arn,
      context: { 'aws:SourceAccount': accountId, 'aws:SourceArn': applicationArn }
    })
  const { accountId } = model
  const foreign = foreignAccount(model)
  const own = assumedFor(accountId, arn)
  const beside = assumedFor(accountId, `${arn.slice(0, arn.lastIndexOf('/'))}/another-name`)
  const abroad = assumedFor(foreign, arn.replace(`:${accountId}:`, `:${foreign}:`))
  if ([own, beside, abroad].includes('unknown')) return [unknown(`whom ${role.id} trusts cannot be told`)]
  if (own === 'deny') return [wrong(`${role.id} does not trust the service for this application`)]
  return [beside, abroad].includes('allow')
    ? [wrong(`${role.id} trusts the service for other applications, too`)]
    : []
}

function reachProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  const at = `${model.region}:${model.accountId}`
  const answers = elsewhere.map(([action, resource]) => ({
    action,
    answer: ask(model, {
      principal: principalOf(role.arn),
      action,
      resource: `arn:${model.partition}:${resource.replace('{at}', at)}`
    })
  }))
  const allowed = answers.filter(({ answer }) => answer === 'allow').map(({ action }) => action)
  if (allowed.length > 0) return [wrong(`${role.id} may ${allowed.join(', ')} elsewhere`)]
  return answers.some(({ answer }) => answer === 'unknown')
    ? [unknown(`what ${role.id} may do cannot be told`)]
    : []
}

function streamProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  const may = (actions: readonly string[], resource: string): boolean =>
    actions.some(action => ask(model, { principal: principalOf(role.arn), action, resource }) === 'allow')
  return resourcesOf(model, 'AWS::Kinesis::Stream')
    .filter(
      ({ arn }) => may(['kinesis:GetRecords'], arn) && may(['kinesis:PutRecord', 'kinesis:PutRecords'], arn)
    )
    .map(({ id }) => wrong(`${role.id} may write ${id}, which it reads`))
}

/** Who opens records is told by the policy of the envelope key. */
function keyProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  const asker = { name: role.id, principal: principalOf(role.arn) }
  return envelopeKeys(model).flatMap(key => {
    const answers = circumstancesOfKey(model, key).flatMap(context =>
      unwrappingActions.map(action => askKey(model, key, { asker, action, context }))
    )
    if (answers.includes('allow') && !isNamedBy(model.resourcePolicies.get(key.arn), role.arn)) {
      return [wrong(`${role.id} may unwrap, and the policy of ${key.id} does not name it`)]
    }
    return answers.includes('unknown')
      ? [unknown(`whether ${role.id} may unwrap with ${key.id} cannot be told`)]
      : []
  })
}
