import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, knownListAt, textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** A delivery stream with its source and its destination, as CloudFormation would have them. */
export async function readDeliveryStream(
  reader: AccountReader,
  name: string
): Promise<readonly AuditResource[]> {
  const answer = await reader.read(
    { service: 'firehose', operation: 'DescribeDeliveryStream', input: { DeliveryStreamName: name } },
    name
  )
  const description = valueAt(answer, 'DeliveryStreamDescription')
  const arn = textAt(description, 'DeliveryStreamARN')
  if (arn === undefined) return []
  const encryption = valueAt(description, 'DeliveryStreamEncryptionConfiguration')
  const source = valueAt(description, 'Source', 'KinesisStreamSourceDescription')
  return [
    resource('AWS::KinesisFirehose::DeliveryStream', name, arn, 'firehose:DescribeDeliveryStream', {
      DeliveryStreamName: name,
      DeliveryStreamType: valueAt(description, 'DeliveryStreamType'),
      DeliveryStreamEncryptionConfigurationInput:
        (textAt(encryption, 'Status') ?? 'DISABLED') === 'DISABLED' ? undefined : encryption,
      KinesisStreamSourceConfiguration: source,
      ...destinationOf(knownListAt(description, 'Destinations')[0])
    })
  ]
}

function destinationOf(description: unknown): Readonly<Record<string, unknown>> {
  const renamed = renamedDescriptions(description)
  if (!isObject(renamed)) return {}
  const { DestinationId: _, S3Configuration: s3, ...configuration } = renamed
  // An S3 destination is described twice: by what it was before, too.
  const isOnlyS3 = s3 !== undefined && configuration.ExtendedS3DestinationConfiguration === undefined
  return isOnlyS3 && Object.keys(configuration).length === 0
    ? { S3DestinationConfiguration: s3 }
    : configuration
}

/** What is described is configured under another name: `...Description` under `...Configuration`. */
function renamedDescriptions(value: unknown): unknown {
  if (value === unknownValue || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(renamedDescriptions)
  const entries = Object.entries(value).map(([name, member]) => {
    const configuration = name
      .replace(/^S3DestinationDescription$/, 'S3Configuration')
      .replace(/^VpcConfigurationDescription$/, 'VpcConfiguration')
      .replace(/Description$/, 'Configuration')
    return [configuration, renamedDescriptions(member)] as const
  })
  return Object.fromEntries(entries)
}
