import {
  CreateDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  type FirehoseClient
} from '@aws-sdk/client-firehose'
import {
  CreateStreamCommand,
  type CreateStreamCommandInput,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  type KinesisClient
} from '@aws-sdk/client-kinesis'
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { CreateBucketCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type SQSClient
} from '@aws-sdk/client-sqs'
import type { Clock } from '../core/clock.ts'
import { ErrorCode, SealstreamError } from '../core/errors.ts'
import { callService, classifyFailure, FailureClass, ServiceError } from '../core/service-errors.ts'
import { deliveryStreamRequest } from './delivery-stream-request.ts'
import type { ResolvedDestination } from './destinations.ts'
import { isQueueUrl, type ResolvedPlan } from './plan.ts'

export interface ProvisioningClients {
  readonly kinesis: KinesisClient
  readonly kms: KMSClient
  readonly s3: S3Client
  readonly sqs: SQSClient
  readonly firehose: FirehoseClient
}

/** Longest wait for one resource to become active, in milliseconds. */
const activeTimeoutMs = 120_000
const pollMs = 100
/** Longest time in which a throttled creation is tried again, in milliseconds. */
const throttledTimeoutMs = 20_000
const throttledPollMs = 1_000
/** What a new stream has. */
const leastRetentionHours = 24
/** What SQS allows at most, in seconds: 14 days. */
const longestRetention = 1_209_600

/**
 * Makes what the plan names and is not there yet: stream, key with alias, buckets, queue, delivery streams. What is
 * there is left as it is. The lease table is the worker's own affair.
 */
export async function provision(
  plan: ResolvedPlan,
  clients: ProvisioningClients,
  clock: Clock,
  signal?: AbortSignal
): Promise<void> {
  const { kinesis, kms, s3, sqs, firehose } = clients
  // Several of them may be one.
  const buckets = new Set([plan.deadLetters.bucket, ...plan.destinations.map(({ bucket }) => bucket)])
  await Promise.all([
    makeStream(plan, kinesis, clock, signal),
    ...keysOf(plan).map(keyId => makeKey(keyId, kms)),
    ...[...buckets].map(bucket => makeBucket(bucket, s3)),
    plan.deadLetters.kind === 'sqs' ? makeQueue(plan.deadLetters, sqs) : undefined
  ])
  // Delivery streams check their buckets.
  await Promise.all(
    plan.destinations.map((destination, index) =>
      makeDeliveryStream(destination, `destinations[${index}]`, firehose, clock, signal)
    )
  )
}

async function makeStream(
  plan: ResolvedPlan,
  client: KinesisClient,
  clock: Clock,
  signal?: AbortSignal
): Promise<void> {
  const input = { StreamName: plan.stream.name }
  const status = (): Promise<string | undefined> =>
    client
      .send(new DescribeStreamSummaryCommand(input))
      .then(answer => answer.StreamDescriptionSummary?.StreamStatus)
  const found = await ifFound('kinesis', 'DescribeStreamSummary', status)
  if (found === undefined) {
    await whileThrottled(
      () =>
        callService('kinesis', 'CreateStream', () =>
          client.send(new CreateStreamCommand({ ...input, ...newStream(plan.stream) }))
        ),
      clock,
      signal
    )
  }
  await untilActive('kinesis', 'DescribeStreamSummary', status, clock, signal)
  if (found !== undefined || plan.stream.retentionHours === leastRetentionHours) return
  await callService('kinesis', 'IncreaseStreamRetentionPeriod', () =>
    client.send(
      new IncreaseStreamRetentionPeriodCommand({ ...input, RetentionPeriodHours: plan.stream.retentionHours })
    )
  )
}

/** Only what is not the service's default, since an endpoint may not know the newer members. */
function newStream({
  mode,
  shards,
  maxRecordKiB,
  recordDistribution
}: ResolvedPlan['stream']): Omit<CreateStreamCommandInput, 'StreamName'> {
  return {
    ...(mode === 'provisioned'
      ? { ShardCount: shards }
      : { StreamModeDetails: { StreamMode: 'ON_DEMAND' as const } }),
    ...(maxRecordKiB === 1_024 ? {} : { MaxRecordSizeInKiB: maxRecordKiB }),
    ...(recordDistribution === 'auto' ? { RecordDistributionStrategy: 'AUTO' as const } : {})
  }
}

/** What wraps data keys. */
function keysOf({ sealing }: ResolvedPlan): readonly string[] {
  if (sealing.mode === 'off') return []
  return sealing.tenants.length === 0 ? [sealing.keyId] : sealing.tenants.map(({ keyId }) => keyId)
}

