import type { Control } from '../../control.ts'
import { judge, unknown, wrong } from '../../judge.ts'
import { ask, nameOfPrincipal, principalsOf } from '../../questions.ts'
import { resourcesOf } from '../../readers.ts'

export const iam02: Control = {
  id: 'IAM-02',
  severity: 'high',
  title: 'Each task has a role of its own, and no role of the pipeline can assume another.',
  rationale:
    'A role that can become another has the rights of both: what one may not do, it does as the other, and every policy ' +
    'that tells them apart is idle.',
  fix: 'Trust services and the federation of people alone, and allow sts:AssumeRole to no role of the pipeline.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    resourcesOf(model, 'AWS::IAM::Role').map(role => {
      const answers = principalsOf(model)
        .filter(({ arn }) => arn !== role.arn)
        .map(principal => ({
          name: nameOfPrincipal(model, principal),
          answer: ask(model, { principal, action: 'sts:AssumeRole', resource: role.arn })
        }))
      return judge(
        role,
        [
          ...answers
            .filter(({ answer }) => answer === 'allow')
            .map(({ name }) => wrong(`${name} may assume it`)),
          ...answers
            .filter(({ answer }) => answer === 'unknown')
            .map(({ name }) => unknown(`whether ${name} may assume it cannot be told`))
        ],
        'no other role or user here may assume it'
      )
    })
}
