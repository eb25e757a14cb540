import { expect, it } from 'vitest'
import { severities } from '../../../infra/audit/audit.ts'
import { catalogue } from '../../../infra/audit/catalogue.ts'
import type { Control, ControlSources } from '../../../infra/audit/control.ts'

const services: Readonly<Record<string, string>> = {
  KMS: 'Keys',
  HSM: 'CloudHSM',
  KDS: 'Kinesis Data Streams',
  FH: 'Firehose',
  MSF: 'Managed Flink',
  SQS: 'SQS',
  IOT: 'IoT Core',
  S3: 'S3',
  DDB: 'DynamoDB',
  RDS: 'RDS and Aurora',
  RS: 'Redshift',
  OS: 'OpenSearch',
  LAM: 'Lambda',
  GLU: 'Glue',
  IAM: 'IAM',
  NET: 'Network',
  LOG: 'Logs and alarms',
  E2E: 'End to end'
}

const decidedBy: Readonly<Record<Control['kind'], string>> = {
  resources: 'template, account',
  live: 'account',
  proof: '`sealstream prove`',
  manual: 'people'
}

const names: Readonly<Record<keyof ControlSources, string>> = {
  statements: 'statement',
  securityHub: 'Security Hub',
  cis: 'CIS 3.0',
  cdkNag: 'cdk-nag',
  prowler: 'Prowler',
  checkov: 'Checkov'
}

function knownAs(sources: ControlSources): string {
  return (Object.keys(names) as (keyof ControlSources)[])
    .flatMap(source => (sources[source]?.length ? [`${names[source]} ${sources[source].join(', ')}`] : []))
    .join('; ')
}

function tableOf(prefix: string): string {
  const rows = catalogue
    .filter(({ id }) => id.startsWith(`${prefix}-`))
    .map(({ id, severity, title, fix, kind, sources }) =>
      [id, severity, title, fix, decidedBy[kind], knownAs(sources)]
        .map(cell => cell.replaceAll('|', '\\|'))
        .join(' | ')
    )
  return [
    `## ${services[prefix]}`,
    '',
    '| id | severity | what holds | what to do otherwise | decided by | known as |',
    '|---|---|---|---|---|---|',
    ...rows.map(row => `| ${row} |`)
  ].join('\n')
}

// `vitest -u` writes it anew.
it('is what docs/security/controls.md says', async () => {
  const count = (severity: string) => catalogue.filter(control => control.severity === severity).length
  const counts = severities.map(severity => `${count(severity)} ${severity}`).join(', ')
  const document = [
    '# Controls of the audit',
    '',
    `Made from the catalogue in \`infra/audit/controls\`: ${catalogue.length} controls, ${counts}. What each is for, \`sealstream audit --explain ID\` tells. Numbers of statements are those of [statements.md](statements.md). See the [guide](../guides/audit.md).`,
    '',
    Object.keys(services).map(tableOf).join('\n\n'),
    ''
  ].join('\n')
  await expect(document).toMatchFileSnapshot('../../../docs/security/controls.md')
})
