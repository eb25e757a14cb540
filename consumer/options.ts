import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { KinesisFanOutPort, KinesisReaderPort } from '../core/aws-ports.ts'
import {
  checkAtMostOne,
  checkBoolean,
  checkInteger,
  checkKnownOptions,
  checkOneOf,
  checkString
} from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import { type OpenOptions, resolveOpen } from '../core/open-options.ts'
import type { DeadLetterStore, RecordSink } from '../core/record-sink.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../core/surroundings.ts'
import type { BatchHandler, RecordHandler, RecordProcessorFactory } from './handlers/handlers.ts'
import type { LeaseRules } from './leases/kcl3/fleet-member.ts'
import type { FormerStreams } from './leases/lease-cleaner.ts'
import type { LeaseTable } from './leases/lease-table.ts'
import type { CreateLeaseTable } from './leases/lease-table-setup.ts'
import type { WorkerEvent } from './types.ts'

/** Where reading begins in a shard that has no checkpoint yet. */
export type InitialPosition = 'TRIM_HORIZON' | 'LATEST' | { readonly timestamp: Date }

/** What becomes of records that the handler cannot process. Nothing is ever skipped. */
export interface FailurePolicy {
  /**
   * Calls for one batch before its records are looked at one by one. Faults of services that the handler uses do not
   * count: errors of this package that are `retryable`. Range 1 to 1_000_000.
   * @default no bound: the shard holds, and the batch comes again with a growing pause
   */
  readonly maxAttempts?: number
  /** Whether a batch that failed so often is halved, down to the records that fail alone. @default true */
  readonly bisect?: boolean
  /**
   * What becomes of the records that are left: they go to the dead letters, or the worker stops.
   * @default 'dead-letter' with a dead-letter store, else 'stop'
   */
  readonly lastResort?: 'dead-letter' | 'stop'
}

/** How a worker reads its shards. What each costs and needs stands in `docs/retrieval.md`. */
export type RetrievalOptions =
  /** GetRecords, within five reads and 2 MB a second of each shard, which all who poll share. */
  { readonly kind: 'polling' } | FanOutRetrieval

/** SubscribeToShard: 2 MB a second of each shard for this consumer alone, pushed as records arrive. */
export interface FanOutRetrieval {
  readonly kind: 'fan-out'
  /** Name under which the consumer is registered with the stream. @default `applicationName` */
  readonly consumerName?: string
  /** A consumer that is registered and active; then nothing is looked up. Instead of `consumerName`. */
  readonly consumerArn?: string
  /**
   * Whether a consumer that is missing is registered. AWS bills a registered consumer by the hour and shard, and the
   * worker never deregisters it.
   * @default false
   */
  readonly registerConsumer?: boolean
  /**
   * Whether shards are polled when fan-out is denied, or its consumer cannot be had; otherwise the worker ends with
   * `FanOutUnavailableError`.
   * @default false
   */
  readonly fallBackToPolling?: boolean
}

