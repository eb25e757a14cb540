import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import {
  type Answer,
  anybody,
  ask,
  everyRight,
  nameOfPrincipal,
  principalsOf,
  stranger
} from '../../questions.ts'
import { queuesOf } from './queues.ts'

export const sqs03: Control = {
  id: 'SQS-03',
  severity: 'high',
  title:
    'No stranger uses a queue, nobody sends to it whom its policy does not name, and who sends does not receive.',
  rationale:
    'Who can send to the queue of dead letters can have records replayed that never were in the stream. Who can both send ' +
    'and receive can take letters out and put others in.',
  fix: 'Deny sqs:SendMessage to everybody but the consumer in the policy of the queue, and let the operator alone receive.',
  kind: 'resources',
  sources: {
    statements: [25],
    securityHub: ['SQS.3'],
    prowler: ['sqs_queues_not_publicly_accessible']
  },
  reads: ['iam:GetRole'],
  evaluate: model =>
    queuesOf(model).map(queue =>
      judge(
        queue,
        [...outsideProblems(model, queue), ...roleProblems(model, queue)],
        'its policy says who sends, and no role both sends and receives'
      )
    )
}

function outsideProblems(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  const identity = [everyRight]
  const byStranger = ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:GetQueueAttributes'].map(action =>
    ask(model, { principal: stranger(model), action, resource: arn, identity })
  )
  const byAnybody = ask(model, {
    principal: anybody(model),
    action: 'sqs:SendMessage',
    resource: arn,
    identity
  })
  const problems = []
  if (byStranger.includes('allow')) problems.push(wrong('any account may use it'))
  if (byAnybody === 'allow')
    problems.push(wrong('whomever IAM lets may send to it: its policy denies nobody'))
  if ([...byStranger, byAnybody].includes('unknown')) problems.push(unknown('its policy cannot be told'))
  return problems
}

function roleProblems(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  return principalsOf(model).flatMap(principal => {
    const may = (action: string): Answer => ask(model, { principal, action, resource: arn })
    const answers = [may('sqs:SendMessage'), may('sqs:ReceiveMessage')]
    const name = nameOfPrincipal(model, principal)
    if (answers.every(answer => answer === 'allow')) return [wrong(`${name} may both send and receive`)]
    return answers.includes('unknown') && !answers.includes('deny')
      ? [unknown(`what ${name} may do cannot be told`)]
      : []
  })
}
