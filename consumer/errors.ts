import { ErrorCode, RecordFaultError, SealstreamError } from '../core/errors.ts'

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
        'the rights dynamodb:CreateTable, DescribeTable, Scan, GetItem, PutItem and UpdateItem'
    )
    this.tableName = tableName
  }
}

/** A record came without sealing where only sealed ones are accepted. */
export class PlaintextRefusedError extends RecordFaultError {
  constructor() {
    super(ErrorCode.plaintextRefused, 'the record is not sealed, and acceptPlaintext is off')
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
