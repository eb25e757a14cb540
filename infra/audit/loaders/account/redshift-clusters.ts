import { type AuditResource, unknownValue } from '../../model.ts'
import { knownListAt, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'
import { readSecurityGroups } from './security-groups.ts'

const clusterType = 'AWS::Redshift::Cluster'
const groupType = 'AWS::Redshift::ClusterParameterGroup'

/** A cluster of Redshift with its logging, its parameter groups and its security groups. */
export async function readRedshiftCluster(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('redshift')) return []
  const read = (operation: string) =>
    reader.read({ service: 'redshift', operation, input: { ClusterIdentifier: name } }, name)
  const [cluster] = knownListAt(await read('DescribeClusters'), 'Clusters')
  if (cluster === undefined) return []
  const groups = knownListAt(cluster, 'VpcSecurityGroups').flatMap(
    group => textAt(group, 'VpcSecurityGroupId') ?? []
  )
  const [parameterGroup] = knownListAt(cluster, 'ClusterParameterGroups').flatMap(
    group => textAt(group, 'ParameterGroupName') ?? []
  )
  return [
    resource(clusterType, name, resourceArn(clusterType, name, scope), 'redshift:DescribeClusters', {
      ClusterIdentifier: name,
      Encrypted: valueAt(cluster, 'Encrypted'),
      KmsKeyId: valueAt(cluster, 'KmsKeyId'),
      HsmConfigurationIdentifier: valueAt(cluster, 'HsmStatus', 'HsmConfigurationIdentifier'),
      EnhancedVpcRouting: valueAt(cluster, 'EnhancedVpcRouting'),
      PubliclyAccessible: valueAt(cluster, 'PubliclyAccessible'),
      VpcSecurityGroupIds: groups,
      ClusterParameterGroupName: parameterGroup,
      ManageMasterPassword: valueAt(cluster, 'MasterPasswordSecretArn') !== undefined,
      LoggingProperties: loggingOf(await read('DescribeLoggingStatus')),
      Port: valueAt(cluster, 'Endpoint', 'Port')
    }),
    ...(await readParameterGroup(reader, scope, parameterGroup)),
    ...(await readSecurityGroups(reader, scope, groups))
  ]
}

function loggingOf(answer: unknown): unknown {
  if (answer === unknownValue) return unknownValue
  if (valueAt(answer, 'LoggingEnabled') !== true) return undefined
  return {
    BucketName: valueAt(answer, 'BucketName'),
    LogDestinationType: valueAt(answer, 'LogDestinationType')
  }
}

async function readParameterGroup(
  reader: AccountReader,
  scope: TemplateScope,
  name: string | undefined
): Promise<readonly AuditResource[]> {
  if (name === undefined) return []
  const parameters = await reader.readPages(
    { service: 'redshift', operation: 'DescribeClusterParameters', input: { ParameterGroupName: name } },
    name,
    { list: 'Parameters', next: 'Marker', token: 'Marker' }
  )
  return [
    resource(groupType, name, resourceArn(groupType, name, scope), 'redshift:DescribeClusterParameters', {
      ParameterGroupName: name,
      Parameters:
        parameters === unknownValue
          ? unknownValue
          : parameters.map(each => ({
              ParameterName: valueAt(each, 'ParameterName'),
              ParameterValue: valueAt(each, 'ParameterValue')
            }))
    })
  ]
}
