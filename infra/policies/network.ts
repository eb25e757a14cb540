import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { arnOf } from '../placeholders.ts'
import type { PolicyStatement } from '../policy-document.ts'

/**
 * For a service that places network interfaces into the plan's VPC in the name of a role, such as Firehose for a domain there.
 * The describing calls know no resources.
 */
export function networkInterfaces(
  { network }: ResolvedPlan,
  ...alsoSees: readonly string[]
): readonly PolicyStatement[] {
  if (network === undefined) return []
  return [
    {
      Sid: 'SeeNetwork',
      Effect: 'Allow',
      Action: [
        'ec2:DescribeVpcs',
        'ec2:DescribeVpcAttribute',
        'ec2:DescribeSubnets',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeNetworkInterfaces',
        ...alsoSees
      ],
      Resource: '*'
    },
    {
      Sid: 'ManageInterfaces',
      Effect: 'Allow',
      Action: [
        'ec2:CreateNetworkInterface',
        'ec2:CreateNetworkInterfacePermission',
        'ec2:DeleteNetworkInterface'
      ],
      Resource: [
        arnOf('ec2', 'network-interface/*'),
        ...network.subnetIds.map(id => arnOf('ec2', `subnet/${id}`)),
        ...network.securityGroupIds.map(id => arnOf('ec2', `security-group/${id}`))
      ]
    }
  ]
}
