import type { Control } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, nameOfPrincipal, principalsOf } from '../../questions.ts'
import { leaseTablesOf } from './tables.ts'

const forbidden = ['dynamodb:CreateTable', 'dynamodb:UpdateTable', 'dynamodb:DeleteTable']

export const ddb02: Control = {
  id: 'DDB-02',
  severity: 'high',
  title: 'Who holds leases cannot make, alter or delete tables.',
  rationale:
    'A consumer that makes its own table makes it without a key, as the KCL does, and one that may alter it can take the ' +
    'key away. The table is infrastructure.',
  fix: 'Take dynamodb:CreateTable, UpdateTable and DeleteTable away from the consumer, and make the table beforehand.',
  kind: 'resources',
  sources: { statements: [16] },
  reads: ['iam:GetRole'],
  evaluate: model =>
    leaseTablesOf(model).map(table =>
      judge(table, problemsOf(model, table), 'nobody who holds leases can make, alter or delete it')
    )
}

function problemsOf(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  return principalsOf(model).flatMap(principal => {
    const may = (action: string) => ask(model, { principal, action, resource: arn })
    const name = nameOfPrincipal(model, principal)
    const holds = may('dynamodb:UpdateItem')
    if (holds === 'deny') return []
    const answers = forbidden.map(action => [action, may(action)])
    const allowed = answers.filter(([, answer]) => answer === 'allow').map(([action]) => action)
    if (holds === 'allow' && allowed.length > 0) return [wrong(`${name} may ${allowed.join(', ')}`)]
    return holds === 'unknown' || answers.some(([, answer]) => answer === 'unknown')
      ? [unknown(`what ${name} may do cannot be told`)]
      : []
  })
}
