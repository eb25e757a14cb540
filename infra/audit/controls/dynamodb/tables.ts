import { LeaseAttribute } from '../../../../consumer/leases/lease-schema.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { knownListAt, resourcesOf, textAt, valueAt } from '../../readers.ts'

export function tablesOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable')
}

/** Tables with the leases of a KCL or of our workers, told by their key. */
export function leaseTablesOf(model: AuditModel): readonly AuditResource[] {
  return tablesOf(model).filter(({ properties }) => {
    const keys = knownListAt(properties, 'KeySchema')
    return keys.length === 1 && textAt(keys[0], 'AttributeName') === LeaseAttribute.leaseKey
  })
}

/**
 * Where a table says what is set for each of its replicas: itself, or in a global table the members of `Replicas`. Names are
 * for evidence.
 */
export function replicasOf({
  type,
  properties
}: AuditResource): readonly { readonly name: string; readonly settings: unknown }[] {
  if (type === 'AWS::DynamoDB::Table') return [{ name: 'the table', settings: properties }]
  return knownListAt(properties, 'Replicas').map(replica => ({
    name: `the replica in ${textAt(replica, 'Region') ?? 'a region'}`,
    settings: replica
  }))
}

/** Encryption of a replica: that it is on is said once for a global table, and the key for each replica. */
export function encryptionOf({ type, properties }: AuditResource, settings: unknown) {
  const whole = valueAt(properties, 'SSESpecification')
  const own = valueAt(settings, 'SSESpecification')
  return {
    enabled: valueAt(whole, 'SSEEnabled'),
    type: valueAt(whole, 'SSEType'),
    key: valueAt(type === 'AWS::DynamoDB::Table' ? whole : own, 'KMSMasterKeyId')
  }
}
