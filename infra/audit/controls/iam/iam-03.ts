import type { AccessPrincipal } from '../../../access.ts'
import type { Control, Finding } from '../../control.ts'
import { envelopeKeys } from '../../envelope-key.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import {
  askKey,
  circumstancesOfKey,
  type KeyContext,
  unwrappingActions,
  wrappingActions
} from '../../key-access.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { type Answer, ask, nameOfPrincipal, principalsOf, service } from '../../questions.ts'
import { resourcesOf } from '../../readers.ts'
import { judgePrincipal } from './principals.ts'

const writes = ['kinesis:PutRecord', 'kinesis:PutRecords'] as const
const reads = ['kinesis:GetRecords', 'kinesis:SubscribeToShard'] as const

export const iam03: Control = {
  id: 'IAM-03',
  severity: 'critical',
  title:
    'Who writes the stream cannot read it or unwrap, who reads it cannot write it or wrap, and Firehose can neither.',
  rationale:
    'Each role has one direction. Taken together, stream, envelope key and role leave nobody who can take a record out, ' +
    'open it, alter it and put it back.',
  fix: 'Split the role: one that puts and wraps, one that gets and unwraps, one for Firehose with no right to the envelope key.',
  kind: 'resources',
  sources: { statements: [24] },
  evaluate: model => {
    const streams = resourcesOf(model, 'AWS::Kinesis::Stream')
    const keys = envelopeKeys(model).map(key => ({ key, circumstances: circumstancesOfKey(model, key) }))
    if (streams.length === 0) return []
    return principalsOf(model).flatMap((principal): readonly Finding[] => {
      const onKeys = (actions: readonly string[]): Answer =>
        anyOf(
          keys.flatMap(({ key, circumstances }) =>
            answersOfKey(model, key, principal, actions, circumstances)
          )
        )
      const onStreams = (actions: readonly string[]): readonly Answer[] =>
        streams.map(({ arn }) => anyOf(actions.map(action => askStream(model, principal, action, arn))))
      const writing = onStreams(writes)
      const reading = onStreams(reads)
      const mayWrite = anyOf(writing)
      const mayRead = anyOf(reading)
      const problems = [
        ...streams.flatMap(({ id }, index) =>
          both(writing[index]!, reading[index]!, `may write and read ${id}`)
        ),
        ...both(mayWrite, onKeys(unwrappingActions), 'may write a stream and unwrap'),
        ...both(mayRead, onKeys(wrappingActions), 'may read a stream and wrap'),
        ...(isOfFirehose(model, principal)
          ? both(
              'allow',
              onKeys([...wrappingActions, ...unwrappingActions]),
              'is of Firehose and may use the envelope key'
            )
          : [])
      ]
      if (problems.length === 0 && mayWrite === 'deny' && mayRead === 'deny') return []
      const roles = [mayWrite === 'allow' ? 'writes' : undefined, mayRead === 'allow' ? 'reads' : undefined]
      const evidence = `${nameOfPrincipal(model, principal)} ${roles.filter(role => role !== undefined).join(', ') || 'has no part'}, and no more`
      return [judgePrincipal(model, principal.arn, problems, evidence)]
    })
  }
}

function askStream(model: AuditModel, principal: AccessPrincipal, action: string, arn: string): Answer {
  // Fan-out is allowed on the consumer, whose ARN begins with that of the stream.
  const resource = action === 'kinesis:SubscribeToShard' ? `${arn}/consumer/any:0` : arn
  return ask(model, { principal, action, resource })
}

function answersOfKey(
  model: AuditModel,
  key: AuditResource,
  principal: AccessPrincipal,
  actions: readonly string[],
  circumstances: readonly KeyContext[]
): readonly Answer[] {
  const asker = { name: principal.arn, principal }
  return actions.flatMap(action =>
    circumstances.map(context => askKey(model, key, { asker, action, context }))
  )
}

function isOfFirehose(model: AuditModel, { arn }: AccessPrincipal): boolean {
  const trust = model.resourcePolicies.get(arn)
  return (
    trust?.document.Statement.some(
      ({ Effect, Principal }) =>
        Effect === 'Allow' &&
        typeof Principal === 'object' &&
        [Principal.Service ?? []].flat().includes(service('firehose.amazonaws.com').arn)
    ) ?? false
  )
}

function anyOf(answers: readonly Answer[]): Answer {
  if (answers.includes('allow')) return 'allow'
  return answers.includes('unknown') ? 'unknown' : 'deny'
}

function both(one: Answer, other: Answer, what: string): readonly Problem[] {
  if (one === 'deny' || other === 'deny') return []
  return [one === 'allow' && other === 'allow' ? wrong(what) : unknown(`whether it ${what} cannot be told`)]
}
