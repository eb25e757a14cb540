import type { Finding } from '../../control.ts'
import { judge, type Problem, unknown } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { nameIn } from '../../readers.ts'

/** The finding about a principal, whether the model has it or a policy alone names it. */
export function judgePrincipal(
  model: AuditModel,
  arn: string,
  problems: readonly (Problem | undefined)[],
  evidence: string
): Finding {
  return judge(resourceOf(model, arn), problems, evidence)
}

/** One problem for each policy of a principal that cannot be read. */
export function unreadable(model: AuditModel, arn: string): readonly Problem[] {
  return (model.unreadablePolicies?.get(arn) ?? []).map(({ location, reason }) =>
    unknown(`${location}: ${reason}`)
  )
}

function resourceOf(model: AuditModel, arn: string): AuditResource {
  return (
    model.resources.find(resource => resource.arn === arn) ?? {
      id: nameIn(arn),
      type: 'AWS::IAM::Role',
      arn,
      properties: {},
      location: arn
    }
  )
}
