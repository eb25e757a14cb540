import { onTestFinished } from 'vitest'
import type { HeldLease } from '../../consumer/leases/held-lease.ts'
import { LeaseCoordinator, type LeaseCoordinatorOptions } from '../../consumer/leases/lease-coordinator.ts'
import { ShardSync } from '../../consumer/shards/shard-sync.ts'
import type { WorkerEvent } from '../../consumer/types.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { FakeKinesis, serviceError } from './fake-kinesis.ts'
import { MemoryLeaseTable } from './memory-lease-table.ts'

export const throttled = (): ServiceError =>
  new ServiceError('dynamodb', 'UpdateItem', serviceError('ProvisionedThroughputExceededException', 400))

export interface FleetMember {
  readonly coordinator: LeaseCoordinator
  readonly table: MemoryLeaseTable
  /** What is held now, by lease key. */
  readonly held: Map<string, HeldLease>
  readonly fatal: unknown[]
  /** The process is gone: its loops stop and nothing is given back. */
  crash(): Promise<void>
}

/** Coordinators over one table and one clock, without anything that reads the shards. */
export class LeaseFleet {
  readonly clock = new FakeClock()
  readonly table = new MemoryLeaseTable()
  readonly kinesis: FakeKinesis
  readonly members: FleetMember[] = []
  readonly events: (WorkerEvent & { readonly workerId: string })[] = []

  constructor(shards = 4) {
    this.kinesis = new FakeKinesis(shards)
  }

  async start(
    workerId: string,
    options: Partial<LeaseCoordinatorOptions> & { readonly table?: MemoryLeaseTable } = {}
  ): Promise<FleetMember> {
    const { clock, kinesis, events } = this
    const held = new Map<string, HeldLease>()
    const fatal: unknown[] = []
    const table = options.table ?? Object.assign(new MemoryLeaseTable(), { rows: this.table.rows })
    const coordinator = new LeaseCoordinator({
      streams: [
        new ShardSync({
          kinesis,
          streamName: 's',
          table,
          initialPosition: 'TRIM_HORIZON',
          clock,
          random: () => 0.5,
          signal: new AbortController().signal
        })
      ],
      workerId,
      failoverTimeMs: 10_000,
      maxLeases: 1_000,
      clock,
      random: () => 0.5,
      onEvent: event => {
        events.push({ ...event, workerId })
        if (event.type === 'leaseLost') held.delete(event.leaseKey)
      },
      onTaken: each => held.set(each.leaseKey, each),
      onFatal: error => fatal.push(error),
      ...options,
      table
    })
    const crash = async (): Promise<void> => {
      await coordinator.close()
      held.clear()
    }
    const member = { coordinator, table, held, fatal, crash }
    this.members.push(member)
    onTestFinished(() => coordinator.close())
    await coordinator.start()
    await settle()
    return member
  }

  /** Leases held, worker by worker. */
  get counts(): readonly number[] {
    return this.members.map(({ held }) => held.size)
  }

  /** Conditional writes of all workers. */
  get writes(): number {
    return this.members.reduce((sum, { table }) => sum + table.writes, 0)
  }

  eventsOf(type: WorkerEvent['type']): readonly (WorkerEvent & { readonly workerId: string })[] {
    return this.events.filter(event => event.type === type)
  }
}
