import type { Control } from '../../control.ts'
import { recordFunctionsOf } from '../../functions.ts'
import { demand, demandAll, judge, type Problem, toConfirm } from '../../judge.ts'
import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, listAt, numberOf } from '../../readers.ts'

export const lam04: Control = {
  id: 'LAM-04',
  severity: 'low',
  title: 'A function of the pipeline has its concurrency bounded, and in a VPC two subnets.',
  rationale:
    'Each instance asks KMS for data keys of its own. Without a bound a backlog of the stream becomes a burst that takes ' +
    'the quota of everybody in the account. A function that reaches private resources is in their VPC, in two zones.',
  fix: 'Set ReservedConcurrentExecutions, and VpcConfig with two subnets or more where it reaches private resources.',
  kind: 'resources',
  sources: {
    statements: [65],
    securityHub: ['Lambda.3', 'Lambda.5'],
    checkov: ['CKV_AWS_115', 'CKV_AWS_117']
  },
  evaluate: model =>
    recordFunctionsOf(model).map(each =>
      judge(each, problemsOf(each), 'bounded, and in two subnets of a VPC')
    )
}

function problemsOf({ properties }: AuditResource): readonly Problem[] {
  const { ReservedConcurrentExecutions: reserved, VpcConfig: vpc } = properties
  return demandAll(
    demand(
      'ReservedConcurrentExecutions',
      reserved,
      value => numberOf(value) !== undefined,
      'its concurrency has no bound of its own'
    ),
    vpc === undefined
      ? toConfirm('it is in no VPC: whether it reaches private resources cannot be told')
      : demand(
          'VpcConfig.SubnetIds',
          subnetsOf(vpc),
          value => Array.isArray(value) && value.length >= 2,
          'it has fewer than two subnets'
        )
  )
}

/** Two that cannot be told may be the same. */
function subnetsOf(vpc: unknown): unknown {
  const subnets = isObject(vpc) ? listAt(vpc, 'SubnetIds') : vpc
  if (!Array.isArray(subnets)) return unknownValue
  const known = new Set(subnets.filter(subnet => subnet !== unknownValue))
  return known.size < 2 && subnets.includes(unknownValue) ? unknownValue : [...known]
}
