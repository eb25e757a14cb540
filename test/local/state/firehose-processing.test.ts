import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  FirehoseClient,
  PutRecordBatchCommand
} from '@aws-sdk/client-firehose'
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, vi } from 'vitest'
import type { FirehoseTransformEvent, LocalEngines, LocalOptions } from '../../../local/index.ts'
import { roleAndBucket } from '../../helpers/delivery-streams.ts'
import { opened } from '../../helpers/local.ts'
import { restartable } from '../../helpers/state.ts'

/** Nothing is delivered by itself. */
const slow = { IntervalInSeconds: 900, SizeInMBs: 128 }
const DeliveryStreamName = 'd'

const lambdaProcessing = (bufferSeconds: number) => ({
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: 'Lambda' as const,
        Parameters: [
          {
            ParameterName: 'LambdaArn' as const,
            ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:f'
          },
          { ParameterName: 'BufferIntervalInSeconds' as const, ParameterValue: String(bufferSeconds) }
        ]
      }
    ]
  }
})

const putTo = (local: LocalEngines, ...records: string[]) =>
  opened(new FirehoseClient(local.clientConfig('firehose'))).send(
    new PutRecordBatchCommand({
      DeliveryStreamName,
      Records: records.map(record => ({ Data: Buffer.from(record) }))
    })
  )

const putToStream = (local: LocalEngines, text: string) =>
  opened(new KinesisClient(local.clientConfig('kinesis'))).send(
    new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from(text) })
  )

async function create(local: LocalEngines, input: Partial<CreateDeliveryStreamCommandInput>): Promise<void> {
  await opened(new S3Client(local.clientConfig('s3'))).send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await opened(new FirehoseClient(local.clientConfig('firehose'))).send(
    new CreateDeliveryStreamCommand({ DeliveryStreamName, ...input })
  )
}

/** Key without what differs each time, and text, of every object. */
async function objectsOf(local: LocalEngines): Promise<readonly (readonly [string, string])[]> {
  await local.flushFirehose()
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
  return Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
      return [Key!.slice(0, Key!.indexOf('/')), await Body!.transformToString()] as const
    })
  )
}

describe('processing with a state folder', () => {
  it('goes on with what no function had returned, and does nothing twice', async () => {
    const events: FirehoseTransformEvent[] = []
    const options: LocalOptions = {
      firehoseFunctions: {
        f: event => {
          events.push(event)
          return {
            records: event.records.map(({ recordId, data }, index) =>
              index === 0
                ? { recordId, result: 'Dropped' }
                : { recordId, result: 'Ok', data: `${data.slice(0, 3)}=` }
            )
          }
        }
      }
    }
    const restart = restartable(options)
    let local = await restart()
    await create(local, {
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        Prefix: 'out/',
        BufferingHints: slow,
        ...lambdaProcessing(900)
      }
    })
    await putTo(local, 'aaa', 'bbb', 'ccc')
    expect(local.firehoseBufferedBytes()).toBe(9)
    local = await restart()
    expect(events).toEqual([])
    expect(local.firehoseBufferedBytes()).toBe(9)
    expect(await objectsOf(local)).toEqual([['out', 'bbcc']])
    expect(events.map(({ records }) => records.length)).toEqual([3])
    local = await restart()
    expect(local.firehoseBufferedBytes()).toBe(0)
    expect(await objectsOf(local)).toEqual([['out', 'bbcc']])
    expect(events).toHaveLength(1)
  })

  it('keeps the partitions of what was buffered', async () => {
    let returned = 0
    const restart = restartable({
      firehoseFunctions: {
        f: ({ records }) => {
          returned += records.length
          return {
            records: records.map(({ recordId, data }) => ({
              recordId,
              data,
              result: 'Ok',
              metadata: { partitionKeys: { key: Buffer.from(data, 'base64').toString() } }
            }))
          }
        }
      }
    })
    let local = await restart()
    await create(local, {
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        Prefix: '!{partitionKeyFromLambda:key}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        DynamicPartitioningConfiguration: { Enabled: true },
        BufferingHints: slow,
        ...lambdaProcessing(0)
      }
    })
    await putTo(local, 'a', 'b', 'a')
    // Returned, and buffered for a quarter of an hour.
    await vi.waitFor(() =>
      expect(local.firehoseMetrics('d')).toMatchObject({ 'SucceedProcessing.Records': 3 })
    )
    local = await restart()
    expect(await objectsOf(local)).toEqual([
      ['a', 'aa'],
      ['b', 'b']
    ])
    expect(returned).toBe(3)
  })

  it('reads a Kinesis stream on from where it was read to', async () => {
    const restart = restartable()
    let local = await restart()
    await opened(new KinesisClient(local.clientConfig('kinesis'))).send(
      new CreateStreamCommand({ StreamName: 's', ShardCount: 1 })
    )
    await putToStream(local, 'before')
    await create(local, {
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: {
        KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
        RoleARN: roleAndBucket.RoleARN
      },
      ExtendedS3DestinationConfiguration: { ...roleAndBucket, Prefix: 'out/', BufferingHints: slow }
    })
    // Closed before the first read: the start of the delivery stream counts all the same.
    await putToStream(local, 'a')
    local = await restart()
    expect(await objectsOf(local)).toEqual([['out', 'a']])
    await putToStream(local, 'b')
    // Without a Kinesis the positions stay as they are.
    local = await restart({ services: ['firehose'] })
    expect((await objectsOf(local)).map(([, text]) => text)).toEqual(['a'])
    local = await restart()
    const texts = (await objectsOf(local)).map(([, text]) => text)
    expect(texts.sort()).toEqual(['a', 'b'])
  })
})
