import { ErrorCode, SealstreamError } from '../core/errors.ts'

/** The lease is no longer ours; another worker may process the shard already. */
export class LeaseLostError extends SealstreamError {
  readonly leaseKey: string

  constructor(leaseKey: string) {
    super(ErrorCode.leaseLost, `the lease of ${leaseKey} was lost`)
    this.leaseKey = leaseKey
  }
}

/** The worker is being shut down, and its time to finish is over. */
export class WorkerStoppedError extends SealstreamError {
  constructor() {
    super(ErrorCode.closed, 'the worker was stopped')
  }
}

/** The lease table is not there, and the worker was not told to make it. */
export class LeaseTableMissingError extends SealstreamError {
  readonly tableName: string

  constructor(tableName: string) {
    super(
      ErrorCode.service,
      `lease table ${tableName} does not exist: make it with the string key leaseKey, or set createTable: true with ` +
        'the rights dynamodb:CreateTable, DescribeTable, Scan, GetItem, PutItem, UpdateItem and DeleteItem'
    )
    this.tableName = tableName
  }
}

/** The table of that name is not a lease table. */
export class LeaseTableSchemaError extends SealstreamError {
  readonly tableName: string

  constructor(tableName: string, found: string) {
    super(
      ErrorCode.leaseTableRefused,
      `table ${tableName} is no lease table: its key is ${found}, expected the string hash key leaseKey alone; set tableName to another one`
    )
    this.tableName = tableName
  }
}

/** A fleet of KCL 3 is at work on the table, whose leader assigns leases, and this worker takes them for itself. */
export class Kcl3StateError extends SealstreamError {
  readonly tableName: string
  /** What was found, such as `a leader lock`. */
  readonly signs: readonly string[]

  constructor(tableName: string, signs: readonly string[]) {
    const found = [...new Set(signs)]
    super(
      ErrorCode.leaseTableRefused,
      `lease table ${tableName} is in use by KCL 3 (${found.join(', ')}): set leaseProtocol: 'kcl3' to join that fleet, ` +
        'or use another applicationName. If it is gone for good, delete its rows (entityType LEADER, CLIENT_VERSION_MIGRATION, TABLE_MIGRATION) ' +
        'and the tables <applicationName>-CoordinatorState and <applicationName>-WorkerMetricStats'
    )
    this.tableName = tableName
    this.signs = found
  }
}

/** Workers that take leases for themselves are at work on the table, where a leader is to assign them. */
export class Kcl2FleetError extends SealstreamError {
  readonly applicationName: string
  /** Ids of the workers. */
  readonly owners: readonly string[]

  constructor(applicationName: string, owners: readonly string[]) {
    super(
      ErrorCode.leaseTableRefused,
      `the leases of ${applicationName} are held by workers that take them for themselves, as KCL 2 does (${owners.join(', ')}): ` +
        "stop them before the first worker with leaseProtocol: 'kcl3' starts, or leave that option out"
    )
    this.applicationName = applicationName
    this.owners = owners
  }
}

/** The fleet says that it works by rules which are not known here. */
export class FleetVersionError extends SealstreamError {
  constructor(applicationName: string, clientVersion: string) {
    super(
      ErrorCode.leaseTableRefused,
      `the fleet ${applicationName} works by the rules of ${clientVersion.slice(0, 100)}, which this version does not know: nothing was changed`
    )
  }
}

/** Reason of the signal by which a shard's processing ends because the leader has given its lease to another worker. */
export class LeaseHandoffError extends SealstreamError {
  constructor(leaseKey: string) {
    super(ErrorCode.leaseLost, `the lease of ${leaseKey} is handed over to another worker`)
  }
}

/** Another living worker has the same id: each would take the other's leases for its own. */
export class DuplicateWorkerError extends SealstreamError {
  readonly workerId: string
  /** Where it was seen; undefined where its account of itself told it. */
  readonly leaseKey: string | undefined

  constructor(workerId: string, leaseKey: string | undefined) {
    super(
      ErrorCode.duplicateWorker,
      `another worker works under the id ${workerId}${leaseKey === undefined ? '' : ` (seen at lease ${leaseKey})`}: give each living worker a workerId of its own`
    )
    this.workerId = workerId
    this.leaseKey = leaseKey
  }
}

/** The leases were written for a former stream of the same name: nothing is read by their positions. */
export class StreamRecreatedError extends SealstreamError {
  readonly streamName: string
  /** Leases that do not fit the stream. */
  readonly leaseKeys: readonly string[]

  constructor(streamName: string, leaseKeys: readonly string[], reason: string) {
    super(
      ErrorCode.streamMismatch,
      `${leaseKeys.length} leases belong to a former stream ${streamName} (${leaseKeys[0]}: ${reason}); ` +
        "set onStreamRecreated: 'discardLeases' to drop them and read the new stream from its beginning"
    )
    this.streamName = streamName
    this.leaseKeys = leaseKeys
  }
}

/** The listing of the stream's shards leaves hash keys out, again and again: from it no leases are made. */
export class IncompleteShardListError extends SealstreamError {
  readonly streamName: string

  constructor(streamName: string, firstMissing: bigint) {
    super(
      ErrorCode.service,
      `the shards listed for stream ${streamName} leave out hash keys from ${firstMissing}`,
      { retryable: true }
    )
    this.streamName = streamName
  }
}

/** A record that cannot be processed, and no place to keep it: the worker stops rather than skip it. */
export class UnprocessableRecordError extends SealstreamError {
  readonly shardId: string
  readonly sequenceNumber: string

  constructor(shardId: string, sequenceNumber: string, cause: SealstreamError) {
    super(
      ErrorCode.processorFailed,
      `record ${sequenceNumber} of ${shardId} cannot be processed (${cause.code}), and the worker has no dead-letter store`,
      { cause }
    )
    this.shardId = shardId
    this.sequenceNumber = sequenceNumber
  }
}

/** The handler could not process these records, as often as the failure policy has them tried. */
export class ProcessorFailedError extends SealstreamError {
  constructor(cause: unknown) {
    // What the handler threw may quote the payload: it is the cause, and no part of the message.
    super(ErrorCode.processorFailed, 'the handler could not process the record', { cause })
  }
}

/** Reason of a handler's signal: the call took longer than `handlerTimeoutMs`. */
export class HandlerOverdueError extends SealstreamError {
  constructor(handlerTimeoutMs: number) {
    super(ErrorCode.timeout, `the handler took longer than ${handlerTimeoutMs} ms`)
  }
}

/** A checkpoint that would go back, or further than what was handed over. Nothing was written. */
export class CheckpointRejectedError extends SealstreamError {
  readonly leaseKey: string

  constructor(leaseKey: string, reason: string) {
    super(ErrorCode.checkpointRejected, `the checkpoint of ${leaseKey} ${reason}`)
    this.leaseKey = leaseKey
  }
}

/** Why a shard cannot be read by enhanced fan-out. */
export type FanOutObstacle =
  /** No consumer of that name, and the worker may not register one. */
  | 'not-registered'
  /** The consumer was there and did not become active in time. */
  | 'not-active'
  /** The stream has as many consumers as it may have. */
  | 'limit'
  /** A right is missing. */
  | 'denied'

/** A shard cannot be read by enhanced fan-out until somebody changes something. */
export class FanOutUnavailableError extends SealstreamError {
  readonly obstacle: FanOutObstacle

  constructor(obstacle: FanOutObstacle, message: string, cause?: unknown) {
    super(ErrorCode.service, message, cause === undefined ? {} : { cause })
    this.obstacle = obstacle
  }
}
