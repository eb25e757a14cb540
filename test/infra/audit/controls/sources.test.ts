import { describe, expect, it } from 'vitest'
import { audit } from '../../../../infra/audit/audit.ts'
import { catalogue } from '../../../../infra/audit/catalogue.ts'
import type { AuditModel } from '../../../../infra/audit/model.ts'
import { modelOfTemplate, resource } from '../../../helpers/audit.ts'

const template = modelOfTemplate({
  Stream: resource('Kinesis::Stream'),
  Delivery: resource('KinesisFirehose::DeliveryStream', {
    ExtendedS3DestinationConfiguration: { RoleARN: { 'Fn::GetAtt': ['Role', 'Arn'] } }
  }),
  Role: resource('IAM::Role'),
  Bucket: resource('S3::Bucket'),
  Queue: resource('SQS::Queue'),
  Leases: resource('DynamoDB::Table', { KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }] })
})

const statusesOf = (model: AuditModel) =>
  new Map(audit(model, catalogue).results.map(({ control, status }) => [control.id, status]))

describe('an account', () => {
  it.each([
    ['ec2:DescribeVpcEndpoints', ['KDS-04', 'FH-11', 'SQS-05', 'DDB-05']],
    ['iam:GetRole', ['KDS-08', 'FH-12', 'SQS-03', 'DDB-02']],
    ['kinesis:ListStreamConsumers', ['KDS-06']],
    ['lambda:ListEventSourceMappings', ['KDS-06']],
    ['cloudwatch:DescribeAlarms', ['LOG-02']],
    ['events:ListRules', ['LOG-02']]
  ])('that refuses %s leaves undecided what rests on it', (action, ids) => {
    const statuses = statusesOf({
      ...template,
      source: 'live',
      failedReads: [{ action, resource: '*', code: 'AccessDeniedException' }]
    })
    expect(ids.map(id => [id, statuses.get(id)])).toEqual(ids.map(id => [id, 'error']))
  })

  const keyArn = 'arn:aws:kms:us-east-1:123456789012:key/of-aws'
  const encrypted = modelOfTemplate({
    Stream: resource('Kinesis::Stream', { StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn } }),
    Queue: resource('SQS::Queue', { KmsMasterKeyId: keyArn })
  })

  it('tells a key of AWS by its ARN: it is none of those that were read', () => {
    const live = statusesOf({ ...encrypted, source: 'live' })
    expect([live.get('KDS-01'), live.get('SQS-01')]).toEqual(['fail', 'fail'])
    const ofTemplate = statusesOf(encrypted)
    expect([ofTemplate.get('KDS-01'), ofTemplate.get('SQS-01')]).toEqual(['pass', 'pass'])
  })

  it('that does not tell whose key it is leaves undecided who encrypts', () => {
    const failedReads = [{ action: 'kms:DescribeKey', resource: keyArn, code: 'AccessDeniedException' }]
    const statuses = statusesOf({ ...encrypted, source: 'live', failedReads })
    expect([statuses.get('KDS-01'), statuses.get('SQS-01')]).toEqual(['error', 'error'])
  })

  it('has no stack that a stream would go with', () => {
    const [stream] = audit({ ...template, source: 'live' }, catalogue).results.flatMap(({ findings }) =>
      findings.filter(({ controlId }) => controlId === 'KDS-08')
    )
    expect(stream).toMatchObject({ status: 'pass', evidence: 'no role can undo its guards' })
  })
})

describe('local engines', () => {
  it('are asked neither for networks nor for alarms', () => {
    const statuses = statusesOf({ ...template, source: 'local' })
    const ids = ['KDS-04', 'FH-11', 'S3-04', 'DDB-05', 'LOG-02']
    expect(ids.map(id => [id, statuses.get(id)])).toEqual(ids.map(id => [id, 'notApplicable']))
  })
})
