import { type ConsumedRecord, Worker, type WorkerEvent, type WorkerOptions } from '../../consumer/index.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeKinesis } from './fake-kinesis.ts'
import { MemoryLeaseTable } from './memory-lease-table.ts'

export interface Handled {
  readonly workerId: string
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
  readonly text: string
}

export interface RunningWorker {
  readonly worker: Worker
  readonly stop: AbortController
  /** How `run` ended; undefined while it works. */
  readonly outcome: () => 'stopped' | Error | undefined
}

/** Workers over a stream, a lease table and a clock in memory. */
export class TestFleet {
  readonly clock = new FakeClock()
  readonly kinesis: FakeKinesis
  readonly table = new MemoryLeaseTable()
  readonly handled: Handled[] = []
  readonly events: (WorkerEvent & { readonly workerId: string })[] = []

  constructor(shards = 1) {
    this.kinesis = new FakeKinesis(shards)
  }

  start(workerId: string, options: Partial<WorkerOptions> = {}): RunningWorker {
    const worker = new Worker({
      applicationName: 'app',
      streamName: 's',
      initialPosition: 'TRIM_HORIZON',
      workerId,
      kinesis: { port: this.kinesis },
      leaseTable: this.table,
      clock: this.clock,
      random: () => 0.5,
      onEvent: event => this.events.push({ ...event, workerId }),
      ...(['sink', 'eachRecord', 'processor'].every(name => !(name in options))
        ? { eachBatch: (records: readonly ConsumedRecord[]) => this.record(workerId, records) }
        : {}),
      ...options
    })
    const stop = new AbortController()
    let outcome: 'stopped' | Error | undefined
    worker.run({ signal: stop.signal }).then(
      () => {
        outcome = 'stopped'
      },
      (error: Error) => {
        outcome = error
      }
    )
    return { worker, stop, outcome: () => outcome }
  }

  record(workerId: string, records: readonly ConsumedRecord[]): void {
    for (const { shardId, sequenceNumber, subSequenceNumber, data } of records) {
      const text = Buffer.from(data).toString()
      this.handled.push({ workerId, shardId, sequenceNumber, subSequenceNumber, text })
    }
  }

  texts(shardId?: string): string[] {
    return this.handled
      .filter(handled => shardId === undefined || handled.shardId === shardId)
      .map(({ text }) => text)
  }

  checkpointOf(shardId: string): string | undefined {
    const position = this.table.rows.get(shardId)?.checkpoint
    return position && `${position.sequenceNumber}/${position.subSequenceNumber}`
  }

  eventsOf(type: WorkerEvent['type']): readonly (WorkerEvent & { readonly workerId: string })[] {
    return this.events.filter(event => event.type === type)
  }
}
