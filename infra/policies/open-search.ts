import type { ResolvedOpenSearch, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import { deliveryRoleId, domainArn, idPart, logGroupArn, oneOrMore, roleArn } from '../plan-arns.ts'
import { openSearchLogs } from '../plan-services.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { writingDocuments } from './delivery.ts'
import { policyOf } from './shared.ts'

/**
 * Who comes to the door of the domain; what each may do behind it is said by the domain's own roles. Delivery roles for their
 * index, the analyst for searches in it, the master for who has which role.
 */
export function domainPolicy(
  { destinations, roles: { analystArn } }: ResolvedPlan,
  { name, masterRoleArn }: ResolvedOpenSearch
): PolicyDocument {
  const arn = domainArn(name)
  const fed = destinations.flatMap(each =>
    each.kind === 'opensearch' && each.domainArn === 'made' ? [each] : []
  )
  return policyOf(
    fed.flatMap(({ deliveryStreamName, indexName }) =>
      writingDocuments(arn, indexName).map(statement => ({
        ...statement,
        Sid: `${idPart(deliveryStreamName)}${statement.Sid}`,
        Principal: { AWS: roleArn(deliveryRoleId(deliveryStreamName)) }
      }))
    ),
    analystArn === undefined || fed.length === 0
      ? []
      : {
          Sid: 'AnalystSearches',
          Effect: 'Allow',
          Principal: { AWS: analystArn },
          Action: ['es:ESHttpGet', 'es:ESHttpPost'],
          Resource: oneOrMore(fed.map(({ indexName }) => `${arn}/${indexName}*/_search`))
        },
    {
      Sid: 'MasterMapsRoles',
      Effect: 'Allow',
      Principal: { AWS: masterRoleArn },
      Action: ['es:ESHttpGet', 'es:ESHttpPut', 'es:ESHttpPatch', 'es:ESHttpPost', 'es:ESHttpDelete'],
      Resource: `${arn}/_plugins/_security/*`
    }
  )
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
