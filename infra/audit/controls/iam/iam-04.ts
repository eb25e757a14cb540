import type { Control, Finding } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { type Answer, ask, everyRight, foreignAccount, service, stranger } from '../../questions.ts'
import { resourcesOf, valueAt } from '../../readers.ts'

/**
 * Services that take a role from whoever may configure the resource that has it: in its own account alone, by iam:PassRole.
 * They tell no source when they assume it.
 */
const withoutSource = /^(lambda|ec2|edgelambda|eks|pods\.eks)\.amazonaws\.com/

export const iam04: Control = {
  id: 'IAM-04',
  severity: 'medium',
  title:
    'Roles of services are bound to their source, and people come by a federation, not with keys that last.',
  rationale:
    'A service acts for many customers. Without a condition on the source it can be led, by a resource of somebody else, ' +
    'to act with this role. An access key of a user works from anywhere until somebody removes it.',
  fix: 'Add aws:SourceAccount and aws:SourceArn to the trust of services, and remove access keys and passwords of users.',
  kind: 'resources',
  sources: { prowler: ['iam_role_cross_service_confused_deputy_prevention'] },
  evaluate: model => [
    ...resourcesOf(model, 'AWS::IAM::Role').map(role =>
      judge(role, trustProblems(model, role), 'trusts nobody beyond its source')
    ),
    ...resourcesOf(model, 'AWS::IAM::AccessKey').map(key => failing(key, 'is a key that lasts')),
    ...resourcesOf(model, 'AWS::IAM::User')
      .filter(({ properties }) => valueAt(properties, 'LoginProfile') !== undefined)
      .map(user => failing(user, 'has a password of its own'))
  ]
}

function trustProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  const trust = model.resourcePolicies.get(role.arn)
  if (trust === undefined) return [unknown('whom it trusts cannot be told')]
  const services = trust.document.Statement.flatMap(({ Principal }) =>
    typeof Principal === 'object' ? [Principal.Service ?? []].flat() : []
  ).filter(name => !withoutSource.test(name))
  const account = foreignAccount(model)
  const ofOthers = {
    'aws:SourceAccount': account,
    'aws:SourceArn': `arn:${model.partition}:any:${model.region}:${account}:any/of-others`
  }
  const action = 'sts:AssumeRole'
  return [
    ...[...new Set(services)].flatMap(name => {
      const answers = [{}, ofOthers].map(context =>
        ask(model, { principal: service(name), action, resource: role.arn, context })
      )
      return told(answers, `${name} may assume it for others, too`)
    }),
    ...told(
      [ask(model, { principal: stranger(model), identity: [everyRight], action, resource: role.arn })],
      'any account may assume it'
    )
  ]
}

function told(answers: readonly Answer[], what: string): readonly Problem[] {
  if (answers.includes('allow')) return [wrong(what)]
  return answers.includes('unknown') ? [unknown(`whether ${what} cannot be told`)] : []
}

function failing({ id, location }: AuditResource, evidence: string): Finding {
  return { status: 'fail', resourceId: id, location, evidence }
}
