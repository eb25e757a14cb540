import type { AuditResource } from '../../model.ts'
import { isObject, textAt, valueAt } from '../../readers.ts'
import type { TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'
import { readLogGroup } from './surroundings.ts'

const members = [
  'DomainName',
  'EngineVersion',
  'EncryptionAtRestOptions',
  'NodeToNodeEncryptionOptions',
  'DomainEndpointOptions',
  'VPCOptions',
  'AdvancedSecurityOptions',
  'LogPublishingOptions'
]

/** A domain of OpenSearch or Elasticsearch with its access policy, and the log groups that it publishes to. */
export async function readSearchDomain(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('es')) return []
  const answer = await reader.read(
    { service: 'es', operation: 'DescribeDomain', input: { DomainName: name } },
    name
  )
  const status = valueAt(answer, 'DomainStatus')
  const arn = textAt(status, 'ARN')
  if (arn === undefined) return []
  const policy = valueAt(status, 'AccessPolicies')
  const found = [
    resource('AWS::OpenSearchService::Domain', name, arn, 'es:DescribeDomain', {
      ...Object.fromEntries(members.map(member => [member, valueAt(status, member)])),
      AccessPolicies: policy === '' ? undefined : policy
    })
  ]
  for (const group of logGroupsIn(valueAt(status, 'LogPublishingOptions'))) {
    found.push(...(await readLogGroup(reader, scope, group)))
  }
  return found
}

function logGroupsIn(options: unknown): readonly string[] {
  const arns = isObject(options) ? Object.values(options) : []
  const names = arns.flatMap(each => {
    const [, name] = /:log-group:([^:]+)/.exec(textAt(each, 'CloudWatchLogsLogGroupArn') ?? '') ?? []
    return name ?? []
  })
  return [...new Set(names)]
}
