import { PutRecordCommand } from '@aws-sdk/client-firehose'
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'
import { opened } from '../../helpers/local.ts'

describe('metrics of a delivery stream', () => {
  it('count puts, and what AWS would bill for them', async () => {
    const { create, put, local, firehose } = await startFirehose()
    await create({ ExtendedS3DestinationConfiguration: roleAndBucket })
    await put('x', 'x'.repeat(5120), 'x'.repeat(5121), '')
    await firehose.send(new PutRecordCommand({ DeliveryStreamName: 'd', Record: { Data: Buffer.from('y') } }))
    expect(local.firehoseMetrics('d')).toEqual({
      IncomingPutRequests: 2,
      IncomingRecords: 5,
      IncomingBytes: 10_243,
      'PutRecordBatch.Requests': 1,
      'PutRecordBatch.Records': 4,
      'PutRecordBatch.Bytes': 10_242,
      'PutRecord.Requests': 1,
      'PutRecord.Bytes': 1,
      BilledBytes: 5 * 5120,
      'DeliveryToS3.DataFreshness': 0
    })
  })

  it('count what was refused', async () => {
    const { create, put, local } = await startFirehose({
      faults: [{ service: 'firehose', operation: 'PutRecordBatch', kind: 'partial-failure', entries: [0] }]
    })
    await create({ ExtendedS3DestinationConfiguration: roleAndBucket })
    await put('a', 'b')
    expect(local.firehoseMetrics('d')).toMatchObject({
      ThrottledRecords: 1,
      IncomingRecords: 1,
      IncomingBytes: 1
    })
  })

  it('count deliveries and copies, and tell the age of what waits', async () => {
    const { create, put, local, clock } = await startFirehose()
    await create({
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: roleAndBucket
      }
    })
    await put('abc')
    await clock.advance(42_000)
    expect(local.firehoseMetrics('d')).toMatchObject({
      'DeliveryToS3.DataFreshness': 42,
      'BackupToS3.DataFreshness': 42
    })
    await local.flushFirehose()
    const metrics = local.firehoseMetrics('d')
    expect(metrics).toMatchObject({
      'DeliveryToS3.Records': 1,
      'DeliveryToS3.Bytes': 3,
      'DeliveryToS3.Success': 1,
      'DeliveryToS3.ObjectCount': 1,
      'BackupToS3.Records': 1,
      'BackupToS3.Bytes': 3,
      'BackupToS3.Success': 1
    })
    expect(Object.keys(metrics).filter(name => name.endsWith('DataFreshness'))).toEqual([])
  })

  it('tell of failed attempts, and of the key that they failed for', async () => {
    const { create, put, local, clock } = await startFirehose()
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    await kms.send(new DisableKeyCommand({ KeyId: key!.KeyId }))
    await create({
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: key!.Arn } }
      }
    })
    await put('a')
    await local.flushFirehose()
    await clock.advance(1_000)
    const metrics = local.firehoseMetrics('d')
    expect(metrics).toMatchObject({
      'DeliveryToS3.Success': 0,
      KMSKeyDisabled: 2,
      'DeliveryToS3.DataFreshness': 1
    })
    expect(metrics).not.toHaveProperty(['DeliveryToS3.Records'])
  })

  it('count failures that are kept for another destination', async () => {
    const { create, put, local } = await startFirehose({ receivers: ['search'] })
    await create({
      AmazonopensearchserviceDestinationConfiguration: {
        RoleARN: roleAndBucket.RoleARN,
        ClusterEndpoint: local.search!.url,
        IndexName: 'i',
        S3Configuration: roleAndBucket
      }
    })
    await put('{"a":1}', 'no document')
    await local.flushFirehose()
    expect(local.firehoseMetrics('d')).toMatchObject({
      'DeliveryToAmazonOpenSearchService.Records': 1,
      'DeliveryToAmazonOpenSearchService.Bytes': 7,
      'DeliveryToAmazonOpenSearchService.Success': 0,
      'BackupToS3.Records': 1,
      'BackupToS3.Bytes': 11,
      'BackupToS3.Success': 1
    })
  })

  it('count transforms and reads of a Kinesis stream', async () => {
    let invocations = 0
    const { create, local, clock } = await startFirehose({
      firehoseFunctions: {
        f: ({ records }) => {
          invocations += 1
          if (invocations === 1) throw new Error('not yet')
          return {
            records: records.map(({ recordId, data }, index) =>
              index === 0 ? { recordId, result: 'Dropped' } : { recordId, result: 'Ok', data }
            )
          }
        }
      }
    })
    const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await create({
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: {
        KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
        RoleARN: roleAndBucket.RoleARN
      },
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: [
                {
                  ParameterName: 'LambdaArn',
                  ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:f'
                }
              ]
            }
          ]
        }
      }
    })
    const Records = ['a', 'bcd'].map(text => ({ PartitionKey: 'k', Data: Buffer.from(text) }))
    await kinesis.send(new PutRecordsCommand({ StreamName: 's', Records }))
    await local.flushFirehose()
    await clock.advance(1_000)
    await local.flushFirehose()
    expect(local.firehoseMetrics('d')).toMatchObject({
      'DataReadFromKinesisStream.Records': 2,
      'DataReadFromKinesisStream.Bytes': 4,
      KinesisMillisBehindLatest: 0,
      BilledBytes: 2 * 5120,
      'ExecuteProcessing.Success': 0.5,
      'ExecuteProcessing.Duration': 0,
      'SucceedProcessing.Records': 1,
      'SucceedProcessing.Bytes': 3,
      'DeliveryToS3.Records': 1
    })
  })

  it('are there for delivery streams that are there', async () => {
    const { local } = await startFirehose()
    expect(() => local.firehoseMetrics('none')).toThrow('not found')
  })
})
