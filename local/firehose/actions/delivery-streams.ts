import { type Action, AwsError } from '../../aws-json.ts'
import type { DeliveryStream, FirehoseStore } from '../store.ts'
import { parseDestination } from '../validations/destination.ts'

export function createDeliveryStream(store: FirehoseStore): Action {
  return input => {
    const name = input.DeliveryStreamName
    if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
      throw new AwsError(
        'ValidationException',
        "1 validation error detected: Value at 'deliveryStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
      )
    }
    const type = input.DeliveryStreamType ?? 'DirectPut'
    if (type !== 'DirectPut') {
      throw new AwsError(
        'InvalidArgumentException',
        `DeliveryStreamType ${String(type)} is not implemented by the local engine`
      )
    }
    return { DeliveryStreamARN: store.create(name, parseDestination(input)).arn }
  }
}

export function describeDeliveryStream(store: FirehoseStore): Action {
  return input => ({ DeliveryStreamDescription: describe(store.streamOf(input)) })
}

export function deleteDeliveryStream(store: FirehoseStore): Action {
  return input => {
    store.delete(store.streamOf(input))
    return {}
  }
}

export function listDeliveryStreams(store: FirehoseStore): Action {
  return input => {
    const limit = typeof input.Limit === 'number' ? input.Limit : 10
    const after =
      typeof input.ExclusiveStartDeliveryStreamName === 'string' ? input.ExclusiveStartDeliveryStreamName : ''
    const names = store.all
      .map(({ name }) => name)
      .sort()
      .filter(name => name > after)
    return { DeliveryStreamNames: names.slice(0, limit), HasMoreDeliveryStreams: names.length > limit }
  }
}

function describe({ name, arn, createdMs, settings }: DeliveryStream): object {
  const s3 = {
    RoleARN: settings.roleArn,
    BucketARN: settings.bucketArn,
    Prefix: settings.prefix,
    ErrorOutputPrefix: settings.errorOutputPrefix,
    BufferingHints: {
      SizeInMBs: settings.bufferSizeMiB,
      IntervalInSeconds: settings.bufferIntervalSeconds
    },
    CompressionFormat: settings.compression,
    EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
    CloudWatchLoggingOptions: { Enabled: false }
  }
  return {
    DeliveryStreamName: name,
    DeliveryStreamARN: arn,
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamType: 'DirectPut',
    VersionId: '1',
    CreateTimestamp: createdMs / 1000,
    HasMoreDestinations: false,
    Destinations: [
      {
        DestinationId: 'destinationId-000000000001',
        S3DestinationDescription: s3,
        ExtendedS3DestinationDescription: {
          ...s3,
          S3BackupMode: 'Disabled',
          FileExtension: settings.fileExtension,
          CustomTimeZone: settings.timeZone
        }
      }
    ]
  }
}
