import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSequence } from '../../consumer/checkpoint/extended-sequence-number.ts'
import type { ConsumedRecord } from '../../consumer/index.ts'
import { isFinished, type Lease } from '../../consumer/leases/lease.ts'
import { maxHashKey } from '../../core/hash-key.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { seeds } from '../helpers/seeds.ts'
import { type RunningWorker, TestFleet } from '../helpers/worker-fleet.ts'

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), pick: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), pick: fc.integer({ min: 1, max: 80 }) })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('split' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('throttleTable' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failHandler' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failReads' as const), pick: fc.nat(20) }) }
)

/** A worker that can be cut off from everything, as a process that died. */
interface Member {
  readonly running: RunningWorker
  isDead: boolean
}

class Simulation {
  readonly fleet = new TestFleet(2)
  readonly members: Member[] = []
  readonly put: { readonly shardId: string; readonly text: string }[] = []
  #handlerFailures = 0
  #readFailures = 0
  #throttledUntil = 0
  #violation: string | undefined

  constructor() {
    const { rows } = this.fleet.table
    const set = rows.set.bind(rows)
    // A checkpoint never goes back, whoever writes it.
    rows.set = (key: string, row: Lease) => {
      const before = rows.get(key)
      if (before !== undefined && compareSequence(row.checkpoint, before.checkpoint) < 0) {
        this.#violation ??= `the checkpoint of ${key} went back`
      }
      return set(key, row)
    }
  }

  get alive(): readonly Member[] {
    return this.members.filter(({ isDead, running }) => !isDead && !running.stop.signal.aborted)
  }

  async take(kind: string, pick: number): Promise<void> {
    const { clock, kinesis } = this.fleet
    const open = kinesis.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.start < b.start ? -1 : 1))
    const chosen = pick % open.length
    const member = this.alive[pick % Math.max(1, this.alive.length)]
    if (kind === 'put') {
      for (let count = 0; count < 3; count += 1) {
        const text = `record ${this.put.length}`
        kinesis.store(Buffer.from(text), open[chosen]!)
        this.put.push({ shardId: open[chosen]!.id, text })
      }
    } else if (kind === 'advance') await clock.advance(pick * 250)
    else if (kind === 'start' && this.alive.length < 4) this.start()
    else if (kind === 'stop') member?.running.stop.abort()
    else if (kind === 'crash' && member !== undefined) member.isDead = true
    else if (kind === 'split' && kinesis.shards.length < 12) kinesis.split(open[chosen]!)
    else if (kind === 'merge' && chosen + 1 < open.length && kinesis.shards.length < 12) {
      kinesis.merge(open[chosen]!, open[chosen + 1]!)
    } else if (kind === 'throttleTable') this.#throttledUntil = clock.now() + pick * 1_000
    else if (kind === 'failHandler') this.#handlerFailures = 2
    else if (kind === 'failReads') this.#readFailures = 3
  }

  start(): void {
    const { fleet } = this
    const workerId = `w${this.members.length}`
    const member: { isDead: boolean } = { isDead: false }
    const table = Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows })
    table.fail = () => {
      if (member.isDead) return new ServiceError('dynamodb', 'UpdateItem', serviceError('TimeoutError'))
      return fleet.clock.now() < this.#throttledUntil
        ? new ServiceError('dynamodb', 'UpdateItem', serviceError('ThrottlingException', 400))
        : undefined
    }
    const port = Object.create(fleet.kinesis) as FakeKinesis
    port.getRecords = (input, options) => {
      if (member.isDead) return Promise.reject(serviceError('TimeoutError'))
      if (this.#readFailures > 0) {
        this.#readFailures -= 1
        return Promise.reject(serviceError('ExpiredIteratorException', 400))
      }
      return FakeKinesis.prototype.getRecords.call(fleet.kinesis, input, options)
    }
    for (const name of ['listShards', 'getShardIterator'] as const) {
      port[name] = (input: never) => fleet.kinesis[name](input) as never
    }
    const running = fleet.start(workerId, {
      leaseTable: table,
      kinesis: { port },
      eachBatch: records => {
        if (member.isDead) throw new Error('dead')
        this.#checkParents(records)
        if (this.#handlerFailures > 0) {
          this.#handlerFailures -= 1
          throw new Error('scripted')
        }
        fleet.record(workerId, records)
      }
    })
    this.members.push(Object.assign(member, { running }))
  }

  async quiesce(): Promise<void> {
    this.#throttledUntil = 0
    this.#handlerFailures = 0
    this.#readFailures = 0
    // One that could not start because the table was throttled has ended; a new one takes its place.
    this.start()
    await this.fleet.clock.advance(240_000)
  }

  check(): void {
    const { fleet, put } = this
    expect(this.#violation).toBeUndefined()
    const delivered = new Set(fleet.texts())
    expect(put.map(({ text }) => text).filter(text => !delivered.has(text))).toEqual([])
    for (const { id } of fleet.kinesis.shards) {
      const firsts = [...new Set(fleet.texts(id))]
      expect(firsts).toEqual(put.filter(({ shardId }) => shardId === id).map(({ text }) => text))
    }
    const ranges = [...fleet.table.rows.values()]
      .filter(lease => !isFinished(lease))
      .map(({ hashKeyRange }) => hashKeyRange!)
      .sort((a, b) => (a.start < b.start ? -1 : 1))
    let next = 0n
    for (const { start, end } of ranges) {
      expect(start).toBe(next)
      next = end + 1n
    }
    expect(next).toBe(maxHashKey + 1n)
    for (const { running } of this.members) {
      const { read, processed, deadLettered, filtered, inHand } = running.worker.stats
      expect(read).toBe(processed + deadLettered + filtered + inHand)
    }
  }

  async end(): Promise<void> {
    for (const { running } of this.members) running.stop.abort()
    await this.fleet.clock.advance(90_000)
    for (const { running } of this.members) expect(running.outcome()).toBeDefined()
  }

  #checkParents(records: readonly ConsumedRecord[]): void {
    const { kinesis, table } = this.fleet
    const shard = kinesis.shards.find(({ id }) => id === records[0]?.shardId)
    for (const parent of shard?.parents ?? []) {
      const lease = table.rows.get(parent)
      if (lease !== undefined && !isFinished(lease)) this.#violation ??= `${shard?.id} came before ${parent}`
    }
  }
}

describe('workers that come, go and die while the stream is resharded and services fail', () => {
  it('deliver every record at least once, each shard in order and behind its parents, and cover the stream', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async steps => {
        const simulation = new Simulation()
        simulation.start()
        for (const { kind, pick } of steps) await simulation.take(kind, pick)
        await simulation.quiesce()
        simulation.check()
        await simulation.end()
      }),
      { numRuns: seeds(150) }
    )
  }, 900_000)
})
