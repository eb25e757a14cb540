import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient
} from '@aws-sdk/client-dynamodb'
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  type ExtendedS3DestinationConfiguration,
  FirehoseClient
} from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  type Shard
} from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { until } from './case.ts'

/** One address for all services, and whom to ask as; undefined for AWS, where the SDK's own chain decides. */
export interface WorldAddress {
  readonly endpoint: string
}

/** Clients of the AWS SDK and nothing else, resources under names of their own, and their end. */
export class World {
  readonly kinesis: KinesisClient
  readonly dynamodb: DynamoDBClient
  readonly kms: KMSClient
  readonly s3: S3Client
  readonly sqs: SQSClient
  readonly firehose: FirehoseClient
  readonly isAws: boolean
  readonly #ends: (() => Promise<unknown>)[] = []

  constructor(address: WorldAddress | undefined) {
    this.isAws = address === undefined
    const config =
      address === undefined
        ? {}
        : {
            endpoint: address.endpoint,
            region: 'us-east-1',
            credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
          }
    // HTTP/2, the SDK's default for Kinesis, is not for every emulator.
    this.kinesis = new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() })
    this.dynamodb = new DynamoDBClient(config)
    this.kms = new KMSClient(config)
    this.s3 = new S3Client({ ...config, forcePathStyle: address !== undefined })
    this.sqs = new SQSClient(config)
    this.firehose = new FirehoseClient(config)
  }

  name(): string {
    return `conformance-${randomUUID()}`
  }

  /** Something to be done when the case is over, whatever came of it; the last one first. */
  atEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end)
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end().catch(() => {})
    for (const client of [this.kinesis, this.dynamodb, this.kms, this.s3, this.sqs, this.firehose])
      client.destroy()
  }

  /** An active stream. */
  async stream(
    shards = 1
  ): Promise<{ readonly StreamName: string; readonly StreamARN: string; readonly shards: readonly Shard[] }> {
    const StreamName = this.name()
    await this.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: shards }))
    this.atEnd(() =>
      this.kinesis.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }))
    )
    const StreamARN = await this.streamIsActive(StreamName)
    const { Shards = [] } = await this.kinesis.send(new ListShardsCommand({ StreamName }))
    return { StreamName, StreamARN, shards: Shards }
  }

  /** Waits until it is, and tells the stream's ARN. */
  async streamIsActive(StreamName: string): Promise<string> {
    const { StreamDescriptionSummary: summary } = await until(
      () => this.kinesis.send(new DescribeStreamSummaryCommand({ StreamName })),
      answer => answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE'
    )
    return summary!.StreamARN!
  }

  /** An active table with the key `id`, a text. */
  async table(further: Partial<ConstructorParameters<typeof CreateTableCommand>[0]> = {}): Promise<string> {
    const TableName = this.name()
    await this.dynamodb.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
        ...further
      })
    )
    this.atEnd(() => this.dynamodb.send(new DeleteTableCommand({ TableName })))
    await until(
      () => this.dynamodb.send(new DescribeTableCommand({ TableName })),
      answer => answer.Table?.TableStatus === 'ACTIVE'
    )
    return TableName
  }

  /** A key, by its id. */
  async key(): Promise<string> {
    const { KeyMetadata } = await this.kms.send(new CreateKeyCommand({}))
    const KeyId = KeyMetadata!.KeyId!
    this.atEnd(() => this.kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })))
    return KeyId
  }

  /** An empty bucket. */
  async bucket(): Promise<string> {
    const Bucket = this.name()
    await this.s3.send(new CreateBucketCommand({ Bucket }))
    this.atEnd(async () => {
      const { Versions = [], DeleteMarkers = [] } = await this.s3.send(
        new ListObjectVersionsCommand({ Bucket })
      )
      for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
        await this.s3.send(new DeleteObjectCommand({ Bucket, Key: Key!, VersionId }))
      }
      await this.s3.send(new DeleteBucketCommand({ Bucket }))
    })
    return Bucket
  }

  /** An empty queue, by its address. */
  async queue(Attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    const { QueueUrl } = await this.sqs.send(new CreateQueueCommand({ QueueName: this.name(), Attributes }))
    this.atEnd(() => this.sqs.send(new DeleteQueueCommand({ QueueUrl: QueueUrl! })))
    return QueueUrl!
  }

  /** What a delivery stream to `bucket` needs. On AWS the role is that of `SEALSTREAM_CONFORMANCE_ROLE`. */
  s3Destination(bucket: string): ExtendedS3DestinationConfiguration {
    return {
      RoleARN: process.env.SEALSTREAM_CONFORMANCE_ROLE ?? 'arn:aws:iam::000000000000:role/firehose',
      BucketARN: `arn:aws:s3:::${bucket}`
    }
  }

  /** An active delivery stream to a bucket of its own. */
  async deliveryStream(
    further: Partial<ExtendedS3DestinationConfiguration> = {}
  ): Promise<{ readonly name: string; readonly bucket: string }> {
    const bucket = await this.bucket()
    const name = this.name().slice(0, 60)
    await this.firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName: name,
        ExtendedS3DestinationConfiguration: { ...this.s3Destination(bucket), ...further }
      })
    )
    this.atEnd(() => this.firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: name })))
    await until(
      () => this.firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: name })),
      answer => answer.DeliveryStreamDescription?.DeliveryStreamStatus === 'ACTIVE'
    )
    return { name, bucket }
  }
}