export interface WorkerOptions extends Partial<Surroundings<WorkerEvent>> {
  /** Workers of one name share the stream. Also the name of the lease table unless `tableName` says otherwise. */
  readonly applicationName: string
  /** The stream to read. Exactly one of `streamName` and `streams`. */
  readonly streamName?: string
  /** Where reading begins in a shard without a checkpoint. Required: either default would surprise somebody. */
  readonly initialPosition: InitialPosition
  /** Unique among the living workers. @default host name, process id and a random part */
  readonly workerId?: string
  /** @default `applicationName` */
  readonly tableName?: string
  /** Whether, and how, the lease table is made when it is missing, on demand. @default false */
  readonly createTable?: boolean | CreateLeaseTable
  /** A client, what to make one from, or the calls themselves. @default the SDK's conventions */
  readonly kinesis?: {
    readonly client?: KinesisClient
    readonly clientConfig?: KinesisClientConfig
    /** Needs the calls of enhanced fan-out only where `retrieval` asks for it. */
    readonly port?: KinesisReaderPort & Partial<KinesisFanOutPort>
  }
  /**
   * Who decides which worker reads which shard. `'kcl2'`: each worker takes leases for itself, as those of KCL 1 and 2 do,
   * with which it can share a table. `'kcl3'`: one of the workers leads and assigns them by load, as those of KCL 3 do, with
   * which it can share a table; a fleet that migrates from KCL 2 is followed through its states. All workers of a table must
   * say the same, or be of the KCL of that kind.
   * @default 'kcl2'
   */
  readonly leaseProtocol?: LeaseRules
  /**
   * With `'kcl3'`, where the tables of KCL 3.0 to 3.4 are still in use: whether this worker's row goes to the lease table
   * as soon as every worker can read it there. The setting of the KCL of that name; give it to all workers alike.
   * @default false
   */
  readonly migrateAllEntitiesToLeaseTable?: boolean
  readonly dynamodb?: { readonly client?: DynamoDBClient; readonly clientConfig?: DynamoDBClientConfig }
  /** Leases kept elsewhere than in DynamoDB, for tests and simulations. */
  readonly leaseTable?: LeaseTable
  /**
   * Open sealed records. Without it records are handed on as they came, taken out of their aggregates; with `false` each
   * Kinesis record is handed on as it was received, aggregates and sealed messages whole.
   */
  readonly open?: OpenOptions | false
  /** Exactly one of `eachBatch`, `eachRecord`, `processor` and `sink`, or none to iterate over `batches()`. */
  readonly eachBatch?: BatchHandler
  readonly eachRecord?: RecordHandler
  /** Makes a record processor, as the KCL has them, for each shard. */
  readonly processor?: RecordProcessorFactory
  /** Closed with the worker. */
  readonly sink?: RecordSink
  /**
   * Who moves the checkpoint: the worker behind every batch that was processed, or the handler through its checkpointer.
   * @default 'batch'; 'manual' with `processor`
   */
  readonly checkpoints?: 'batch' | 'manual'
  /** For `eachBatch`, `eachRecord` and `processor`. What a sink cannot deliver at the moment is tried until it can. */
  readonly failurePolicy?: FailurePolicy
  /**
   * Deadline of one call of the handler, in milliseconds: then its signal is aborted and an event tells. A call that
   * does not end within twice that time costs the lease, so that another worker can try. Range 1_000 to 86_400_000.
   * @default none
   */
  readonly handlerTimeoutMs?: number
  /** Time without any movement in a shard after which an event names it, in milliseconds. @default 60_000 */
  readonly stallAfterMs?: number
  /** Where records go that can never be processed. Without it such a record ends the worker: nothing is skipped. */
  readonly deadLetters?: DeadLetterStore
  /**
   * Time after which others take the leases of a worker that has gone silent, in milliseconds. Renewal takes
   * place every third of it. Range 1_000 to 300_000.
   * @default 10_000
   */
  readonly failoverTimeMs?: number
  /** Most leases that this worker holds. @default no bound */
  readonly maxLeases?: number
  /**
   * Time from one read of a shard to the next, in milliseconds. A shard allows five reads a second to all
   * applications together. Range 200 to 60_000.
   * @default 1_000
   */
  readonly idleTimeBetweenReadsMs?: number
  /** Most Kinesis records of one read. Range 1 to 10_000. @default 10_000 */
  readonly maxRecordsPerRead?: number
  /**
   * Longest wait for handlers to finish at shutdown, in milliseconds; then their signal is aborted.
   * Range 0 to 3_600_000.
   * @default 30_000
   */
  readonly shutdownTimeoutMs?: number
  /** Most bytes that a sink has in hand for one shard. Range 1_048_576 up. @default 16_777_216 */
  readonly maxOutstandingBytes?: number
  /**
   * Whether user records are passed over whose hash key lies outside of their shard. Only right where every producer
   * sends such records again, as ours and the KPL do. Off by itself on a stream whose record distribution is AUTO.
   * @default false: they are delivered, and counted
   */
  readonly filterOutOfRange?: boolean
  /**
   * Whether workers of another kind, such as a Java KCL, share the lease table. To them a sealed aggregate is one plain
   * record, so it is only checkpointed at its end.
   * @default false
   */
  readonly foreignWorkers?: boolean
  /** Takes measurements under the KCL's names. @default none are made */
  readonly metrics?: Metrics
  /** `shard` adds the dimension ShardId, which may be thousands. @default 'worker' */
  readonly metricsGranularity?: 'worker' | 'shard'
  /** How shards are read. @default { kind: 'polling' } */
  readonly retrieval?: RetrievalOptions
  /**
   * Most bytes of Kinesis records that all shards of the worker hold together, those in hand and those read ahead
   * while handlers work. It is exceeded by what answers turn out larger than the ones before them. Range 0, or
   * 1_048_576 to 17_179_869_184; with 0 nothing is read ahead, and each shard holds the one answer in hand.
   * @default 67_108_864
   */
  readonly maxReadAheadBytes?: number
  /**
   * Several streams whose leases share the table: each lease key names its stream and the time at which it was
   * made, as in the KCL's multi-stream mode. Leases of a table of one stream are not seen in this mode.
   */
  readonly streams?: readonly StreamOptions[]
  /** Most leases taken from a living worker at one scan. Range 1 to 1_000. @default 1 */
  readonly maxLeasesToSteal?: number
  /** Whether the leases of finished shards are removed once their children have begun. @default true */
  readonly cleanupLeases?: boolean
  /**
   * What becomes of leases that were written for a former stream of the same name: `'stop'` ends the worker with
   * `StreamRecreatedError`; `'discardLeases'` drops them and reads the stream from TRIM_HORIZON, or from the
   * timestamp of `initialPosition`.
   * @default 'stop'
   */
  readonly onStreamRecreated?: 'stop' | 'discardLeases'
  /**
   * What becomes of the leases of streams that are not in `streams` any more: kept, or removed when nobody has
   * held them and nobody here was told to read them for so long.
   * @default 'keep'
   */
  readonly formerStreams?: FormerStreams
}

