import { dataBucketsOf, encryptionRuleOf, logBucketOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { ask, foreignAccount, service } from '../../questions.ts'
import { knownListAt, resourcesOf, textAt, valueAt } from '../../readers.ts'

export const s309: Control = {
  id: 'S3-09',
  severity: 'medium',
  title:
    'Reads and writes of objects are logged: to a bucket of its own that S3 alone writes, or by CloudTrail.',
  rationale: 'When a right turns out to have been too wide, the log is what tells whether somebody used it.',
  fix:
    'Set LoggingConfiguration to a separate bucket with SSE-S3 whose policy lets in logging.s3.amazonaws.com under ' +
    'aws:SourceArn and aws:SourceAccount, or record object events in a trail.',
  kind: 'resources',
  sources: {
    securityHub: ['S3.9', 'S3.22', 'S3.23'],
    cis: ['3.8', '3.9'],
    cdkNag: ['S1'],
    checkov: ['CKV_AWS_18']
  },
  evaluate: model =>
    dataBucketsOf(model).map(bucket =>
      isInTrail(model, bucket)
        ? judge(bucket, [], 'a trail records its object events')
        : judge(bucket, loggingProblems(model, bucket), 'its accesses are logged to a bucket of their own')
    )
}

function loggingProblems(model: AuditModel, bucket: AuditResource): readonly (Problem | undefined)[] {
  const { LoggingConfiguration: logging } = bucket.properties
  if (logging === undefined) return [wrong('its accesses are not logged')]
  const target = valueAt(logging, 'DestinationBucketName')
  if (target === unknownValue || logging === unknownValue) return [unknown('where it logs to cannot be told')]
  const logs = logBucketOf(model, bucket)
  // Without a name it logs to itself, and each log is an access to be logged.
  if (target === undefined || logs === bucket) return [wrong('it logs to itself')]
  if (logs === undefined) return [unknown('the bucket that it logs to is not here')]
  return [...targetProblems(logs), ...writerProblems(model, bucket, logs)]
}

function targetProblems(logs: AuditResource): readonly (Problem | undefined)[] {
  return [
    demand(
      `the encryption of ${logs.id}`,
      valueAt(encryptionRuleOf(logs), 'ServerSideEncryptionByDefault', 'SSEAlgorithm'),
      // S3 does not deliver logs under a KMS key.
      algorithm => algorithm === undefined || algorithm === 'AES256',
      `${logs.id} is not encrypted by S3's own key, as logs have to be`
    )
  ]
}

function writerProblems(model: AuditModel, bucket: AuditResource, logs: AuditResource): readonly Problem[] {
  const prefix = textAt(bucket.properties, 'LoggingConfiguration', 'LogFilePrefix') ?? ''
  const logged = (sourceArn: string, accountId: string) =>
    ask(model, {
      principal: service('logging.s3.amazonaws.com'),
      action: 's3:PutObject',
      resource: `${logs.arn}/${prefix}log`,
      context: { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountId }
    })
  const own = logged(bucket.arn, model.accountId)
  const foreign = logged(`arn:${model.partition}:s3:::another-name`, foreignAccount(model))
  if ([own, foreign].includes('unknown')) return [unknown(`the policy of ${logs.id} cannot be told`)]
  const problems: Problem[] = []
  if (own === 'deny') problems.push(wrong(`${logs.id} does not let in the logs of S3`))
  if (foreign === 'allow') problems.push(wrong(`${logs.id} takes the logs of any bucket`))
  return problems
}

function isInTrail(model: AuditModel, { arn }: AuditResource): boolean {
  const selectors = resourcesOf(model, 'AWS::CloudTrail::Trail').flatMap(({ properties }) =>
    knownListAt(properties, 'EventSelectors')
  )
  return selectors
    .flatMap(selector => knownListAt(selector, 'DataResources'))
    .filter(resource => valueAt(resource, 'Type') === 'AWS::S3::Object')
    .flatMap(resource => knownListAt(resource, 'Values'))
    .some(value => typeof value === 'string' && `${arn}/`.startsWith(value))
}
