import { FirehoseClient } from '@aws-sdk/client-firehose'
import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import {
  type DeadLetterSource,
  type DeadLetterSummary,
  type ReplayEvent,
  type ReplayResult,
  replayDeadLetters,
  Worker,
  type WorkerEvent
} from '../consumer/index.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { createKinesisClient, kinesisPort } from '../core/kinesis-client.ts'
import type { Logger } from '../core/logger.ts'
import type { DeadLetterStore, RecordSink } from '../core/record-sink.ts'
import type { RecordOpener, RecordSealer, SealingKeyring } from '../core/record-transform.ts'
import type { UserRecord } from '../core/user-record.ts'
import { kmsKeyring, tenantKeyring } from '../crypto/index.ts'
import { DeliveryStreamSink, type DeliveryStreamSinkOptions } from '../firehose/index.ts'
import { Producer, type ProducerEvent, type ProducerOptions } from '../producer/index.ts'
import { deadLetterSource, deadLetterStore, telling } from './dead-letters.ts'
import { ObjectReader, staticPrefix } from './delivered-objects.ts'
import { type DestinationReader, destinationReader, type ReadingSources } from './destination-reader.ts'
import type { ResolvedDestination } from './destinations.ts'
import { awsEngine, clientConfigOf, type Engine } from './engine.ts'
import { FanOutSink } from './fan-out-sink.ts'
import { definePipeline, type PipelinePlan, type ResolvedPlan } from './plan.ts'
import { provision } from './provision.ts'
import { sealingContextOf } from './sealing-context.ts'
import { LineOpener } from './stored-lines.ts'

export interface PipelineOptions {
  /** Where the pipeline runs. @default real AWS, by the SDK's conventions */
  readonly engine?: Engine
  readonly clock?: Clock
  readonly logger?: Logger
  /** The key service to seal and open with. @default KMS with the plan's key */
  readonly keyring?: SealingKeyring
}

export interface ProducerOverrides {
  readonly maxBufferedMs?: number
  readonly maxBufferedBytes?: number
  /** Whose record it is, with `sealing.tenants`, and with them alone; see `SealOptions`. */
  readonly keyFor?: (record: UserRecord) => string
  readonly onEvent?: (event: ProducerEvent) => void
}

export interface WorkerOverrides {
  readonly workerId?: string
  readonly onEvent?: (event: WorkerEvent) => void
  /** Told of every dead letter once it is stored. */
  readonly onDeadLetter?: (letter: DeadLetterSummary) => void
}

export interface ReplayOverrides {
  /** Most dead letters. Range 1 to 100_000. @default 10_000 */
  readonly limit?: number
  /** Longest time, in milliseconds. Range 1_000 to 39_600_000. @default 300_000 */
  readonly maxDurationMs?: number
  readonly onEvent?: (event: ReplayEvent) => void
  readonly signal?: AbortSignal
}

export interface StoredRecord {
  readonly partitionKey: string
  readonly data: Uint8Array
}

/** The parts of one pipeline, made from one plan: names, context pairs and keys agree by construction. */
export interface Pipeline {
  readonly plan: ResolvedPlan
  /** Makes what the plan names and is not there yet. Never called by itself: resources cost money. */
  provision(signal?: AbortSignal): Promise<void>
  createProducer(overrides?: ProducerOverrides): Producer
  /**
   * A worker that opens the records, unless the destinations take ciphertext, and hands them to all of the plan's
   * destinations, see `FanOutSink`.
   */
  createWorker(overrides?: WorkerOverrides): Worker
  /** Seals single payloads as the producer does; undefined when sealing is off. The caller closes it. */
  createSealer(): RecordSealer | undefined
  readonly deadLetters: DeadLetterStore
  /** Reads the stored dead letters, wherever the plan keeps them. */
  createDeadLetterSource(): DeadLetterSource
  /** Opens the stored dead letters again and hands them to all of the plan's destinations, see `replayDeadLetters`. */
  replayDeadLetters(overrides?: ReplayOverrides): Promise<ReplayResult>
  /** Reads what the plan's first destination of kind `s3` holds. @throws InvalidOptionError when there is none */
  createObjectReader(): ObjectReader
  /** Reads the records in one of the plan's destinations as they were put; undefined where it cannot be seen from here. */
  createReader(destination: ResolvedDestination, sources?: ReadingSources): DestinationReader | undefined
  /** One Kinesis record as the stream stores it; undefined when it is not there any more. */
  readStored(shardId: string, sequenceNumber: string): Promise<StoredRecord | undefined>
  /** Ends the connections of the clients made here; producers and workers are closed by whoever made them. */
  close(): void
}

