/** A record in the buffer of a delivery stream. */
export interface BufferedRecord {
  readonly data: Buffer
  /** Wall time of the put, milliseconds since 1970. */
  readonly arrivedMs: number
  /** `<56 digits>.0`, the same on every attempt. */
  readonly id: string
  /** Where it was read from; undefined for one that was put. */
  readonly origin?: KinesisOrigin | undefined
  /** What a transform function says for dynamic partitioning. */
  readonly partitionKeys?: Readonly<Record<string, string>> | undefined
}

/** The place of a record in a Kinesis stream. */
export interface KinesisOrigin {
  readonly sequenceNumber: string
  /** Place among the user records of an aggregate, from 0. */
  readonly subsequenceNumber: number
  readonly partitionKey: string
  readonly shardId: string
}

/** What became of one record in one attempt. */
export type RecordOutcome =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'failed'
      readonly errorCode: string
      readonly errorMessage: string
      /** Another attempt cannot help: the record goes to the backup at once. */
      readonly isFinal: boolean
      /** What the error record of this kind of destination says besides. */
      readonly members: Readonly<Record<string, unknown>>
    }

export interface Attempt {
  /** One for each record, in their order. */
  readonly outcomes: readonly RecordOutcome[]
  /** How much of the attempt does not count against the retry duration, in milliseconds. @default 0 */
  readonly uncountedMs?: number
}

export interface AttemptContext {
  /** Aborts when the delivery stream is deleted. */
  readonly signal: AbortSignal
  /** Lets `ms` milliseconds pass; a flush does not wait for them. Rejects when the delivery stream is deleted. */
  wait(ms: number): Promise<void>
}

/** Where records go that did not arrive, or all of them. */
export interface DestinationBackup {
  /** Takes every record as it was put, whatever becomes of it; undefined when only failures are kept. */
  readonly all: Destination | undefined
  /** Writes error records, one JSON document each. Rejects when that failed. */
  writeFailed(lines: readonly string[], arrivedMs: number): Promise<void>
}

/** Why a record cannot be buffered. */
export interface RecordFault {
  readonly errorCode: string
  readonly errorMessage: string
}

/** The port between the buffer of a delivery stream and what stands behind it. */
export interface Destination {
  /** A batch is cut as soon as it holds this much, in MiB, before compression. */
  readonly bufferSizeMiB: number
  /** A batch is cut when its first record is this old, in seconds. */
  readonly bufferIntervalSeconds: number
  /** What every record occupies besides its data. */
  readonly framingBytes: number
  /**
   * How long failures are tried again, in milliseconds since the first one; `0` never, `Infinity` until it succeeds.
   */
  readonly retryDurationMs: number
  readonly backup: DestinationBackup | undefined
  /** Records of different partitions share no batch. @default all are of one */
  readonly partitionOf?: ((record: BufferedRecord) => string | RecordFault) | undefined
  /** How long to wait after so many attempts, from 1, in milliseconds. */
  retryDelayMs(attempts: number): number
  /** Tries to deliver every record once. Rejecting means that all have failed, and that another attempt may help. */
  deliver(records: readonly BufferedRecord[], context: AttemptContext): Promise<Attempt>
}

/** 1 s, 2 s, 4 s and so on up to a minute. */
export function doublingDelayMs(attempts: number): number {
  return Math.min(60_000, 1_000 * 2 ** (attempts - 1))
}
