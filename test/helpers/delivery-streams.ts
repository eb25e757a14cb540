import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  DescribeDeliveryStreamCommand,
  type DestinationDescription,
  FirehoseClient,
  PutRecordBatchCommand
} from '@aws-sdk/client-firehose'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { LocalOptions } from '../../local/index.ts'
import { FakeClock } from './fake-clock.ts'
import { opened, openLocal } from './local.ts'

export const roleAndBucket = {
  RoleARN: 'arn:aws:iam::000000000000:role/firehose',
  BucketARN: 'arn:aws:s3:::bucket'
}

/** Engines on a fake clock, the bucket `bucket`, and what tests do with the delivery stream `d`. */
export async function startFirehose(options: LocalOptions = {}) {
  const clock = new FakeClock()
  const local = await openLocal({ clock, ...options })
  const firehose = opened(new FirehoseClient({ ...local.clientConfig('firehose'), maxAttempts: 1 }))
  const s3 = opened(new S3Client(local.clientConfig('s3')))
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return {
    clock,
    local,
    firehose,
    create: (destination: Partial<CreateDeliveryStreamCommandInput>) =>
      firehose.send(new CreateDeliveryStreamCommand({ DeliveryStreamName: 'd', ...destination })),
    put: (...records: string[]) =>
      firehose.send(
        new PutRecordBatchCommand({
          DeliveryStreamName: 'd',
          Records: records.map(record => ({ Data: Buffer.from(record) }))
        })
      ),
    async destination(): Promise<DestinationDescription & { readonly version: string | undefined }> {
      const { DeliveryStreamDescription: found } = await firehose.send(
        new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'd' })
      )
      return { ...found!.Destinations![0]!, version: found!.VersionId }
    },
    /** After a flush. */
    async objects(): Promise<readonly { readonly key: string; readonly text: string }[]> {
      await local.flushFirehose()
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
      return Promise.all(
        Contents.map(async ({ Key }) => {
          const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
          return { key: Key!, text: await Body!.transformToString() }
        })
      )
    }
  }
}
