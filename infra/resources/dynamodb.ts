import { LeaseAttribute } from '../../consumer/leases/lease-schema.ts'
import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { keyArn } from '../plan-arns.ts'
import { leaseTablePolicy } from '../policies/table.ts'
import { retained, type TemplateResources } from '../template.ts'

/** The lease table, made here since a worker that makes it gives it no key. */
export function leaseTableResources(plan: ResolvedPlan): TemplateResources {
  return {
    LeaseTable: {
      Type: 'AWS::DynamoDB::Table',
      ...retained,
      Properties: {
        TableName: plan.consumer.applicationName,
        AttributeDefinitions: [{ AttributeName: LeaseAttribute.leaseKey, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: LeaseAttribute.leaseKey, KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn(plan, 'state') },
        ResourcePolicy: { PolicyDocument: leaseTablePolicy(plan) }
      }
    }
  }
}
