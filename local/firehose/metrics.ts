import type { AttemptReport } from './delivery.ts'
import type { InvocationReport } from './processing/transform.ts'
import type { DestinationSettings } from './settings.ts'
import type { SourceRead } from './source/source-streams.ts'

/**
 * What CloudWatch would tell of one delivery stream since its creation, under the names of the namespace AWS/Firehose:
 * counts are sums, `Success` and `Duration` averages, `DataFreshness` the age of the oldest record that is not
 * delivered yet, in seconds. A name is absent while there is nothing to tell. `BilledBytes` is no metric of AWS: bytes
 * that came in, each record rounded up to 5 KB.
 */
export type FirehoseMetrics = Readonly<Record<string, number>>

/** Ingestion is billed by multiples of this (https://aws.amazon.com/firehose/pricing/). */
const billedStepBytes = 5 * 1024

export interface MetricSources {
  readonly settings: () => DestinationSettings
  /** Milliseconds since 1970. */
  readonly wallTime: () => number
  /** When the oldest record came that its destination, or its backup, has still to get; milliseconds since 1970. */
  readonly oldestArrivedMs: () => number | undefined
  readonly oldestCopyArrivedMs: () => number | undefined
}

/** Counts what happens to the records of one delivery stream. */
export class StreamMetrics {
  readonly #sources: MetricSources
  readonly #sums = new Map<string, number>()
  readonly #averages = new Map<string, { sum: number; count: number }>()
  readonly #behindMs = new Map<string, number>()

  constructor(sources: MetricSources) {
    this.#sources = sources
  }

  /** One request of puts, with the sizes of what was taken. */
  put(operation: 'PutRecord' | 'PutRecordBatch', sizes: readonly number[], throttled: number): void {
    this.#add('IncomingPutRequests', 1)
    this.#add(`${operation}.Requests`, 1)
    this.#add(`${operation}.Bytes`, sum(sizes))
    if (operation === 'PutRecordBatch') this.#add('PutRecordBatch.Records', sizes.length)
    this.#add('IncomingRecords', sizes.length)
    this.#add('IncomingBytes', sum(sizes))
    this.#add('ThrottledRecords', throttled)
    this.#bill(sizes)
  }

  /** One read of a shard; undefined when its limits were reached. */
  read(shardId: string, read: SourceRead | undefined): void {
    if (read === undefined) {
      this.#add('ThrottledGetRecords', 1)
      return
    }
    const sizes = read.records.map(({ data }) => data.length)
    this.#add('DataReadFromKinesisStream.Records', sizes.length)
    this.#add('DataReadFromKinesisStream.Bytes', sum(sizes))
    this.#bill(sizes)
    if (read.isAtEnd) this.#behindMs.delete(shardId)
    else this.#behindMs.set(shardId, read.millisBehindLatest)
  }

  invoked({ isSuccess, durationMs, records, bytes }: InvocationReport): void {
    this.#sample('ExecuteProcessing.Success', isSuccess ? 1 : 0)
    this.#sample('ExecuteProcessing.Duration', durationMs)
    this.#add('SucceedProcessing.Records', records)
    this.#add('SucceedProcessing.Bytes', bytes)
  }

  attempted({ isBackup, isSuccess, records, bytes, error }: AttemptReport): void {
    const target = isBackup ? 'BackupToS3' : this.#target
    this.#sample(`${target}.Success`, isSuccess ? 1 : 0)
    this.#add(`${target}.Records`, records)
    this.#add(`${target}.Bytes`, bytes)
    if (target === 'DeliveryToS3' && isSuccess) this.#add('DeliveryToS3.ObjectCount', 1)
    const keyTrouble = keyMetrics[error ?? '']
    if (keyTrouble !== undefined) this.#add(keyTrouble, 1)
  }

  snapshot(): FirehoseMetrics {
    const { wallTime, oldestArrivedMs, oldestCopyArrivedMs } = this.#sources
    const freshness = (target: string, arrivedMs: number | undefined): FirehoseMetrics =>
      arrivedMs === undefined ? {} : { [`${target}.DataFreshness`]: (wallTime() - arrivedMs) / 1000 }
    return {
      ...Object.fromEntries(this.#sums),
      ...Object.fromEntries(
        [...this.#averages].map(([name, average]) => [name, average.sum / average.count])
      ),
      ...(this.#behindMs.size === 0
        ? {}
        : { KinesisMillisBehindLatest: Math.max(...this.#behindMs.values()) }),
      ...freshness(this.#target, oldestArrivedMs()),
      ...freshness('BackupToS3', oldestCopyArrivedMs())
    }
  }

  get #target(): string {
    return targets[this.#sources.settings().kind]!
  }

  #bill(sizes: readonly number[]): void {
    this.#add('BilledBytes', sum(sizes.map(bytes => Math.ceil(bytes / billedStepBytes) * billedStepBytes)))
  }

  #add(name: string, value: number): void {
    if (value > 0) this.#sums.set(name, (this.#sums.get(name) ?? 0) + value)
  }

  #sample(name: string, value: number): void {
    const average = this.#averages.get(name) ?? { sum: 0, count: 0 }
    this.#averages.set(name, { sum: average.sum + value, count: average.count + 1 })
  }
}

const targets: Readonly<Record<string, string>> = {
  s3: 'DeliveryToS3',
  search: 'DeliveryToAmazonOpenSearchService',
  splunk: 'DeliveryToSplunk',
  redshift: 'DeliveryToRedshift'
}

/** What the errors of S3 say about the key of an object. */
const keyMetrics: Readonly<Record<string, string>> = {
  AccessDenied: 'KMSKeyAccessDenied',
  'KMS.DisabledException': 'KMSKeyDisabled',
  'KMS.KMSInvalidStateException': 'KMSKeyInvalidState',
  'KMS.NotFoundException': 'KMSKeyNotFound'
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
