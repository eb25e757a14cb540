import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../core/aws-ports.ts'
import { checkInteger, checkKnownOptions, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { DeadLetterStore, RecordSink } from '../core/record-sink.ts'
import type { EncryptionContext, SealingKeyring } from '../core/record-transform.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../core/surroundings.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import type { LeaseTable } from './leases/lease-table.ts'
import type { WorkerEvent } from './types.ts'

/** Where reading begins in a shard that has no checkpoint yet. */
export type InitialPosition = 'TRIM_HORIZON' | 'LATEST' | { readonly timestamp: Date }

export interface OpenOptions {
  readonly keyring: SealingKeyring
  /** Pairs that every message must carry, beside the pair `stream`. */
  readonly context?: EncryptionContext
  /** Pairs that writers of another kind bind without storing them in the message, see `OpenerOptions`. */
  readonly unstoredContext?: EncryptionContext
  /** Whether records that are not sealed are handed on too, as during a migration. @default false */
  readonly acceptPlaintext?: boolean
}

export interface BatchContext {
  readonly shardId: string
  /** Aborted when the lease is lost or the time to shut down is over: whatever is done afterwards is done twice. */
  readonly signal: AbortSignal
  /** As of the read. */
  readonly millisBehindLatest: number
}

/**
 * Processes the user records of one read, in their order. They count as processed when it resolves; when it
 * rejects, the same records come again after a backoff. Calls for one shard never overlap.
 */
export type BatchHandler = (records: readonly ConsumedRecord[], context: BatchContext) => Promise<void> | void

export interface WorkerOptions extends Partial<Surroundings<WorkerEvent>> {
  /** Workers of one name share the stream. Also the name of the lease table unless `tableName` says otherwise. */
  readonly applicationName: string
  readonly streamName: string
  /** Where reading begins in a shard without a checkpoint. Required: either default would surprise somebody. */
  readonly initialPosition: InitialPosition
  /** Unique among the living workers. @default host name, process id and a random part */
  readonly workerId?: string
  /** @default `applicationName` */
  readonly tableName?: string
  /** Whether the lease table is made when it is missing, on demand. @default false */
  readonly createTable?: boolean
  /** A client, what to make one from, or the calls themselves. @default the SDK's conventions */
  readonly kinesis?: {
    readonly client?: KinesisClient
    readonly clientConfig?: KinesisClientConfig
    readonly port?: KinesisReaderPort
  }
  readonly dynamodb?: { readonly client?: DynamoDBClient; readonly clientConfig?: DynamoDBClientConfig }
  /** Leases kept elsewhere than in DynamoDB, for tests and simulations. */
  readonly leaseTable?: LeaseTable
  /** Open sealed records; without it records are handed on as they came. */
  readonly open?: OpenOptions
  /** Exactly one of `eachBatch` and `sink`. */
  readonly eachBatch?: BatchHandler
  /** Closed with the worker. */
  readonly sink?: RecordSink
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
}

const knownOptions = [
  'applicationName',
  'streamName',
  'initialPosition',
  'workerId',
  'tableName',
  'createTable',
  'kinesis',
  'dynamodb',
  'leaseTable',
  'open',
  'eachBatch',
  'sink',
  'deadLetters',
  'failoverTimeMs',
  'maxLeases',
  'idleTimeBetweenReadsMs',
  'maxRecordsPerRead',
  'shutdownTimeoutMs',
  ...surroundingNames
] as const satisfies readonly (keyof WorkerOptions)[]

export interface ResolvedWorkerOptions extends Surroundings<WorkerEvent> {
  readonly applicationName: string
  readonly streamName: string
  readonly initialPosition: InitialPosition
  readonly workerId: string
  readonly tableName: string
  readonly createTable: boolean
  readonly open: Required<OpenOptions> | undefined
  readonly deadLetters: DeadLetterStore | undefined
  readonly failoverTimeMs: number
  readonly maxLeases: number
  readonly idleTimeBetweenReadsMs: number
  readonly maxRecordsPerRead: number
  readonly shutdownTimeoutMs: number
}

export function resolveOptions(options: WorkerOptions): ResolvedWorkerOptions {
  checkKnownOptions('', options, knownOptions)
  checkKnownOptions('kinesis', options.kinesis ?? {}, ['client', 'clientConfig', 'port'])
  checkKnownOptions('dynamodb', options.dynamodb ?? {}, ['client', 'clientConfig'])
  if ((options.eachBatch === undefined) === (options.sink === undefined)) {
    throw new InvalidOptionError('eachBatch', 'expected exactly one of eachBatch and sink')
  }
  const applicationName = checkString('applicationName', options.applicationName)
  return {
    applicationName,
    streamName: checkString('streamName', options.streamName),
    initialPosition: checkPosition(options.initialPosition),
    workerId: checkString('workerId', options.workerId ?? `${hostname()}:${process.pid}:${randomUUID()}`),
    tableName: checkString('tableName', options.tableName ?? applicationName),
    createTable: options.createTable ?? false,
    open: resolveOpen(options.open),
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
    ...resolveSurroundings(options, DiagnosticsChannel.worker, options.applicationName)
  }
}

function checkPosition(position: InitialPosition): InitialPosition {
  if (position === 'TRIM_HORIZON' || position === 'LATEST') return position
  if (
    typeof position === 'object' &&
    position?.timestamp instanceof Date &&
    !Number.isNaN(position.timestamp.getTime())
  ) {
    return position
  }
  throw new InvalidOptionError('initialPosition', "expected 'TRIM_HORIZON', 'LATEST' or { timestamp: Date }")
}

function resolveOpen(open: OpenOptions | undefined): Required<OpenOptions> | undefined {
  if (open === undefined) return undefined
  checkKnownOptions('open', open, ['keyring', 'context', 'unstoredContext', 'acceptPlaintext'])
  if (typeof open.keyring?.createOpener !== 'function') {
    throw new InvalidOptionError('open.keyring', 'expected a keyring, such as kmsKeyring({ keyId })')
  }
  return {
    keyring: open.keyring,
    context: open.context ?? {},
    unstoredContext: open.unstoredContext ?? {},
    acceptPlaintext: open.acceptPlaintext ?? false
  }
}
