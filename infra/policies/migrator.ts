import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { keyArn, tableArn } from '../plan-arns.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { throughDynamodb } from './conditions.ts'
import { leaseTableArn, policyOf } from './shared.ts'

/** Reads the lease table that a plan had before, and brings its rows into that of the plan. Makes and changes no table. */
export function migratorPolicy(plan: ResolvedPlan, fromTable: string): PolicyDocument {
  return policyOf(
    {
      Sid: 'ReadFormerLeases',
      Effect: 'Allow',
      Action: ['dynamodb:DescribeTable', 'dynamodb:Scan'],
      Resource: tableArn(fromTable)
    },
    {
      Sid: 'MoveLeases',
      Effect: 'Allow',
      Action: [
        'dynamodb:DescribeTable',
        'dynamodb:Scan',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem'
      ],
      Resource: leaseTableArn(plan)
    },
    {
      Sid: 'LeaseTableKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: keyArn(plan, 'state'),
      Condition: throughDynamodb([plan.consumer.applicationName, fromTable])
    }
  )
}
