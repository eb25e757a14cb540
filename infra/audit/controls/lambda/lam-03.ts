import type { Control } from '../../control.ts'
import { functionFor, functionsOf, qualifierFor } from '../../functions.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, everyRight, foreignAccount, service, stranger } from '../../questions.ts'
import { resourcesOf } from '../../readers.ts'

export const lam03: Control = {
  id: 'LAM-03',
  severity: 'critical',
  title:
    'No stranger can invoke a function: neither by an account or service that its policy does not bind, nor by an address.',
  rationale:
    'A transform answers whoever invokes it with the records opened. A permission for a service without its source lets in ' +
    'what any account has set up with that service.',
  fix: 'Remove permissions for everybody, give those for services a SourceArn and SourceAccount, and set AuthType AWS_IAM.',
  kind: 'resources',
  sources: {
    securityHub: ['Lambda.1'],
    prowler: ['awslambda_function_not_publicly_accessible'],
    checkov: ['CKV_AWS_258']
  },
  evaluate: model =>
    functionsOf(model).map(each =>
      judge(
        each,
        [...policyProblems(model, each), ...urlProblems(model, each)],
        'its policy and addresses let in no stranger'
      )
    )
}

function policyProblems(model: AuditModel, own: AuditResource): readonly Problem[] {
  return policyArnsOf(model, own).flatMap(arn => {
    const account = foreignAccount(model)
    const statements = model.resourcePolicies.get(arn)?.document.Statement ?? []
    const services = statements.flatMap(({ Principal }) =>
      Principal === undefined || Principal === '*' ? [] : [Principal.Service ?? []].flat()
    )
    const foreign = {
      'aws:SourceAccount': account,
      'aws:SourceArn': `arn:${model.partition}:any:${model.region}:${account}:stranger`
    }
    const problems: Problem[] = []
    for (const action of ['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl']) {
      const question = { action, resource: arn, context: { 'lambda:FunctionUrlAuthType': 'NONE' } }
      const byStranger = ask(model, { ...question, principal: stranger(model), identity: [everyRight] })
      if (byStranger === 'allow') problems.push(wrong(`any account may ${action}`))
      if (byStranger === 'unknown') problems.push(unknown('its policy cannot be told'))
      for (const name of new Set(services)) {
        const answer = ask(model, {
          ...question,
          principal: service(name),
          context: { ...question.context, ...foreign }
        })
        if (answer === 'allow') problems.push(wrong(`${name} may invoke it on behalf of any account`))
      }
    }
    return problems
  })
}

function urlProblems(model: AuditModel, own: AuditResource): readonly (Problem | undefined)[] {
  return resourcesOf(model, 'AWS::Lambda::Url')
    .filter(({ properties }) => functionFor(model, properties.TargetFunctionArn) === own)
    .map(({ id, properties }) =>
      demand(
        `AuthType of ${id}`,
        properties.AuthType,
        value => value === 'AWS_IAM',
        `${id} answers whoever knows its address`
      )
    )
}

/** The function and its aliases and versions: each has a policy of its own. */
function policyArnsOf(model: AuditModel, own: AuditResource): readonly string[] {
  const arns = new Set([...model.resourcePolicies.keys(), ...(model.unreadablePolicies?.keys() ?? [])])
  return [...arns].filter(
    arn => (/:lambda:/.test(arn) || qualifierFor(model, arn) !== undefined) && functionFor(model, arn) === own
  )
}
