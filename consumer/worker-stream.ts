import type { KinesisReaderPort } from '../core/aws-ports.ts'
import type { RecordOpener } from '../core/record-transform.ts'
import { ServiceError } from '../core/service-errors.ts'
import type { Lease } from './leases/lease.ts'
import type { LeaseTable } from './leases/lease-table.ts'
import type { ResolvedWorkerOptions, StreamOptions, WorkerOptions } from './options.ts'
import { SourceOpener } from './retrieval/open-source.ts'
import type { ReadBudget } from './retrieval/read-budget.ts'
import { ShardSync } from './shards/shard-sync.ts'

export interface WorkerStreamOptions {
  readonly stream: Required<StreamOptions>
  readonly options: ResolvedWorkerOptions
  /** As given to the worker. */
  readonly given: WorkerOptions['kinesis']
  readonly kinesis: KinesisReaderPort
  readonly table: LeaseTable
  /** Of the whole worker. */
  readonly budget: ReadBudget | undefined
  readonly signal: AbortSignal
}

/** What is one stream's own; all else is the worker's. */
export class WorkerStream {
  readonly shardSync: ShardSync
  readonly sources: SourceOpener
  readonly opener: RecordOpener | undefined
  readonly #kinesis: KinesisReaderPort
  #options: ResolvedWorkerOptions

  constructor({ stream, options, given, kinesis, table, budget, signal }: WorkerStreamOptions) {
    const { open, clock, random, onEvent } = options
    this.#kinesis = kinesis
    this.#options = { ...options, ...stream }
    this.shardSync = new ShardSync({
      kinesis,
      ...stream,
      isOneOfSeveral: options.isMultiStream,
      table,
      onStreamRecreated: options.onStreamRecreated,
      clock,
      random,
      signal,
      onEvent
    })
    this.sources = new SourceOpener({ options: this.#options, given, kinesis, budget })
    // The stream is part of what every message is bound to.
    this.opener = open?.keyring.createOpener({
      streamName: stream.streamName,
      context: open.context,
      unstoredContext: open.unstoredContext
    })
  }

  get options(): ResolvedWorkerOptions {
    return this.#options
  }

  owns(lease: Lease): boolean {
    return this.shardSync.owns(lease)
  }

  /** On an AUTO stream hash keys say nothing about shards. @throws ServiceError */
  async checkDistribution(): Promise<void> {
    const { filterOutOfRange, streamName, logger } = this.#options
    if (!filterOutOfRange) return
    const { StreamDescriptionSummary: summary } = await this.#kinesis
      .describeStreamSummary({ StreamName: streamName })
      .catch((cause: unknown) => {
        throw new ServiceError('kinesis', 'DescribeStreamSummary', cause)
      })
    if (summary?.RecordDistributionStrategy !== 'AUTO') return
    this.#options = { ...this.#options, filterOutOfRange: false }
    logger.warn({ streamName }, 'record distribution is AUTO: no record is out of range')
  }

  close(): void {
    this.opener?.close()
    this.sources.close()
  }
}
