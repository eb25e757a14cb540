import type { Control } from '../../control.ts'
import { demand, demandAll, judge, type Problem, unknown } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { isTrue, resourceFor, valueAt } from '../../readers.ts'
import { domainsOf } from './domains.ts'

const logs = { AUDIT_LOGS: 'who did what', ES_APPLICATION_LOGS: 'its errors' } as const

export const os05: Control = {
  id: 'OS-05',
  severity: 'medium',
  title: 'Search domains publish their audit and error logs, to log groups with a customer-managed key.',
  rationale:
    'Who searched for what is known to the domain alone, and to nobody after it is gone. Audit logs may hold what was ' +
    'searched for, and are encrypted like what was found.',
  fix: 'Set LogPublishingOptions for AUDIT_LOGS and ES_APPLICATION_LOGS to log groups with KmsKeyId.',
  kind: 'resources',
  sources: {
    securityHub: ['OpenSearch.4', 'OpenSearch.5'],
    cdkNag: ['OS9'],
    checkov: ['CKV_AWS_84', 'CKV_AWS_317']
  },
  reads: ['es:DescribeDomain', 'logs:DescribeLogGroups'],
  evaluate: model =>
    domainsOf(model).map(domain =>
      judge(
        domain,
        Object.entries(logs).flatMap(([type, what]) => problemsOf(model, domain, type, what)),
        'it publishes audit and error logs to encrypted log groups'
      )
    )
}

function problemsOf(
  model: AuditModel,
  { properties }: AuditResource,
  type: string,
  what: string
): readonly Problem[] {
  const options = valueAt(properties, 'LogPublishingOptions', type)
  const groupArn = valueAt(options, 'CloudWatchLogsLogGroupArn')
  const enabled = valueAt(options, 'Enabled')
  const published = demandAll(
    demand(
      `${type}.CloudWatchLogsLogGroupArn`,
      groupArn,
      value => typeof value === 'string',
      `it does not publish ${what}`
    ),
    demand(
      `${type}.Enabled`,
      enabled,
      value => value === undefined || isTrue(value),
      `it does not publish ${what}`
    )
  )
  if (published.length > 0) return published
  const group = resourceFor(model, String(groupArn).replace(/:\*$/, ''), 'AWS::Logs::LogGroup')
  if (group === undefined) return [unknown(`the log group of ${type} is not here`)]
  return demandAll(demandCustomerKey(model, `KmsKeyId of ${group.id}`, group.properties.KmsKeyId))
}
