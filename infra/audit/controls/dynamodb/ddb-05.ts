import type { Control } from '../../control.ts'
import { demandPrivateAccess, hasNetwork } from '../../endpoints.ts'
import { judge } from '../../judge.ts'
import { leaseTablesOf } from './tables.ts'

export const ddb05: Control = {
  id: 'DDB-05',
  severity: 'low',
  title: 'The lease table is reached through a VPC endpoint whose policy names it alone.',
  rationale:
    'The gateway costs nothing and keeps the traffic inside. Without a policy it is a way out into the tables of any ' +
    'account.',
  fix: 'Make a gateway endpoint dynamodb with a policy that names the lease table and the account.',
  kind: 'resources',
  sources: { statements: [44, 50] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model =>
    leaseTablesOf(model)
      .filter(() => hasNetwork(model))
      .map(table =>
        judge(
          table,
          demandPrivateAccess(model, {
            service: 'dynamodb',
            action: 'dynamodb:UpdateItem',
            resource: table.arn
          }),
          'the endpoint lets through this table and no other'
        )
      )
}
