import { type AuditResource, unknownValue } from '../../model.ts'
import { knownListAt, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'
import { readSecurityGroups } from './security-groups.ts'

// Of several hundred parameters these decide something.
const parameters = ['rds.force_ssl', 'require_secure_transport']

/** An instance with its parameter group and its security groups. */
export async function readDatabaseInstance(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const found = await describe(reader, 'DBInstance', name)
  if (found === undefined) return []
  const { database: instance, arn, groups } = found
  const [parameterGroup] = idsIn(instance, 'DBParameterGroups', 'DBParameterGroupName')
  const cluster = valueAt(instance, 'DBClusterIdentifier')
  return [
    resource('AWS::RDS::DBInstance', name, arn, 'rds:DescribeDBInstances', {
      ...commonOf(instance),
      DBInstanceIdentifier: name,
      DBClusterIdentifier: cluster,
      DBParameterGroupName: parameterGroup,
      PubliclyAccessible: valueAt(instance, 'PubliclyAccessible'),
      VPCSecurityGroups: groups,
      Port: valueAt(instance, 'Endpoint', 'Port')
    }),
    ...(cluster === undefined
      ? [
          ...(await readParameterGroup(reader, scope, 'DBParameterGroup', parameterGroup)),
          ...(await readSecurityGroups(reader, scope, groups))
        ]
      : [])
  ]
}

/** A cluster with its instances, its parameter group and its security groups. */
export async function readDatabaseCluster(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const found = await describe(reader, 'DBCluster', name)
  if (found === undefined) return []
  const { database: cluster, arn, groups } = found
  const parameterGroup = textAt(cluster, 'DBClusterParameterGroup')
  const resources = [
    resource('AWS::RDS::DBCluster', name, arn, 'rds:DescribeDBClusters', {
      ...commonOf(cluster),
      DBClusterIdentifier: name,
      DBClusterParameterGroupName: parameterGroup,
      PubliclyAccessible: valueAt(cluster, 'PubliclyAccessible'),
      VpcSecurityGroupIds: groups,
      Port: valueAt(cluster, 'Port')
    }),
    ...(await readParameterGroup(reader, scope, 'DBClusterParameterGroup', parameterGroup)),
    ...(await readSecurityGroups(reader, scope, groups))
  ]
  for (const member of idsIn(cluster, 'DBClusterMembers', 'DBInstanceIdentifier')) {
    resources.push(...(await readDatabaseInstance(reader, scope, member)))
  }
  return resources
}

/** Undefined where there is no such database, or no client to ask. */
async function describe(reader: AccountReader, kind: 'DBInstance' | 'DBCluster', name: string) {
  if (!reader.has('rds')) return undefined
  const answer = await reader.read(
    { service: 'rds', operation: `Describe${kind}s`, input: { [`${kind}Identifier`]: name } },
    name
  )
  const [database] = knownListAt(answer, `${kind}s`)
  const arn = textAt(database, `${kind}Arn`)
  if (arn === undefined) return undefined
  return { database, arn, groups: idsIn(database, 'VpcSecurityGroups', 'VpcSecurityGroupId') }
}

/** What instances and clusters have in common. */
function commonOf(database: unknown): Readonly<Record<string, unknown>> {
  return {
    Engine: valueAt(database, 'Engine'),
    StorageEncrypted: valueAt(database, 'StorageEncrypted'),
    KmsKeyId: valueAt(database, 'KmsKeyId'),
    EnableIAMDatabaseAuthentication: valueAt(database, 'IAMDatabaseAuthenticationEnabled'),
    ManageMasterUserPassword: valueAt(database, 'MasterUserSecret') !== undefined
  }
}

async function readParameterGroup(
  reader: AccountReader,
  scope: TemplateScope,
  kind: 'DBParameterGroup' | 'DBClusterParameterGroup',
  name: string | undefined
): Promise<readonly AuditResource[]> {
  if (name === undefined) return []
  const operation = kind === 'DBParameterGroup' ? 'DescribeDBParameters' : 'DescribeDBClusterParameters'
  const answer = await reader.readPages(
    { service: 'rds', operation, input: { [`${kind}Name`]: name } },
    name,
    { list: 'Parameters', next: 'Marker', token: 'Marker' }
  )
  const type = `AWS::RDS::${kind}`
  const entries = knownListAt(answer)
    .filter(each => parameters.includes(textAt(each, 'ParameterName') ?? ''))
    .map(each => [textAt(each, 'ParameterName')!, valueAt(each, 'ParameterValue')] as const)
    .filter(([, value]) => value !== undefined)
  return [
    resource(type, name, resourceArn(type, name, scope), `rds:${operation}`, {
      [`${kind}Name`]: name,
      Parameters: answer === unknownValue ? unknownValue : Object.fromEntries(entries)
    })
  ]
}

function idsIn(value: unknown, list: string, member: string): readonly string[] {
  return knownListAt(value, list).flatMap(each => textAt(each, member) ?? [])
}