/** Ties the folders together: one plan and one engine in, producer, workers and destinations out. */
export function createPipeline(input: PipelinePlan, options: PipelineOptions = {}): Pipeline {
  const plan = definePipeline(input)
  const engine = options.engine ?? awsEngine
  const clock = options.clock ?? systemClock
  const kinesis = createKinesisClient(clientConfigOf(engine, 'kinesis'))
  const s3 = new S3Client(clientConfigOf(engine, 's3'))
  const sqs = new SQSClient(clientConfigOf(engine, 'sqs'))
  const sealed = plan.sealing.mode !== 'off'
  const keyring = options.keyring ?? keyringOf(plan, clientConfigOf(engine, 'kms'))
  const context = sealingContextOf(plan)
  const deadLetters = deadLetterStore(plan, { s3, sqs })
  const shared = { clock, ...(options.logger === undefined ? {} : { logger: options.logger }) }
  const opens = sealed ? { open: { keyring, context } } : {}
  // All destinations are alike in this.
  const opening = plan.destinations[0]?.deliver === 'ciphertext' ? ({ open: false } as const) : opens
  const createSink = (): RecordSink => {
    const sinks = plan.destinations.map(
      destination =>
        new DeliveryStreamSink({
          ...sinkOptions(destination),
          clientConfig: clientConfigOf(engine, 'firehose'),
          ...shared
        })
    )
    return sinks.length === 1 ? sinks[0]! : new FanOutSink(sinks)
  }
  const openers: RecordOpener[] = []
  const createLineOpener = (): LineOpener => {
    const { name: streamName } = plan.stream
    const opener = keyring.createOpener({ streamName, context })
    openers.push(opener)
    return new LineOpener({ streamName, opener, acceptPlaintext: false })
  }

  return {
    plan,
    deadLetters,
    async provision(signal) {
      const kms = new KMSClient(clientConfigOf(engine, 'kms'))
      const firehose = new FirehoseClient(clientConfigOf(engine, 'firehose'))
      try {
        await provision(plan, { kinesis, kms, s3, sqs, firehose }, clock, signal)
      } finally {
        kms.destroy()
        firehose.destroy()
      }
    },
    createProducer: ({ keyFor, ...overrides } = {}) =>
      new Producer({
        streamName: plan.stream.name,
        clientConfig: clientConfigOf(engine, 'kinesis'),
        ...(plan.sealing.mode === 'off'
          ? {}
          : {
              seal: { keyring, mode: plan.sealing.mode, context, ...(keyFor === undefined ? {} : { keyFor }) }
            }),
        ...producerOptions(plan),
        ...shared,
        ...overrides
      }),
    createWorker: ({ onDeadLetter, ...overrides } = {}) =>
      new Worker({
        applicationName: plan.consumer.applicationName,
        streamName: plan.stream.name,
        initialPosition: plan.consumer.initialPosition,
        failoverTimeMs: plan.consumer.failoverTimeMs,
        idleTimeBetweenReadsMs: plan.consumer.idleTimeBetweenReadsMs,
        retrieval:
          plan.consumer.retrieval === 'polling'
            ? { kind: 'polling' }
            : {
                kind: 'fan-out',
                registerConsumer: engine.kind !== 'aws',
                fallBackToPolling: plan.consumer.fallBackToPolling
              },
        maxReadAheadBytes: plan.consumer.maxReadAheadBytes,
        filterOutOfRange: plan.consumer.filterOutOfRange,
        foreignWorkers: plan.consumer.foreignWorkers,
        leaseProtocol: plan.consumer.leaseProtocol,
        // Only where resources are made for the user anyway; on AWS the table is part of the infrastructure.
        createTable: engine.kind !== 'aws',
        kinesis: { clientConfig: clientConfigOf(engine, 'kinesis') },
        dynamodb: { clientConfig: clientConfigOf(engine, 'dynamodb') },
        ...opening,
        sink: createSink(),
        deadLetters: onDeadLetter === undefined ? deadLetters : telling(deadLetters, onDeadLetter),
        ...shared,
        ...overrides
      }),
    createSealer: () =>
      sealed ? keyring.createSealer({ streamName: plan.stream.name, context }) : undefined,
    createObjectReader() {
      const destination = plan.destinations.find(({ kind }) => kind === 's3')
      if (destination === undefined) throw new InvalidOptionError('destinations', "expected one of kind 's3'")
      return new ObjectReader(s3, destination.bucket, staticPrefix(destination.prefix))
    },
    createReader: (destination, sources = {}) =>
      destinationReader(destination, { s3, sources, engine: engine.kind, lines: createLineOpener }),
    createDeadLetterSource: () => deadLetterSource(plan, { s3, sqs }),
    async replayDeadLetters(overrides = {}) {
      const sink = createSink()
      try {
        return await replayDeadLetters({
          source: deadLetterSource(plan, { s3, sqs }),
          streamName: plan.stream.name,
          sink,
          ...opening,
          ...shared,
          ...overrides
        })
      } finally {
        await sink.close()
      }
    },
    async readStored(shardId, sequenceNumber) {
      const port = kinesisPort(kinesis)
      const { ShardIterator } = await port.getShardIterator({
        StreamName: plan.stream.name,
        ShardId: shardId,
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: sequenceNumber
      })
      const { Records: records = [] } = await port.getRecords({ ShardIterator, Limit: 1 })
      const [record] = records
      if (record?.Data === undefined || record.SequenceNumber !== sequenceNumber) return undefined
      return { partitionKey: record.PartitionKey ?? '', data: record.Data }
    },
    close() {
      for (const opener of openers) opener.close()
      kinesis.destroy()
      s3.destroy()
      sqs.destroy()
    }
  }
}