async function makeKey(keyId: string, client: KMSClient): Promise<void> {
  const found = await ifFound('kms', 'DescribeKey', () =>
    client.send(new DescribeKeyCommand({ KeyId: keyId }))
  )
  if (found !== undefined) return
  if (!keyId.startsWith('alias/')) {
    throw new SealstreamError(
      ErrorCode.service,
      `kms: key ${keyId} does not exist, and only an alias can be made`
    )
  }
  const made = await callService('kms', 'CreateKey', () =>
    client.send(new CreateKeyCommand({ Description: 'sealstream' }))
  )
  await callService('kms', 'CreateAlias', () =>
    client.send(new CreateAliasCommand({ AliasName: keyId, TargetKeyId: made.KeyMetadata?.KeyId }))
  )
}

async function makeBucket(bucket: string, client: S3Client): Promise<void> {
  const found = await ifFound('s3', 'HeadBucket', () =>
    client.send(new HeadBucketCommand({ Bucket: bucket }))
  )
  if (found !== undefined) return
  await callService('s3', 'CreateBucket', async () => {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
    } catch (error) {
      if ((error as Error).name !== 'BucketAlreadyOwnedByYou') throw error
    }
  })
}

/** Encrypted by SQS itself or by the plan's key. It needs no dead-letter queue of its own: nothing reads it by itself. */
async function makeQueue({ queue, keyId }: ResolvedPlan['deadLetters'], client: SQSClient): Promise<void> {
  if (isQueueUrl(queue)) {
    await callService('sqs', 'GetQueueAttributes', () =>
      client.send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ['QueueArn'] }))
    )
    return
  }
  const found = await ifFound('sqs', 'GetQueueUrl', () =>
    client.send(new GetQueueUrlCommand({ QueueName: queue }))
  )
  if (found !== undefined) return
  await callService('sqs', 'CreateQueue', () =>
    client.send(
      new CreateQueueCommand({
        QueueName: queue,
        Attributes: {
          MessageRetentionPeriod: String(longestRetention),
          ...(keyId === undefined ? { SqsManagedSseEnabled: 'true' } : { KmsMasterKeyId: keyId })
        }
      })
    )
  )
}

async function makeDeliveryStream(
  destination: ResolvedDestination,
  option: string,
  client: FirehoseClient,
  clock: Clock,
  signal?: AbortSignal
): Promise<void> {
  const input = { DeliveryStreamName: destination.deliveryStreamName }
  const status = (): Promise<string | undefined> =>
    client
      .send(new DescribeDeliveryStreamCommand(input))
      .then(answer => answer.DeliveryStreamDescription?.DeliveryStreamStatus)
  const found = await ifFound('firehose', 'DescribeDeliveryStream', status)
  if (found === undefined) {
    const request = deliveryStreamRequest(destination, option)
    await callService('firehose', 'CreateDeliveryStream', () =>
      client.send(new CreateDeliveryStreamCommand(request))
    )
  }
  await untilActive('firehose', 'DescribeDeliveryStream', status, clock, signal)
}

async function ifFound<T>(
  service: string,
  operation: string,
  send: () => Promise<T>
): Promise<T | undefined> {
  try {
    return await send()
  } catch (error) {
    if (classifyFailure(error) === FailureClass.notFound) return undefined
    throw new ServiceError(service, operation, error)
  }
}

/**
 * An account may create five streams a second and have five in creation at a time (limits of CreateStream), which ends
 * by itself; a quota of shards that is used up has the same error code and does not.
 */
async function whileThrottled(
  create: () => Promise<unknown>,
  clock: Clock,
  signal?: AbortSignal
): Promise<void> {
  const deadline = clock.now() + throttledTimeoutMs
  for (;;) {
    try {
      await create()
      return
    } catch (error) {
      const throttled = error instanceof ServiceError && error.failure === FailureClass.throttled
      if (!throttled || clock.now() >= deadline) throw error
    }
    await clock.sleep(throttledPollMs, signal)
  }
}

async function untilActive(
  service: string,
  operation: string,
  status: () => Promise<string | undefined>,
  clock: Clock,
  signal?: AbortSignal
): Promise<void> {
  const deadline = clock.now() + activeTimeoutMs
  for (;;) {
    const now = await callService(service, operation, status)
    if (now === 'ACTIVE') return
    if (clock.now() > deadline || now?.endsWith('FAILED')) {
      throw new SealstreamError(
        ErrorCode.service,
        `${service}: not active after creation, status ${now ?? 'unknown'}`
      )
    }
    await clock.sleep(pollMs, signal)
  }
}
