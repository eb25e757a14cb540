import type { Control } from '../../control.ts'
import { judgeRoles } from '../../delivery-streams.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, nameOfPrincipal, principalsOf } from '../../questions.ts'
import { isWorkload } from '../../workloads.ts'

export const fh12: Control = {
  id: 'FH-12',
  severity: 'medium',
  title:
    'No workload can pass the delivery role on, and nobody can pass it to another service than Firehose.',
  rationale:
    'Whoever may pass a role may have its rights: to a function of his own making, if the service is not fixed. Roles are ' +
    'passed when infrastructure is made, which no workload does.',
  fix: 'Allow iam:PassRole to the deployer alone, on the ARN of the role, with iam:PassedToService = firehose.amazonaws.com.',
  kind: 'resources',
  sources: {},
  reads: ['iam:GetRole'],
  evaluate: model =>
    judgeRoles(model, role => passProblems(model, role), 'nobody here can pass its roles on, but to Firehose')
}

function passProblems(model: AuditModel, role: AuditResource): readonly Problem[] {
  return principalsOf(model).flatMap(principal => {
    const passedTo = (service: string) =>
      ask(model, {
        principal,
        action: 'iam:PassRole',
        resource: role.arn,
        // The role's own policy says who assumes it, not who passes it on.
        resourcePolicy: { name: 'none', document: { Statement: [] } },
        context: { 'iam:PassedToService': service }
      })
    const name = nameOfPrincipal(model, principal)
    const [toFirehose, toLambda] = [passedTo('firehose.amazonaws.com'), passedTo('lambda.amazonaws.com')]
    if (toLambda === 'allow') return [wrong(`${name} may pass ${role.id} to other services`)]
    if (toFirehose === 'allow' && isWorkload(model, principal))
      return [wrong(`${name} may pass ${role.id} on`)]
    // Policies of its own that cannot be read may allow it.
    return model.unreadablePolicies?.has(principal.arn)
      ? [unknown(`whether ${name} may pass ${role.id} on cannot be told`)]
      : []
  })
}
