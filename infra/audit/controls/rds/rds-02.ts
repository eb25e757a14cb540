import type { Control } from '../../control.ts'
import { demand, demandAll, judge, type Problem, toConfirm, unknown } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { resourceFor, valueAt } from '../../readers.ts'
import { databasesOf, type EngineFamily, familyOf } from './databases.ts'

const parameters: Readonly<Record<EngineFamily, string | undefined>> = {
  postgres: 'rds.force_ssl',
  mysql: 'require_secure_transport',
  sqlserver: 'rds.force_ssl',
  other: undefined
}

export const rds02: Control = {
  id: 'RDS-02',
  severity: 'high',
  title: 'Databases beside the pipeline take connections over TLS alone.',
  rationale:
    'That a client asks for TLS is its own choice, and one that does not is served all the same, password and rows in ' +
    'the clear, until the server refuses it.',
  fix: 'Set rds.force_ssl to 1 (PostgreSQL, SQL Server) or require_secure_transport to ON (MySQL, MariaDB) in the parameter group.',
  kind: 'resources',
  sources: {
    statements: [54, 59],
    securityHub: ['RDS.38', 'RDS.39'],
    prowler: ['rds_instance_transport_encrypted']
  },
  reads: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'],
  evaluate: model =>
    databasesOf(model).map(database =>
      judge(database, problemsOf(model, database), 'it takes connections over TLS alone')
    )
}

function problemsOf(model: AuditModel, database: AuditResource): readonly Problem[] {
  const family = familyOf(database)
  if (family === undefined) return [unknown('its engine cannot be told')]
  const name = parameters[family]
  if (name === undefined)
    return [toConfirm('its engine forces TLS by an option of its own: see that it is set')]
  const { DBClusterParameterGroupName: ofCluster, DBParameterGroupName: ofInstance } = database.properties
  const group =
    database.type === 'AWS::RDS::DBCluster'
      ? resourceFor(model, ofCluster, 'AWS::RDS::DBClusterParameterGroup')
      : resourceFor(model, ofInstance, 'AWS::RDS::DBParameterGroup')
  if (group === undefined) return [unknown('its parameter group is not here')]
  return demandAll(
    demand(
      `${name} of ${group.id}`,
      valueAt(group.properties, 'Parameters', name),
      value => /^(1|on|true)$/i.test(String(value)),
      `${name} is not on in ${group.id}`
    )
  )
}
