import type { Control } from '../../control.ts'
import { judgeRoles } from '../../delivery-streams.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, foreignAccount, service } from '../../questions.ts'

export const fh02: Control = {
  id: 'FH-02',
  severity: 'high',
  title: 'Firehose assumes the delivery role for this delivery stream alone.',
  rationale:
    'A role that trusts the service without a condition is assumed for whatever delivery stream names it, of another team ' +
    'or account, too, and writes where its policies let it.',
  fix: 'Put aws:SourceAccount and aws:SourceArn of the delivery stream into the trust policy, and use a role for each.',
  kind: 'resources',
  sources: { prowler: ['iam_role_cross_service_confused_deputy_prevention'] },
  evaluate: model =>
    judgeRoles(
      model,
      (role, stream) => trustProblems(model, stream, role),
      'its roles trust Firehose for this delivery stream alone'
    )
}

function trustProblems(model: AuditModel, stream: AuditResource, role: AuditResource): readonly Problem[] {
  const assumedFor = (accountId: string, streamArn: string) =>
    ask(model, {
      principal: service('firehose.amazonaws.com'),
      action: 'sts:AssumeRole',
      resource: role.arn,
      // The external id is what older consoles bind the role with.
      context: { 'aws:SourceAccount': accountId, 'aws:SourceArn': streamArn, 'sts:ExternalId': accountId }
    })
  const { accountId } = model
  const foreign = foreignAccount(model)
  const another = `${stream.arn.slice(0, stream.arn.lastIndexOf('/'))}/another-name`
  const own = assumedFor(accountId, stream.arn)
  const elsewhere = assumedFor(foreign, stream.arn.replace(`:${accountId}:`, `:${foreign}:`))
  const beside = assumedFor(accountId, another)
  if ([own, elsewhere, beside].includes('unknown')) return [unknown(`whom ${role.id} trusts cannot be told`)]
  if (own === 'deny') return [wrong(`${role.id} does not trust Firehose for this delivery stream`)]
  if (elsewhere === 'allow') return [wrong(`${role.id} trusts Firehose for delivery streams of any account`)]
  return beside === 'allow'
    ? [wrong(`${role.id} trusts Firehose for other delivery streams of the account`)]
    : []
}
