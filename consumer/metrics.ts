import type { MetricDimensions, Metrics, MetricUnit } from '../core/metrics.ts'
import type { WorkerEvent } from './types.ts'

/** Names and units as the KCL has them, where it has them; https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-kcl.html */
export const ConsumerMetric = {
  recordsProcessed: ['RecordsProcessed', 'Count', 'ProcessTask'],
  /** Of the Kinesis records' data, as received. */
  dataBytesProcessed: ['DataBytesProcessed', 'Bytes', 'ProcessTask'],
  millisBehindLatest: ['MillisBehindLatest', 'Milliseconds', 'ProcessTask'],
  processRecordsTime: ['RecordProcessor.processRecords.Time', 'Milliseconds', 'ProcessTask'],
  /** 1 for a call that succeeded, 0 for one that failed: the mean is the success rate. */
  processRecordsSuccess: ['Success', 'Count', 'ProcessTask'],
  lostLeases: ['LostLeases', 'Count', 'RenewAllLeases'],
  currentLeases: ['CurrentLeases', 'Count', 'RenewAllLeases'],
  takenLeases: ['TakenLeases', 'Count', 'TakeLeases'],
  /** Ours: dead letters, and shards in which nothing moves. */
  deadLetters: ['DeadLetters', 'Count', 'ProcessTask'],
  stalledShards: ['StalledShards', 'Count', 'ProcessTask']
} as const satisfies Record<string, readonly [string, MetricUnit, string]>

type Metric = (typeof ConsumerMetric)[keyof typeof ConsumerMetric]

export interface ConsumerMetricsOptions {
  readonly sink: Metrics | undefined
  readonly granularity: 'worker' | 'shard'
}

/** What a worker measures. Costs a comparison where nobody listens. */
export class ConsumerMetrics {
  readonly #sink: Metrics | undefined
  readonly #perShard: boolean
  /** Operation and shard -> the one object for them. */
  readonly #dimensions = new Map<string, MetricDimensions>()

  constructor({ sink, granularity }: ConsumerMetricsOptions) {
    this.#sink = sink
    this.#perShard = granularity === 'shard'
  }

  put(metric: Metric, value: number, shardId = ''): void {
    if (this.#sink === undefined) return
    const [name, unit, operation] = metric
    this.#sink.put(name, unit, value, this.#dimensionsOf(operation, this.#perShard ? shardId : ''))
  }

  onProcessed(shardId: string, records: number, bytes: number, ms: number): void {
    if (this.#sink === undefined) return
    this.put(ConsumerMetric.recordsProcessed, records, shardId)
    this.put(ConsumerMetric.dataBytesProcessed, bytes, shardId)
    this.put(ConsumerMetric.processRecordsTime, ms, shardId)
    this.put(ConsumerMetric.processRecordsSuccess, 1, shardId)
  }

  onEvent(event: WorkerEvent): void {
    if (this.#sink === undefined) return
    if (event.type === 'leaseLost') this.put(ConsumerMetric.lostLeases, 1)
    else if (event.type === 'leaseTaken') this.put(ConsumerMetric.takenLeases, 1)
    else if (event.type === 'recordFault') this.put(ConsumerMetric.deadLetters, 1, event.shardId)
    else if (event.type === 'shardStalled') this.put(ConsumerMetric.stalledShards, 1, event.shardId)
    else if (event.type === 'batchFailed') this.put(ConsumerMetric.processRecordsSuccess, 0, event.shardId)
  }

  #dimensionsOf(operation: string, shardId: string): MetricDimensions {
    const key = `${operation}/${shardId}`
    let dimensions = this.#dimensions.get(key)
    if (dimensions === undefined) {
      dimensions = { Operation: operation, ...(shardId === '' ? {} : { ShardId: shardId }) }
      this.#dimensions.set(key, dimensions)
    }
    return dimensions
  }
}
