import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { deliveryRoleId, jobLogGroups, logGroupArn, oneOrMore, roleArn } from '../plan-arns.ts'
import { securityConfiguration } from '../plan-services.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { throughGlue } from './conditions.ts'
import { administering, lettingLogs } from './key-administration.ts'
import { policyOf } from './shared.ts'

/** The key of what the services beside the pipeline keep at rest, each of them for its own resources. */
export function servicesKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(administering(plan), glue(plan))
}

function glue(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { glue: catalogue } = plan.services
  if (catalogue === undefined) return []
  const readers = catalogue.conversions.map(({ deliveryStreamName }) =>
    roleArn(deliveryRoleId(deliveryStreamName))
  )
  const shared = { Effect: 'Allow', Resource: '*', Condition: throughGlue() } as const
  return [
    {
      Sid: 'DeployerMakesTables',
      Principal: { AWS: plan.roles.deployerArn! },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      ...shared
    },
    ...(readers.length === 0
      ? []
      : [
          {
            Sid: 'DeliveriesReadSchemas',
            Principal: { AWS: oneOrMore(readers) },
            Action: ['kms:Decrypt'],
            ...shared
          }
        ]),
    lettingLogs('JobLogs', [logGroupArn(jobLogGroups(securityConfiguration(plan)))])
  ]
}
