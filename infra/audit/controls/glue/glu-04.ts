import type { Control, Finding } from '../../control.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel } from '../../model.ts'
import { type Answer, ask, everyRight, principalOf, stranger } from '../../questions.ts'
import { judgePrincipal } from '../iam/principals.ts'
import { catalogArn, hasGlue } from './catalog.ts'

const actions = [
  'GetDatabase',
  'GetTable',
  'GetTables',
  'GetPartitions',
  'CreateTable',
  'UpdateTable',
  'DeleteTable',
  'BatchCreatePartition',
  'DeleteDatabase'
].map(action => `glue:${action}`)

export const glu04: Control = {
  id: 'GLU-04',
  severity: 'medium',
  title:
    'The catalog of Glue has a policy that lets in no stranger, and roles reach the databases that they name alone.',
  rationale:
    'An account has one catalog for everybody. A right to all of it is one to the tables of other teams: to read what ' +
    'they have, or to point a table to data elsewhere.',
  fix:
    'Name database and tables in each statement for Glue, and put a policy on the catalog by glue:PutResourcePolicy: ' +
    'CloudFormation has no type for it.',
  kind: 'resources',
  sources: { statements: [66, 69], prowler: ['glue_data_catalogs_not_publicly_accessible'] },
  reads: ['glue:GetResourcePolicy', 'iam:GetRole'],
  evaluate: model =>
    hasGlue(model) || namesGlue(model) ? [catalogFinding(model), ...roleFindings(model)] : []
}

/** Whether a role is allowed something of Glue by its name, rather than by a wildcard for everything. */
function namesGlue({ identityPolicies }: AuditModel): boolean {
  return [...identityPolicies.values()]
    .flat()
    .some(({ document }) =>
      document.Statement.some(
        ({ Effect, Action }) =>
          Effect === 'Allow' && [Action ?? []].flat().some(action => /^glue:/i.test(action))
      )
    )
}

function catalogFinding(model: AuditModel): Finding {
  const arn = catalogArn(model)
  const finding = { resourceId: 'catalog', location: arn }
  if (model.unreadablePolicies?.has(arn)) {
    return { ...finding, status: 'error', evidence: 'the policy of the catalog cannot be told' }
  }
  const policy = model.resourcePolicies.get(arn)
  if (policy === undefined) {
    return model.source === 'template'
      ? {
          ...finding,
          status: 'manual',
          evidence: 'no template has the policy of the catalog: see that it has one'
        }
      : { ...finding, status: 'fail', evidence: 'the catalog has no policy' }
  }
  const answers = actions.flatMap(action =>
    tables(model, 'any').map(resource =>
      ask(model, { principal: stranger(model), action, resource, identity: [everyRight] })
    )
  )
  if (answers.includes('allow'))
    return { ...finding, status: 'fail', evidence: 'any account may use the catalog' }
  return answers.includes('unknown')
    ? { ...finding, status: 'error', evidence: 'the policy of the catalog cannot be told' }
    : { ...finding, status: 'pass', evidence: 'the policy of the catalog lets in no stranger' }
}

function roleFindings(model: AuditModel): readonly Finding[] {
  return [...model.identityPolicies.keys()].flatMap(arn => {
    const answers = actions.map(action => [action, answerOf(model, arn, action)] as const)
    const reached = answers.filter(([, answer]) => answer === 'allow').map(([action]) => action)
    const problems: Problem[] = []
    if (reached.length > 0) problems.push(wrong(`may ${reached.join(', ')} in other databases`))
    if (answers.some(([, answer]) => answer === 'unknown')) {
      problems.push(unknown('what it may do in the catalog cannot be told'))
    }
    return problems.length === 0 && !isOfGlue(model, arn)
      ? []
      : [judgePrincipal(model, arn, problems, 'reaches the databases that it names alone')]
  })
}

function isOfGlue(model: AuditModel, arn: string): boolean {
  return namesGlue({ ...model, identityPolicies: new Map([[arn, model.identityPolicies.get(arn) ?? []]]) })
}

/** Of a database and a table that nobody has a reason to name. */
function answerOf(model: AuditModel, arn: string, action: string): Answer {
  const answers = tables(model, 'another_name').map(resource =>
    ask(model, { principal: principalOf(arn), action, resource })
  )
  if (answers.includes('allow')) return 'allow'
  return answers.includes('unknown') ? 'unknown' : 'deny'
}

function tables(model: AuditModel, database: string): readonly string[] {
  const catalog = catalogArn(model)
  return [
    catalog.replace(/catalog$/, `database/${database}`),
    catalog.replace(/catalog$/, `table/${database}/any`)
  ]
}
