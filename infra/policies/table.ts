import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { roleArn, roleIds } from '../plan-arns.ts'
import { leaseWorkerArns } from '../plan-readers.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { leaseTableArn, ownerIndexArn, policyOf } from './shared.ts'

/**
 * The lease table: workers and operator touch its rows, and the operator's own policy lets it read alone; so does who moves
 * leases here, as long as the plan names somebody for it.
 */
export function leaseTablePolicy(plan: ResolvedPlan): PolicyDocument {
  const { migrator } = plan.roles
  return policyOf({
    Sid: 'OnlyConsumerTouchesLeases',
    Effect: 'Deny',
    Principal: '*',
    Action: [
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:Scan',
      'dynamodb:UpdateItem'
    ],
    Resource:
      plan.consumer.leaseProtocol === 'kcl3'
        ? [leaseTableArn(plan), ownerIndexArn(plan)]
        : leaseTableArn(plan),
    Condition: {
      ArnNotEquals: {
        'aws:PrincipalArn': [
          ...leaseWorkerArns(plan),
          roleArn(roleIds.operator),
          ...(migrator === undefined ? [] : [migrator.roleArn])
        ]
      }
    }
  })
}
