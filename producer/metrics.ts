import type { MetricDimensions, Metrics, MetricUnit } from '../core/metrics.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { PendingRecord } from './pending-record.ts'

/**
 * Names and units as the KPL has them (its metrics guide), and some of our own:
 * https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-kpl.html
 */
export const ProducerMetric = {
  userRecordsReceived: ['UserRecordsReceived', 'Count', 'detailed'],
  userRecordsPending: ['UserRecordsPending', 'Count', 'detailed'],
  /** 1 acknowledged, 0 handed back: the mean is the success rate. */
  userRecordsPut: ['UserRecordsPut', 'Count', 'summary'],
  userRecordsDataPut: ['UserRecordsDataPut', 'Bytes', 'detailed'],
  userRecordExpired: ['UserRecordExpired', 'Count', 'summary'],
  /** 1 stored, 0 failed. */
  kinesisRecordsPut: ['KinesisRecordsPut', 'Count', 'summary'],
  kinesisRecordsDataPut: ['KinesisRecordsDataPut', 'Bytes', 'detailed'],
  /** With the dimension ErrorCode. */
  errorsByCode: ['ErrorsByCode', 'Count', 'summary'],
  allErrors: ['AllErrors', 'Count', 'summary'],
  retriesPerRecord: ['RetriesPerRecord', 'Count', 'detailed'],
  /** From acceptance to the first attempt, and from one attempt to the next. */
  bufferingTime: ['BufferingTime', 'Milliseconds', 'summary'],
  requestTime: ['RequestTime', 'Milliseconds', 'detailed'],
  userRecordsPerKinesisRecord: ['UserRecordsPerKinesisRecord', 'Count', 'detailed'],
  kinesisRecordsPerPutRecordsRequest: ['KinesisRecordsPerPutRecordsRequest', 'Count', 'detailed'],
  userRecordsPerPutRecordsRequest: ['UserRecordsPerPutRecordsRequest', 'Count', 'detailed'],
  /** Ours: Kinesis records that went to another shard than predicted. */
  wrongShard: ['WrongShard', 'Count', 'summary'],
  /** Ours: part of the allowed rate that a shard gets after it throttled, in hundredths. */
  limiterPercent: ['LimiterPercent', 'None', 'summary'],
  /** Ours: bytes of the buffer that are taken. */
  bufferedBytes: ['BufferedBytes', 'Bytes', 'detailed'],
  shardMapRefreshes: ['ShardMapRefreshes', 'Count', 'summary']
} as const satisfies Record<string, readonly [string, MetricUnit, 'summary' | 'detailed']>

type Metric = (typeof ProducerMetric)[keyof typeof ProducerMetric]

export interface ProducerMetricsOptions {
  readonly sink: Metrics | undefined
  readonly streamName: string
  readonly level: 'summary' | 'detailed'
  readonly granularity: 'stream' | 'shard'
}

/** What the producer measures, by name, level and dimensions. Costs a comparison where nobody listens. */
export class ProducerMetrics {
  readonly #sink: Metrics | undefined
  readonly #isDetailed: boolean
  readonly #perShard: boolean
  readonly #ofStream: MetricDimensions
  /** Shard, error code or both -> the one object for them. */
  readonly #dimensions = new Map<string, MetricDimensions>()

  constructor({ sink, streamName, level, granularity }: ProducerMetricsOptions) {
    this.#sink = sink
    this.#isDetailed = level === 'detailed'
    this.#perShard = granularity === 'shard'
    this.#ofStream = { StreamName: streamName }
  }

  get isOn(): boolean {
    return this.#sink !== undefined
  }

  put(metric: Metric, value: number, shardId = '', errorCode = ''): void {
    if (this.#sink === undefined) return
    const [name, unit, level] = metric
    if (level === 'detailed' && !this.#isDetailed) return
    this.#sink.put(name, unit, value, this.#dimensionsOf(this.#perShard ? shardId : '', errorCode))
  }

  /** Before the request that carries them. */
  onSending(records: readonly KinesisRecord[], nowMs: number): void {
    if (this.#sink === undefined) return
    let userRecords = 0
    for (const { batch } of records) {
      userRecords += batch.records.length
      for (const record of batch.records) {
        this.put(ProducerMetric.bufferingTime, nowMs - record.freeSinceMs, batch.shardId)
      }
    }
    this.put(ProducerMetric.kinesisRecordsPerPutRecordsRequest, records.length)
    this.put(ProducerMetric.userRecordsPerPutRecordsRequest, userRecords)
  }

  onStored({ batch, data }: KinesisRecord): void {
    if (this.#sink === undefined) return
    this.put(ProducerMetric.kinesisRecordsPut, 1, batch.shardId)
    this.put(ProducerMetric.kinesisRecordsDataPut, data.length, batch.shardId)
    this.put(ProducerMetric.userRecordsPerKinesisRecord, batch.records.length, batch.shardId)
    this.put(ProducerMetric.allErrors, 0, batch.shardId)
  }

  onFailed({ batch }: KinesisRecord, errorCode: string): void {
    if (this.#sink === undefined) return
    this.put(ProducerMetric.kinesisRecordsPut, 0, batch.shardId)
    this.put(ProducerMetric.errorsByCode, 1, batch.shardId, errorCode)
    this.put(ProducerMetric.allErrors, 1, batch.shardId)
  }

  onSettled(
    record: PendingRecord,
    outcome: 'acknowledged' | 'handedBack' | 'expired',
    shardId: string
  ): void {
    if (this.#sink === undefined) return
    const isAcknowledged = outcome === 'acknowledged'
    this.put(ProducerMetric.userRecordsPut, isAcknowledged ? 1 : 0, shardId)
    this.put(ProducerMetric.retriesPerRecord, Math.max(0, record.attempts - 1), shardId)
    if (isAcknowledged) this.put(ProducerMetric.userRecordsDataPut, record.record.data.length, shardId)
    if (outcome === 'expired') this.put(ProducerMetric.userRecordExpired, 1, shardId)
  }

  #dimensionsOf(shardId: string, errorCode: string): MetricDimensions {
    if (shardId === '' && errorCode === '') return this.#ofStream
    const key = `${shardId}/${errorCode}`
    let dimensions = this.#dimensions.get(key)
    if (dimensions === undefined) {
      dimensions = {
        ...(errorCode === '' ? {} : { ErrorCode: errorCode }),
        ...this.#ofStream,
        ...(shardId === '' ? {} : { ShardId: shardId })
      }
      this.#dimensions.set(key, dimensions)
    }
    return dimensions
  }
}
