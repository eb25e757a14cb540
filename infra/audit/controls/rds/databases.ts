import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { numberOf, resourcesOf, textAt } from '../../readers.ts'

const instanceType = 'AWS::RDS::DBInstance'

export function instancesOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, instanceType)
}

/** Clusters, and instances that are in none: what has storage, a parameter group and users of its own. */
export function databasesOf(model: AuditModel): readonly AuditResource[] {
  return [
    ...resourcesOf(model, 'AWS::RDS::DBCluster'),
    ...instancesOf(model).filter(instance => !isMember(instance))
  ]
}

export function isMember({ properties }: AuditResource): boolean {
  return properties.DBClusterIdentifier !== undefined
}

/** Whether it takes over storage and users: of another instance, or of a snapshot. */
export function isCopy({ properties }: AuditResource): boolean {
  return [
    'SourceDBInstanceIdentifier',
    'SourceDBClusterIdentifier',
    'ReplicationSourceIdentifier',
    'DBSnapshotIdentifier',
    'SnapshotIdentifier'
  ].some(name => properties[name] !== undefined)
}

export type EngineFamily = 'postgres' | 'mysql' | 'sqlserver' | 'other'

/** Undefined where it cannot be told. */
export function familyOf({ properties }: AuditResource): EngineFamily | undefined {
  const engine = textAt(properties, 'Engine')
  if (engine === undefined) return undefined
  if (/postgres/.test(engine)) return 'postgres'
  if (/mysql|mariadb|^aurora$/.test(engine)) return 'mysql'
  return /sqlserver/.test(engine) ? 'sqlserver' : 'other'
}

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
const defaultPorts: Readonly<Record<EngineFamily, number | undefined>> = {
  postgres: 5432,
  mysql: 3306,
  sqlserver: 1433,
  other: undefined
}

/** Undefined where it cannot be told. */
export function portOf(database: AuditResource): number | undefined {
  const { Port: port } = database.properties
  if (port === unknownValue) return undefined
  if (port !== undefined) return numberOf(port)
  const family = familyOf(database)
  return family === undefined ? undefined : defaultPorts[family]
}
