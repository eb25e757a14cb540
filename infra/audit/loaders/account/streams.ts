import type { AuditResource } from '../../model.ts'
import { isObject, knownListAt, textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** The stream, its policy, and the consumers and mappings that are registered to read it. */
export async function readStream(reader: AccountReader, name: string): Promise<readonly AuditResource[]> {
  const answer = await reader.read(
    { service: 'kinesis', operation: 'DescribeStreamSummary', input: { StreamName: name } },
    name
  )
  const summary = valueAt(answer, 'StreamDescriptionSummary')
  const arn = textAt(summary, 'StreamARN')
  if (arn === undefined) return []
  const encryption = valueAt(summary, 'EncryptionType')
  const stream = resource('AWS::Kinesis::Stream', name, arn, 'kinesis:DescribeStreamSummary', {
    Name: name,
    RetentionPeriodHours: valueAt(summary, 'RetentionPeriodHours'),
    StreamEncryption:
      encryption === 'KMS' ? { EncryptionType: encryption, KeyId: valueAt(summary, 'KeyId') } : undefined,
    ConsumerCount: valueAt(summary, 'ConsumerCount'),
    // A service without channels does not count them.
    ChannelCount: valueAt(summary, 'ChannelCount') ?? 0
  })
  return [
    stream,
    ...(await readPolicy(reader, stream)),
    ...(await readConsumers(reader, stream)),
    ...(await readMappings(reader, stream))
  ]
}

async function readPolicy(
  reader: AccountReader,
  { id, arn }: AuditResource
): Promise<readonly AuditResource[]> {
  const answer = await reader.read(
    { service: 'kinesis', operation: 'GetResourcePolicy', input: { ResourceARN: arn } },
    id,
    ['ResourceNotFoundException']
  )
  const policy = valueAt(answer, 'Policy')
  if (policy === undefined || policy === '') return []
  const properties = { ResourceArn: arn, ResourcePolicy: policy }
  return [
    resource('AWS::Kinesis::ResourcePolicy', `${id} policy`, arn, 'kinesis:GetResourcePolicy', properties)
  ]
}

async function readConsumers(
  reader: AccountReader,
  { id, arn }: AuditResource
): Promise<readonly AuditResource[]> {
  const consumers = await reader.readPages(
    { service: 'kinesis', operation: 'ListStreamConsumers', input: { StreamARN: arn } },
    id,
    { list: 'Consumers' }
  )
  return knownListAt(consumers).map(consumer => {
    const name = textAt(consumer, 'ConsumerName') ?? ''
    const consumerArn = textAt(consumer, 'ConsumerARN') ?? ''
    return resource('AWS::Kinesis::StreamConsumer', name, consumerArn, 'kinesis:ListStreamConsumers', {
      ConsumerName: name,
      StreamARN: arn
    })
  })
}

async function readMappings(
  reader: AccountReader,
  { id, arn }: AuditResource
): Promise<readonly AuditResource[]> {
  if (!reader.has('lambda')) return []
  const mappings = await reader.readPages(
    { service: 'lambda', operation: 'ListEventSourceMappings', input: { EventSourceArn: arn } },
    id,
    { list: 'EventSourceMappings', next: 'NextMarker', token: 'Marker' }
  )
  return knownListAt(mappings)
    .filter(isObject)
    .map(mapping => {
      const name = textAt(mapping, 'UUID') ?? ''
      const mappingArn = textAt(mapping, 'EventSourceMappingArn') ?? name
      return resource('AWS::Lambda::EventSourceMapping', name, mappingArn, 'lambda:ListEventSourceMappings', {
        ...mapping,
        FunctionName: mapping.FunctionArn
      })
    })
}
