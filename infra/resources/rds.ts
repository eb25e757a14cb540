import type { ResolvedPlan } from '../../pipeline/plan.ts'
import type { TemplateResources } from '../template.ts'

/** The way from the workload to a database that is there, on its port alone; nothing of the database itself. */
export function databaseAccessResources({ network, services: { rds } }: ResolvedPlan): TemplateResources {
  if (rds === undefined || network === undefined) return {}
  const port = { IpProtocol: 'tcp', FromPort: rds.port, ToPort: rds.port } as const
  return Object.assign(
    {},
    ...network.securityGroupIds.map((id, index) => ({
      [`DatabaseIngress${index + 1}`]: {
        Type: 'AWS::EC2::SecurityGroupIngress',
        Properties: {
          Description: 'Lookups of the workload',
          GroupId: rds.securityGroupId,
          ...port,
          SourceSecurityGroupId: id
        }
      },
      [`DatabaseEgress${index + 1}`]: {
        Type: 'AWS::EC2::SecurityGroupEgress',
        Properties: {
          Description: 'Lookups in the database',
          GroupId: id,
          ...port,
          DestinationSecurityGroupId: rds.securityGroupId
        }
      }
    }))
  )
}
