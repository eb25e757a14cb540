import type { ResolvedOpenSearch, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import { deliveryRoleId, domainArn, logGroupArn, oneOrMore, roleArn } from '../plan-arns.ts'
import { openSearchLogs } from '../plan-services.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { policyOf } from './shared.ts'

/** Roles by name, and nobody else: what each may do inside is said by the domain's own roles. */
export function domainPolicy(
  { destinations }: ResolvedPlan,
  { name, masterRoleArn }: ResolvedOpenSearch
): PolicyDocument {
  const writers = destinations
    .filter(destination => 'domainArn' in destination && destination.domainArn === 'made')
    .map(({ deliveryStreamName }) => roleArn(deliveryRoleId(deliveryStreamName)))
  return policyOf({
    Sid: 'DeclaredRoles',
    Effect: 'Allow',
    Principal: { AWS: oneOrMore([masterRoleArn, ...writers]) },
    Action: [
      'es:ESHttpGet',
      'es:ESHttpHead',
      'es:ESHttpPost',
      'es:ESHttpPut',
      'es:ESHttpDelete',
      'es:ESHttpPatch'
    ],
    Resource: `${domainArn(name)}/*`
  })
}

/** The service writes the logs of this domain, by itself. */
export function domainLogPolicy(openSearch: ResolvedOpenSearch): PolicyDocument {
  return policyOf({
    Sid: 'LogsOfThisDomain',
    Effect: 'Allow',
    Principal: { Service: 'es.amazonaws.com' },
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: openSearchLogs(openSearch).map(({ name }) => `${logGroupArn(name)}:*`),
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnEquals: { 'aws:SourceArn': domainArn(openSearch.name) }
    }
  })
}