export interface StreamOptions {
  readonly streamName: string
  /** @default the worker's `initialPosition` */
  readonly initialPosition?: InitialPosition
}

const knownOptions = [
  'applicationName',
  'streamName',
  'initialPosition',
  'workerId',
  'tableName',
  'createTable',
  'kinesis',
  'leaseProtocol',
  'migrateAllEntitiesToLeaseTable',
  'dynamodb',
  'leaseTable',
  'open',
  'eachBatch',
  'eachRecord',
  'processor',
  'sink',
  'checkpoints',
  'failurePolicy',
  'handlerTimeoutMs',
  'stallAfterMs',
  'deadLetters',
  'failoverTimeMs',
  'maxLeases',
  'idleTimeBetweenReadsMs',
  'maxRecordsPerRead',
  'shutdownTimeoutMs',
  'maxOutstandingBytes',
  'filterOutOfRange',
  'foreignWorkers',
  'metrics',
  'metricsGranularity',
  'retrieval',
  'maxReadAheadBytes',
  'streams',
  'maxLeasesToSteal',
  'cleanupLeases',
  'onStreamRecreated',
  'formerStreams',
  ...surroundingNames
] as const satisfies readonly (keyof WorkerOptions)[]

export interface ResolvedWorkerOptions extends Surroundings<WorkerEvent> {
  readonly applicationName: string
  /** Of the shard in question where there are several; then, too, `initialPosition`. */
  readonly streamName: string
  readonly initialPosition: InitialPosition
  readonly workerId: string
  readonly tableName: string
  readonly createTable: boolean | CreateLeaseTable
  readonly leaseProtocol: LeaseRules
  readonly migrateAllEntitiesToLeaseTable: boolean
  readonly open: Required<OpenOptions> | undefined
  /** Whether Kinesis records are handed on whole. */
  readonly asReceived: boolean
  readonly deadLetters: DeadLetterStore | undefined
  readonly failoverTimeMs: number
  readonly maxLeases: number
  readonly idleTimeBetweenReadsMs: number
  readonly maxRecordsPerRead: number
  readonly shutdownTimeoutMs: number
  readonly checkpoints: 'batch' | 'manual'
  readonly failurePolicy: Required<FailurePolicy>
  readonly handlerTimeoutMs: number | undefined
  readonly stallAfterMs: number
  readonly maxOutstandingBytes: number
  readonly filterOutOfRange: boolean
  readonly foreignWorkers: boolean
  readonly metrics: Metrics | undefined
  readonly metricsGranularity: 'worker' | 'shard'
  readonly retrieval: ResolvedRetrieval
  readonly maxReadAheadBytes: number
  readonly streams: readonly Required<StreamOptions>[]
  /** Whether lease keys name their stream. */
  readonly isMultiStream: boolean
  readonly maxLeasesToSteal: number
  readonly cleanupLeases: boolean
  readonly onStreamRecreated: 'stop' | 'discardLeases'
  readonly formerStreams: FormerStreams
}

