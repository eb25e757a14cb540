import { LeaseAttribute, ownerIndex } from '../../consumer/leases/lease-schema.ts'
import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { keyArn } from '../plan-arns.ts'
import { leaseTablePolicy } from '../policies/table.ts'
import { retained, type TemplateResources } from '../template.ts'

/** Through which a worker of KCL 3, of either kind, finds what was assigned to it. */
const ownerIndexProperties = {
  IndexName: ownerIndex,
  KeySchema: [
    { AttributeName: LeaseAttribute.leaseOwner, KeyType: 'HASH' },
    { AttributeName: LeaseAttribute.leaseKey, KeyType: 'RANGE' }
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' }
}

/** The lease table, made here since a worker that makes it gives it no key. */
export function leaseTableResources(plan: ResolvedPlan): TemplateResources {
  const { applicationName, leaseProtocol } = plan.consumer
  const hasIndex = leaseProtocol === 'kcl3'
  const attributes = [LeaseAttribute.leaseKey, ...(hasIndex ? [LeaseAttribute.leaseOwner] : [])]
  return {
    LeaseTable: {
      Type: 'AWS::DynamoDB::Table',
      ...retained,
      Properties: {
        TableName: applicationName,
        AttributeDefinitions: attributes.map(AttributeName => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [{ AttributeName: LeaseAttribute.leaseKey, KeyType: 'HASH' }],
        ...(hasIndex ? { GlobalSecondaryIndexes: [ownerIndexProperties] } : {}),
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn(plan, 'state') },
        ResourcePolicy: { PolicyDocument: leaseTablePolicy(plan) }
      }
    }
  }
}
