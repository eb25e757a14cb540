import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import { glueArn } from '../plan-arns.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { policyOf } from './shared.ts'

/**
 * What a catalogue says of the database of the plan. An account has one catalogue, so that nothing here is about the catalogue
 * itself, or about what others have in it; and nothing is allowed, which is up to IAM.
 */
export function cataloguePolicy({ services, roles }: ResolvedPlan): PolicyDocument {
  const { database } = services.glue!
  const denied = {
    Effect: 'Deny',
    Principal: '*',
    Resource: [glueArn(`database/${database}`), glueArn(`table/${database}/*`)]
  } as const
  return policyOf(
    {
      Sid: 'NoOtherAccounts',
      ...denied,
      Action: 'glue:*',
      Condition: {
        StringNotEquals: { 'aws:PrincipalAccount': accountId },
        Bool: { 'aws:PrincipalIsAWSService': 'false' }
      }
    },
    {
      // Whoever points a table elsewhere decides what others read as what was delivered. Partitions are for everybody.
      Sid: 'TablesOnlyByDeployer',
      ...denied,
      Action: [
        'glue:BatchDeleteTable',
        'glue:BatchDeleteTableVersion',
        'glue:CreateTable',
        'glue:DeleteDatabase',
        'glue:DeleteTable',
        'glue:DeleteTableVersion',
        'glue:UpdateDatabase',
        'glue:UpdateTable'
      ],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': roles.deployerArn! } }
    }
  )
}