/** A tenant's key that is gone makes its records unreadable, which is what it was for; the pipeline's key comes back. */
function keyringOf({ sealing }: ResolvedPlan, clientConfig: KMSClientConfig): SealingKeyring {
  if (sealing.tenants.length === 0) {
    return kmsKeyring({ keyId: sealing.keyId, additionalKeyIds: sealing.additionalKeys, clientConfig })
  }
  const keyIds = new Map(sealing.tenants.map(({ id, keyId }) => [id, keyId]))
  return tenantKeyring({
    keyringOf: tenant => {
      const keyId = keyIds.get(tenant)
      return keyId === undefined ? undefined : kmsKeyring({ keyId, clientConfig, deletedKeys: 'refuse' })
    }
  })
}

function sinkOptions({
  kind,
  deliveryStreamName,
  framing,
  deliver,
  packing,
  recordIdField
}: ResolvedDestination): DeliveryStreamSinkOptions {
  return {
    deliveryStreamName,
    destination: kind === 'opensearch' ? 'elasticsearch' : kind,
    deliver,
    packing,
    ...(deliver === 'ciphertext' ? {} : { framing }),
    ...(recordIdField === undefined ? {} : { recordIdField })
  }
}

function producerOptions({ producer }: ResolvedPlan): Partial<ProducerOptions> {
  const { maxRecordsPerAggregate, ...others } = producer
  return { ...others, ...(maxRecordsPerAggregate === undefined ? {} : { maxRecordsPerAggregate }) }
}
