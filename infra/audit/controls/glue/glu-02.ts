import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { listAt, resourceFor, resourcesOf, valueAt } from '../../readers.ts'

const configurationType = 'AWS::Glue::SecurityConfiguration'

export const glu02: Control = {
  id: 'GLU-02',
  severity: 'medium',
  title:
    'Jobs and crawlers of Glue have a security configuration, which encrypts what they write, their logs and their bookmarks.',
  rationale:
    'A job writes rows, logs what went wrong with them, and remembers how far it came. Without a security configuration ' +
    'logs and bookmarks have no key of yours, whatever the bucket has.',
  fix:
    'Name an AWS::Glue::SecurityConfiguration with S3Encryptions, CloudWatchEncryption SSE-KMS and JobBookmarksEncryption ' +
    'CSE-KMS in each job and crawler.',
  kind: 'resources',
  sources: {
    statements: [71, 72, 73],
    cdkNag: ['GL1', 'GL3'],
    prowler: [
      'glue_etl_jobs_amazon_s3_encryption_enabled',
      'glue_etl_jobs_cloudwatch_logs_encryption_enabled',
      'glue_etl_jobs_job_bookmark_encryption_enabled'
    ],
    checkov: ['CKV_AWS_99', 'CKV_AWS_195']
  },
  reads: ['glue:GetSecurityConfiguration', 'glue:GetJob', 'glue:GetCrawler'],
  evaluate: model => [
    ...resourcesOf(model, configurationType).map(each =>
      judge(each, configurationProblems(model, each), 'it encrypts output, logs and bookmarks')
    ),
    ...resourcesOf(model, 'AWS::Glue::Job', 'AWS::Glue::DevEndpoint').map(each =>
      judge(
        each,
        userProblems(model, each.properties.SecurityConfiguration),
        'it has a security configuration'
      )
    ),
    ...resourcesOf(model, 'AWS::Glue::Crawler').map(each =>
      judge(
        each,
        userProblems(model, each.properties.CrawlerSecurityConfiguration),
        'it has a security configuration'
      )
    )
  ]
}

function configurationProblems(
  model: AuditModel,
  { properties }: AuditResource
): readonly (Problem | undefined)[] {
  const encryption = valueAt(properties, 'EncryptionConfiguration')
  return [
    ...outputProblems(model, encryption),
    ...modeProblems(model, encryption, 'CloudWatchEncryption', 'SSE-KMS', 'logs are'),
    ...modeProblems(model, encryption, 'JobBookmarksEncryption', 'CSE-KMS', 'bookmarks are')
  ]
}

function outputProblems(model: AuditModel, encryption: unknown): readonly (Problem | undefined)[] {
  const rules = listAt(encryption, 'S3Encryptions')
  if (rules === unknownValue) return [unknown('S3Encryptions cannot be told')]
  if (rules.length === 0) return [wrong('what is written is not encrypted')]
  return rules.flatMap(rule => {
    const mode = valueAt(rule, 'S3EncryptionMode')
    return [
      demand(
        'S3EncryptionMode',
        mode,
        value => value === 'SSE-KMS' || value === 'SSE-S3',
        'what is written is not encrypted'
      ),
      mode === 'SSE-KMS'
        ? demandCustomerKey(model, 'S3Encryptions.KmsKeyArn', valueAt(rule, 'KmsKeyArn'))
        : undefined
    ]
  })
}

function modeProblems(
  model: AuditModel,
  encryption: unknown,
  member: string,
  wanted: string,
  what: string
): readonly (Problem | undefined)[] {
  const part = valueAt(encryption, member)
  const mode = demand(
    `${member}Mode`,
    valueAt(part, `${member}Mode`),
    value => value === wanted,
    `${what} not encrypted with ${wanted}`
  )
  return [mode ?? demandCustomerKey(model, `${member}.KmsKeyArn`, valueAt(part, 'KmsKeyArn'))]
}

function userProblems(model: AuditModel, reference: unknown): readonly Problem[] {
  if (reference === undefined) return [wrong('it has no security configuration')]
  return resourceFor(model, reference, configurationType) === undefined
    ? [unknown('its security configuration is not here')]
    : []
}
