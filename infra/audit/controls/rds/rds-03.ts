import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { listAt } from '../../readers.ts'
import { demandNamedGroups } from '../../security-groups.ts'
import { databasesOf, instancesOf, isMember, portOf } from './databases.ts'

export const rds03: Control = {
  id: 'RDS-03',
  severity: 'high',
  title: 'Databases beside the pipeline are private, and let in named groups at the port of the database.',
  rationale:
    'A database with a public address is asked for passwords by everybody. Inside of a VPC a range of addresses lets in ' +
    'whatever is started there later; a group lets in what belongs to it.',
  fix: 'Set PubliclyAccessible to false, and let security groups admit one port from the groups of workers alone.',
  kind: 'resources',
  sources: {
    statements: [51, 52, 59],
    securityHub: ['RDS.2'],
    cis: ['2.3.3'],
    checkov: ['CKV_AWS_17']
  },
  reads: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'ec2:DescribeSecurityGroups'],
  evaluate: model => [
    ...databasesOf(model).map(database =>
      judge(
        database,
        [publicProblem(database), ...groupProblems(model, database)],
        'private, and open to named groups'
      )
    ),
    ...instancesOf(model)
      .filter(isMember)
      .map(instance => judge(instance, [publicProblem(instance)], 'private, with the groups of its cluster'))
  ]
}

function publicProblem({ type, properties }: AuditResource): Problem | undefined {
  const { PubliclyAccessible: value } = properties
  // A cluster of Aurora is as public as its instances are.
  if (value === undefined && type === 'AWS::RDS::DBCluster') return undefined
  if (value === undefined)
    return unknown('PubliclyAccessible is not set: what its VPC makes of that is not here')
  return demand(
    'PubliclyAccessible',
    value,
    each => each === false || each === 'false',
    'it has a public address'
  )
}

function groupProblems(model: AuditModel, database: AuditResource): readonly Problem[] {
  const name = database.type === 'AWS::RDS::DBCluster' ? 'VpcSecurityGroupIds' : 'VPCSecurityGroups'
  return demandNamedGroups(model, listAt(database.properties, name), portOf(database))
}
