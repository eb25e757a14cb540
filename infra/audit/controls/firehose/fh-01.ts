import type { Control } from '../../control.ts'
import { deliveryStreamsOf, isFedByKinesis } from '../../delivery-streams.ts'
import { demand, demandAll, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { resourceFor, valueAt } from '../../readers.ts'
import { encryptionProblems } from '../kinesis/streams.ts'

export const fh01: Control = {
  id: 'FH-01',
  severity: 'high',
  title:
    'What a delivery stream buffers is encrypted with a customer-managed key, at its source where Kinesis feeds it.',
  rationale:
    'A delivery stream that is put to directly holds the records itself and needs encryption of its own. One that Kinesis ' +
    'feeds leaves them in the stream and refuses the setting: there the stream is what has to be encrypted.',
  fix:
    'With DirectPut set DeliveryStreamEncryptionConfigurationInput to CUSTOMER_MANAGED_CMK and a KeyARN; with a Kinesis ' +
    'source leave it out and encrypt the stream.',
  kind: 'resources',
  sources: {
    statements: [18],
    securityHub: ['DataFirehose.1'],
    cdkNag: ['KDF1'],
    prowler: ['firehose_stream_encrypted_at_rest'],
    checkov: ['CKV_AWS_240', 'CKV_AWS_241']
  },
  evaluate: model =>
    deliveryStreamsOf(model).map(stream =>
      isFedByKinesis(stream)
        ? judge(stream, sourceProblems(model, stream), 'its source is encrypted with a customer-managed key')
        : judge(stream, ownProblems(model, stream), 'encrypted with a customer-managed key')
    )
}

function ownProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  const { DeliveryStreamType: type, DeliveryStreamEncryptionConfigurationInput: encryption } = properties
  if (type === unknownValue) return [unknown('DeliveryStreamType cannot be told')]
  if (type !== undefined && type !== 'DirectPut')
    return [unknown('the encryption of its source is not looked at')]
  if (encryption === undefined)
    return [wrong('what is put to it is not encrypted at rest with a key of yours')]
  return demandAll(
    demand(
      'KeyType',
      valueAt(encryption, 'KeyType'),
      keyType => keyType === 'CUSTOMER_MANAGED_CMK',
      'KeyType is not CUSTOMER_MANAGED_CMK'
    ),
    demandCustomerKey(model, 'KeyARN', valueAt(encryption, 'KeyARN')),
    // In an account alone: the key may be there and not be at work.
    demand(
      'Status',
      valueAt(encryption, 'Status'),
      status => status === undefined || status === 'ENABLED',
      'its encryption is not enabled'
    )
  )
}

function sourceProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  if (properties.DeliveryStreamEncryptionConfigurationInput !== undefined) {
    return [wrong('Kinesis feeds it: Firehose refuses encryption of its own')]
  }
  const reference = valueAt(properties, 'KinesisStreamSourceConfiguration', 'KinesisStreamARN')
  const source = resourceFor(model, reference, 'AWS::Kinesis::Stream')
  return source === undefined
    ? [unknown('the stream that feeds it is not here')]
    : encryptionProblems(model, source)
}
