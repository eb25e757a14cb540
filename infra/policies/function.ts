import type { ResolvedPlan } from '../../pipeline/plan.ts'
import type { PolicyStatement } from '../policy-document.ts'

/** What Lambda does to place a function that is made in the plan's network. The condition keeps its code from doing so. */
export function inNetwork(
  { network, services }: ResolvedPlan,
  functionName: string
): readonly PolicyStatement[] {
  if (network === undefined || !services.functions.some(({ name }) => name === functionName)) return []
  return [
    {
      Sid: 'Interfaces',
      Effect: 'Allow',
      Action: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses'
      ],
      Resource: '*',
      Condition: { Null: { 'lambda:SourceFunctionArn': 'true' } }
    }
  ]
}
