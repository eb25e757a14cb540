import { expect, it } from 'vitest'
import { logControls } from '../../../../infra/audit/controls/logs/index.ts'
import { loadTemplate } from '../../../../infra/audit/loaders/template.ts'
import { describeControl, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const control = (id: string) => logControls.find(each => each.id === id)!
const groupArn = `arn:aws:logs:${at}:log-group:/orders/worker`
const group = (properties = {}) =>
  resource('Logs::LogGroup', { LogGroupName: '/orders/worker', ...properties })
const kept = { KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] }, RetentionInDays: 30 }
const key = (...groupArns: readonly string[]) =>
  resource('KMS::Key', {
    KeyPolicy: policy({
      Principal: { Service: { 'Fn::Sub': 'logs.${AWS::Region}.amazonaws.com' } },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      ...(groupArns.length === 0
        ? {}
        : { Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groupArns } } })
    })
  })

describeControl(control('LOG-01'), [
  {
    title: 'passes with a key that lets in this group, and an end',
    resources: { Group: group(kept), Key: key(groupArn) },
    findings: { Group: 'pass' }
  },
  {
    title: 'fails without key and end',
    resources: { Group: group() },
    findings: { Group: 'fail' },
    evidence: /^KmsKeyId is not set; it keeps its events for ever$/
  },
  {
    title: 'fails for a key without a statement for logs, with which a template is made and not deployed',
    resources: { Group: group(kept), Key: resource('KMS::Key') },
    findings: { Group: 'fail' },
    evidence: /^the policy of Key does not let in the logs of this group$/
  },
  {
    title: 'fails for a key that lets in other groups alone, and for one that lets in all',
    resources: {
      Group: group(kept),
      Key: key(`${groupArn}-other`),
      Open: resource('Logs::LogGroup', { ...kept, KmsKeyId: { 'Fn::GetAtt': ['OpenKey', 'Arn'] } }),
      OpenKey: key()
    },
    findings: { Group: 'fail', Open: 'fail' },
    evidence: /does not let in the logs of this group\n.*lets in the logs of any account/
  },
  {
    title: 'does not decide on a key that is not here, or cannot be told',
    resources: {
      Elsewhere: group({ ...kept, KmsKeyId: `arn:aws:kms:${at}:key/elsewhere` }),
      Unknown: group({ ...kept, KmsKeyId: { 'Fn::ImportValue': 'key' } })
    },
    findings: { Elsewhere: 'error', Unknown: 'error' }
  }
])

it('LOG-01 knows the service by its name in China', () => {
  const keyFor = (urlSuffix: string) =>
    resource('KMS::Key', {
      KeyPolicy: policy({
        Principal: { Service: `logs.cn-north-1.${urlSuffix}` },
        Action: 'kms:*',
        Condition: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn':
              'arn:aws-cn:logs:cn-north-1:123456789012:log-group:/orders/worker'
          }
        }
      })
    })
  const statusWith = (urlSuffix: string) => {
    const template = { Resources: { Group: group(kept), Key: keyFor(urlSuffix) } }
    return control('LOG-01').evaluate(loadTemplate(template, { region: 'cn-north-1' }))[0]!.status
  }
  expect([statusWith('amazonaws.com.cn'), statusWith('amazonaws.com')]).toEqual(['pass', 'fail'])
})

const alarm = (MetricName: string, properties = {}) =>
  resource('CloudWatch::Alarm', { MetricName, ...properties })
const rule = (detail: object, properties = {}) =>
  resource('Events::Rule', { EventPattern: { source: ['aws.kms', 'aws.kinesis'], detail }, ...properties })
const watched = {
  Stream: resource('Kinesis::Stream'),
  Delivery: resource('KinesisFirehose::DeliveryStream'),
  Lag: alarm('MillisBehindLatest'),
  Fresh: resource('CloudWatch::Alarm', {
    Metrics: [{ Id: 'm', MetricStat: { Metric: { MetricName: 'DeliveryToS3.DataFreshness' } } }]
  }),
  Failed: alarm('DeadLetters'),
  Refused: alarm('StalledShards'),
  Keys: rule({ eventName: ['DisableKey', 'ScheduleKeyDeletion'] }),
  Guards: rule({ eventName: ['StopStreamEncryption', 'CreateChannel'] })
}

describeControl(control('LOG-02'), [
  { title: 'passes with all of them', resources: watched, findings: { whole: 'pass' } },
  {
    title: 'passes with a rule on refused calls to KMS instead of an alarm',
    resources: {
      ...watched,
      Refused: rule(
        { errorCode: ['AccessDenied'] },
        { State: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' }
      )
    },
    findings: { whole: 'pass' }
  },
  {
    title: 'fails for a rule on refused calls to which no reads come, such as every use of a key',
    resources: { ...watched, Refused: rule({ errorCode: ['AccessDenied'] }) },
    findings: { whole: 'fail' },
    evidence: /^missing: an alarm on refused or disabled keys$/
  },
  {
    title: 'passes with the metrics of AWS alone',
    resources: {
      ...watched,
      Lag: alarm('GetRecords.IteratorAgeMilliseconds'),
      Fresh: alarm('DeliveryToRedshift.Success'),
      Failed: alarm('ApproximateNumberOfMessagesVisible'),
      Refused: alarm('KMSKeyAccessDenied')
    },
    findings: { whole: 'pass' }
  },
  {
    title: 'fails without any, and names what is missing',
    resources: { Stream: watched.Stream, Delivery: watched.Delivery },
    findings: { whole: 'fail' },
    evidence:
      /^missing: .*behind, .*freshness of delivery, .*do not open, .*keys, .*DisableKey, .*ScheduleKeyDeletion, .*StopStreamEncryption, a rule on CreateChannel$/
  },
  {
    title: 'does not count an alarm without actions, or a rule that is off',
    resources: {
      ...watched,
      Lag: alarm('MillisBehindLatest', { ActionsEnabled: false }),
      Guards: rule({ eventName: ['StopStreamEncryption', 'CreateChannel'] }, { State: 'DISABLED' })
    },
    findings: { whole: 'fail' },
    evidence:
      /^missing: an alarm on how far readers are behind, a rule on StopStreamEncryption, a rule on CreateChannel$/
  },
  {
    title: 'has nothing to say where there is no stream',
    resources: { Bucket: resource('S3::Bucket') },
    findings: {}
  }
])