export type ResolvedRetrieval =
  | { readonly kind: 'polling' }
  | {
      readonly kind: 'fan-out'
      readonly consumerName: string
      readonly consumerArn: string | undefined
      readonly registerConsumer: boolean
      readonly fallBackToPolling: boolean
    }

const mebibyte = 1024 * 1024

/** The options that say what is done with the records; at most one of them. */
const handlerNames = ['eachBatch', 'eachRecord', 'processor', 'sink'] as const

export function resolveOptions(options: WorkerOptions): ResolvedWorkerOptions {
  checkKnownOptions('', options, knownOptions)
  checkKnownOptions('kinesis', options.kinesis ?? {}, ['client', 'clientConfig', 'port'])
  checkKnownOptions('dynamodb', options.dynamodb ?? {}, ['client', 'clientConfig'])
  checkAtMostOne(options, handlerNames)
  for (const name of ['eachBatch', 'eachRecord', 'processor'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new InvalidOptionError(name, `expected a function, found ${typeof options[name]}`)
  }
  const applicationName = checkString('applicationName', options.applicationName)
  const initialPosition = checkPosition('initialPosition', options.initialPosition)
  const streams = resolveStreams(options, initialPosition)
  return {
    applicationName,
    streamName: streams[0]!.streamName,
    initialPosition,
    workerId: checkString('workerId', options.workerId ?? `${hostname()}:${process.pid}:${randomUUID()}`),
    tableName: checkString('tableName', options.tableName ?? applicationName),
    createTable: checkCreateTable(options.createTable ?? false),
    leaseProtocol: checkProtocol(options),
    migrateAllEntitiesToLeaseTable: checkBoolean(
      'migrateAllEntitiesToLeaseTable',
      options.migrateAllEntitiesToLeaseTable ?? false
    ),
    open: resolveOpen(options.open || undefined),
    asReceived: checkTaken(options),
    deadLetters: options.deadLetters,
    failoverTimeMs: checkInteger('failoverTimeMs', options.failoverTimeMs ?? 10_000, 1_000, 300_000),
    maxLeases:
      options.maxLeases === undefined
        ? Number.MAX_SAFE_INTEGER
        : checkInteger('maxLeases', options.maxLeases, 1, 1_000_000),
    idleTimeBetweenReadsMs: checkInteger(
      'idleTimeBetweenReadsMs',
      options.idleTimeBetweenReadsMs ?? 1_000,
      200,
      60_000
    ),
    maxRecordsPerRead: checkInteger('maxRecordsPerRead', options.maxRecordsPerRead ?? 10_000, 1, 10_000),
    shutdownTimeoutMs: checkInteger('shutdownTimeoutMs', options.shutdownTimeoutMs ?? 30_000, 0, 3_600_000),
    checkpoints: checkOneOf(
      'checkpoints',
      options.checkpoints ?? (options.processor === undefined ? 'batch' : 'manual'),
      ['batch', 'manual']
    ),
    failurePolicy: resolveFailurePolicy(options),
    handlerTimeoutMs:
      options.handlerTimeoutMs === undefined
        ? undefined
        : checkInteger('handlerTimeoutMs', options.handlerTimeoutMs, 1_000, 86_400_000),
    stallAfterMs: checkInteger('stallAfterMs', options.stallAfterMs ?? 60_000, 1_000, 86_400_000),
    maxOutstandingBytes: checkInteger(
      'maxOutstandingBytes',
      options.maxOutstandingBytes ?? 16_777_216,
      1_048_576,
      Number.MAX_SAFE_INTEGER
    ),
    filterOutOfRange: checkBoolean('filterOutOfRange', options.filterOutOfRange ?? false),
    foreignWorkers: checkBoolean('foreignWorkers', options.foreignWorkers ?? false),
    metrics: options.metrics,
    metricsGranularity: checkOneOf('metricsGranularity', options.metricsGranularity ?? 'worker', [
      'worker',
      'shard'
    ]),
    retrieval: resolveRetrieval(options, applicationName),
    maxReadAheadBytes:
      options.maxReadAheadBytes === 0
        ? 0
        : checkInteger(
            'maxReadAheadBytes',
            options.maxReadAheadBytes ?? 64 * mebibyte,
            mebibyte,
            16 * 1024 * mebibyte
          ),
    streams,
    isMultiStream: options.streams !== undefined,
    maxLeasesToSteal: checkInteger('maxLeasesToSteal', options.maxLeasesToSteal ?? 1, 1, 1_000),
    cleanupLeases: options.cleanupLeases ?? true,
    onStreamRecreated: checkOneOf('onStreamRecreated', options.onStreamRecreated ?? 'stop', [
      'stop',
      'discardLeases'
    ]),
    formerStreams: checkFormerStreams(options.formerStreams ?? 'keep'),
    ...resolveSurroundings(options, DiagnosticsChannel.worker, options.applicationName)
  }
}

function resolveFailurePolicy({ failurePolicy, deadLetters, sink }: WorkerOptions): Required<FailurePolicy> {
  const policy = failurePolicy ?? {}
  checkKnownOptions('failurePolicy', policy, ['maxAttempts', 'bisect', 'lastResort'])
  if (failurePolicy !== undefined && sink !== undefined) {
    throw new InvalidOptionError('failurePolicy', 'is for handlers: a sink is tried until it delivers')
  }
  const lastResort = checkOneOf(
    'failurePolicy.lastResort',
    policy.lastResort ?? (deadLetters === undefined ? 'stop' : 'dead-letter'),
    ['dead-letter', 'stop']
  )
  if (lastResort === 'dead-letter' && deadLetters === undefined) {
    throw new InvalidOptionError('failurePolicy.lastResort', "'dead-letter' needs the option deadLetters")
  }
  return {
    maxAttempts:
      policy.maxAttempts === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('failurePolicy.maxAttempts', policy.maxAttempts, 1, 1_000_000),
    bisect: checkBoolean('failurePolicy.bisect', policy.bisect ?? true),
    lastResort
  }
}

function resolveStreams(
  { streamName, streams }: WorkerOptions,
  initialPosition: InitialPosition
): readonly Required<StreamOptions>[] {
  if (streams === undefined) return [{ streamName: checkString('streamName', streamName), initialPosition }]
  if (streamName !== undefined) {
    throw new InvalidOptionError('streams', 'expected exactly one of streamName and streams')
  }
  if (!Array.isArray(streams) || streams.length === 0) {
    throw new InvalidOptionError('streams', 'expected a list of at least one stream')
  }
  const resolved = (streams as readonly StreamOptions[]).map((stream, index) => {
    const path = `streams.${index}`
    checkKnownOptions(path, stream, ['streamName', 'initialPosition'])
    return {
      streamName: checkString(`${path}.streamName`, stream.streamName),
      initialPosition: checkPosition(`${path}.initialPosition`, stream.initialPosition ?? initialPosition)
    }
  })
  if (new Set(resolved.map(stream => stream.streamName)).size < resolved.length) {
    throw new InvalidOptionError('streams', 'expected each stream once')
  }
  return resolved
}

function checkCreateTable(createTable: boolean | CreateLeaseTable): boolean | CreateLeaseTable {
  if (typeof createTable === 'boolean') return createTable
  checkKnownOptions('createTable', createTable, ['sse', 'pointInTimeRecovery'])
  if (typeof createTable.sse === 'object') {
    checkKnownOptions('createTable.sse', createTable.sse, ['kmsKeyId'])
    checkString('createTable.sse.kmsKeyId', createTable.sse.kmsKeyId)
  }
  return createTable
}

function checkProtocol({ leaseProtocol = 'kcl2', leaseTable }: WorkerOptions): LeaseRules {
  checkOneOf('leaseProtocol', leaseProtocol, ['kcl2', 'kcl3'])
  if (leaseProtocol === 'kcl3' && leaseTable !== undefined && leaseTable.fleet === undefined) {
    throw new InvalidOptionError('leaseTable', "with leaseProtocol 'kcl3' it needs the member fleet")
  }
  return leaseProtocol
}

function checkFormerStreams(formerStreams: FormerStreams): FormerStreams {
  if (formerStreams === 'keep') return formerStreams
  checkKnownOptions('formerStreams', formerStreams, ['deleteAfterMs'])
  checkInteger('formerStreams.deleteAfterMs', formerStreams.deleteAfterMs, 0, 31 * 86_400_000)
  return formerStreams
}

function checkPosition(option: string, position: InitialPosition): InitialPosition {
  if (position === 'TRIM_HORIZON' || position === 'LATEST') return position
  if (
    typeof position === 'object' &&
    position?.timestamp instanceof Date &&
    !Number.isNaN(position.timestamp.getTime())
  ) {
    return position
  }
  throw new InvalidOptionError(option, "expected 'TRIM_HORIZON', 'LATEST' or { timestamp: Date }")
}

/**
 * Whether Kinesis records are handed on as they were received. What a sink takes for the other kind it would deliver all
 * the same.
 */
export function checkTaken({ open, sink }: Pick<WorkerOptions, 'open' | 'sink'>): boolean {
  const asReceived = open === false
  const takes = sink?.takes
  if (takes === 'kinesisRecords' && !asReceived) {
    throw new InvalidOptionError(
      'open',
      'the sink takes Kinesis records as they were received: expected false'
    )
  }
  if (takes === 'userRecords' && asReceived) {
    throw new InvalidOptionError(
      'open',
      'the sink takes user records: false would hand on Kinesis records whole'
    )
  }
  return asReceived
}

function resolveRetrieval(
  { retrieval = { kind: 'polling' }, kinesis, streams }: WorkerOptions,
  applicationName: string
): ResolvedRetrieval {
  checkOneOf('retrieval.kind', retrieval?.kind, ['polling', 'fan-out'])
  if (retrieval.kind === 'polling') {
    checkKnownOptions('retrieval', retrieval, ['kind'])
    return { kind: 'polling' }
  }
  const { consumerName, consumerArn, registerConsumer = false, fallBackToPolling = false } = retrieval
  checkKnownOptions('retrieval', retrieval, [
    'kind',
    'consumerName',
    'consumerArn',
    'registerConsumer',
    'fallBackToPolling'
  ])
  if (consumerArn !== undefined && (consumerName !== undefined || registerConsumer)) {
    throw new InvalidOptionError(
      'retrieval.consumerArn',
      'cannot stand beside consumerName or registerConsumer: the consumer that it names is there already'
    )
  }
  if (consumerArn !== undefined && streams !== undefined) {
    throw new InvalidOptionError(
      'retrieval.consumerArn',
      'is of one stream: with several streams give a consumerName'
    )
  }
  if (kinesis?.port !== undefined && kinesis.port.subscribeToShard === undefined) {
    throw new InvalidOptionError('kinesis.port', 'retrieval by fan-out needs a port with subscribeToShard')
  }
  return {
    kind: 'fan-out',
    consumerName: checkString('retrieval.consumerName', consumerName ?? applicationName),
    consumerArn: consumerArn === undefined ? undefined : checkString('retrieval.consumerArn', consumerArn),
    registerConsumer: checkBoolean('retrieval.registerConsumer', registerConsumer),
    fallBackToPolling: checkBoolean('retrieval.fallBackToPolling', fallBackToPolling)
  }
}
