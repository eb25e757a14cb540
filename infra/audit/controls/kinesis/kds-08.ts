import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, nameOfPrincipal, principalsOf } from '../../questions.ts'
import { demandRetained } from '../../retained.ts'
import { streamsOf } from './streams.ts'

const forbidden = [
  'kinesis:StopStreamEncryption',
  'kinesis:DecreaseStreamRetentionPeriod',
  'kinesis:CreateChannel',
  'kinesis:AssociateStreamsWithChannel',
  'kinesis:DeleteStream',
  'kinesis:PutResourcePolicy'
]

export const kds08: Control = {
  id: 'KDS-08',
  severity: 'high',
  title: 'No role can turn the encryption off, shorten retention, add a channel or delete the stream.',
  rationale:
    'Each of these undoes a promise of the pipeline with one call, and none is needed to put or read records. The stream ' +
    'also has to outlive a stack that is deleted by mistake.',
  fix: 'Remove the actions from the role, and set DeletionPolicy Retain on the stream.',
  kind: 'resources',
  sources: {},
  reads: ['iam:GetRole'],
  evaluate: model =>
    streamsOf(model).map(stream =>
      judge(
        stream,
        [...demandRetained(model, stream), ...roleProblems(model, stream)],
        `${model.source === 'template' ? 'it outlives its stack, and ' : ''}no role can undo its guards`
      )
    )
}

function roleProblems(model: AuditModel, stream: AuditResource): readonly Problem[] {
  return principalsOf(model).flatMap(principal => {
    const name = nameOfPrincipal(model, principal)
    const answers = forbidden.map(action => [action, ask(model, { principal, action, resource: stream.arn })])
    const allowed = answers.filter(([, answer]) => answer === 'allow').map(([action]) => action)
    if (allowed.length > 0) return [wrong(`${name} may ${allowed.join(', ')}`)]
    return answers.some(([, answer]) => answer === 'unknown')
      ? [unknown(`what ${name} may do cannot be told`)]
      : []
  })
}
