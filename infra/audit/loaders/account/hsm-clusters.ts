import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, knownListAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** A cluster of HSMs with those that are in it. */
export async function readHsmCluster(
  reader: AccountReader,
  scope: TemplateScope,
  id: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('cloudhsm')) return []
  const answer = await reader.read(
    { service: 'cloudhsm', operation: 'DescribeClusters', input: { Filters: { clusterIds: [id] } } },
    id
  )
  return knownListAt(answer, 'Clusters')
    .filter(cluster => valueAt(cluster, 'ClusterId') === id)
    .map(cluster => {
      const subnets = valueAt(cluster, 'SubnetMapping')
      const arn = resourceArn('AWS::CloudHSM::Cluster', id, scope)
      return resource('AWS::CloudHSM::Cluster', id, arn, 'cloudhsm:DescribeClusters', {
        HsmType: valueAt(cluster, 'HsmType'),
        // Every cluster has one: a client that is older than modes leaves it out.
        Mode: valueAt(cluster, 'Mode') ?? unknownValue,
        SubnetIds: isObject(subnets) ? Object.values(subnets) : subnets,
        BackupRetentionPolicy: valueAt(cluster, 'BackupRetentionPolicy'),
        // No template has them.
        Hsms: valueAt(cluster, 'Hsms') ?? []
      })
    })
}
