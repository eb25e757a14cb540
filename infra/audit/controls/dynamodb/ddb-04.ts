import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { anybody, ask, circumstancesOf, everyRight, principalsToldApart } from '../../questions.ts'
import { leaseTablesOf } from './tables.ts'

const actions = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan'].map(
  action => `dynamodb:${action}`
)

export const ddb04: Control = {
  id: 'DDB-04',
  severity: 'medium',
  title: 'The policy of the lease table denies everybody but those whom it names.',
  rationale:
    'Whoever changes a checkpoint decides which records are read again and which never. IAM alone lets every administrator ' +
    'do it.',
  fix: 'Set ResourcePolicy on the table with a deny for everybody but the roles of consumer and operator.',
  kind: 'resources',
  sources: { statements: [16, 48] },
  evaluate: model =>
    leaseTablesOf(model).map(table =>
      judge(table, problemsOf(model, table), 'its policy denies everybody whom it does not name')
    )
}

function problemsOf(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  const policy = model.resourcePolicies.get(arn)
  const contexts = circumstancesOf(policy)
  const byAnybody = actions.map(action => {
    const request = { principal: anybody(model), action, resource: arn, identity: [everyRight] }
    const answers = contexts.map(context => ask(model, { ...request, context }))
    return { action, answers }
  })
  const allowed = byAnybody.filter(({ answers }) => answers.includes('allow')).map(({ action }) => action)
  if (allowed.length > 0) return [wrong(`whomever IAM lets may ${allowed.join(', ')}`)]
  if (byAnybody.some(({ answers }) => answers.includes('unknown')))
    return [unknown('its policy cannot be told')]
  const holders = principalsToldApart(model, policy).flatMap(principal =>
    contexts.map(context =>
      ask(model, {
        principal,
        action: 'dynamodb:UpdateItem',
        resource: arn,
        identity: [everyRight],
        context
      })
    )
  )
  return holders.includes('deny') && !holders.includes('allow')
    ? [wrong('its policy lets nobody hold leases')]
    : []
}
