import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { compareSequence } from '../../consumer/checkpoint/extended-sequence-number.ts'
import type { ConsumedRecord, LeaseRules } from '../../consumer/index.ts'
import { isFinished, type Lease } from '../../consumer/leases/lease.ts'
import { uncovered } from '../../consumer/shards/hash-range-holes.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { type FakeKinesis, type FakeShard, serviceError } from '../helpers/fake-kinesis.ts'
import { MemoryFleetTable, newFleetRows } from '../helpers/memory-fleet-table.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { ProcessClock } from '../helpers/process-clock.ts'
import { seeds } from '../helpers/seeds.ts'
import { type RunningWorker, TestFleet } from '../helpers/worker-fleet.ts'

const failoverTimeMs = 10_000
const readMs = 150
const kinds = {
  put: 6,
  advance: 6,
  start: 2,
  stop: 1,
  crash: 1,
  pause: 3,
  split: 1,
  merge: 1,
  throttleTable: 1,
  loseAnswers: 2,
  failHandler: 1,
  failReads: 1
} as const
type Kind = keyof typeof kinds

const step = fc.oneof(
  ...Object.entries(kinds).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({ kind: fc.constant(kind as Kind), pick: fc.nat(60) })
  }))
)
const scenario = fc.record({
  /** What happened to the stream before anybody read it. */
  before: fc.array(fc.record({ kind: fc.constantFrom('put', 'put', 'split', 'merge'), pick: fc.nat(60) }), {
    maxLength: 10
  }),
  // Mostly few shards, where more happens to each.
  shards: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 4, max: 10 }) },
    { weight: 1, arbitrary: fc.integer({ min: 11, max: 64 }) }
  ),
  workers: fc.integer({ min: 3, max: 8 }),
  steps: fc.array(step, { minLength: 5, maxLength: 40 })
})

/** A process that can be cut off from everything, as one that died, or stand still. */
interface Member {
  readonly running: RunningWorker
  readonly clock: ProcessClock
  isDead: boolean
}

class Simulation {
  readonly fleet: TestFleet
  readonly members: Member[] = []
  readonly put: { readonly shardId: string; readonly text: string }[] = []
  readonly #delivered = new Set<string>()
  readonly #fleetRows = newFleetRows()
  readonly #maxShards: number
  readonly #protocol: LeaseRules
  #handlerFailures = 0
  #readFailures = 0
  #lostAnswers = 0
  #throttledUntil = 0
  #violation: string | undefined

  constructor(
    shards: number,
    /** Who decides which worker reads which shard. */
    protocol: LeaseRules
  ) {
    this.#protocol = protocol
    this.fleet = new TestFleet(shards)
    this.#maxShards = shards + 10
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

  async take(kind: Kind, pick: number): Promise<void> {
    const { clock, kinesis } = this.fleet
    const open = kinesis.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.start < b.start ? -1 : 1))
    const chosen = pick % open.length
    const member = this.alive[pick % Math.max(1, this.alive.length)]
    const mayReshard = kinesis.shards.length < this.#maxShards
    if (kind === 'put') {
      for (let count = 0; count < 3; count += 1) {
        const text = `record ${this.put.length}`
        kinesis.store(Buffer.from(text), open[chosen]!)
        this.put.push({ shardId: open[chosen]!.id, text })
      }
    } else if (kind === 'advance') await clock.advance(pick * 250)
    else if (kind === 'start' && this.alive.length < 8) this.start()
    else if (kind === 'stop') member?.running.stop.abort()
    else if (kind === 'crash' && member !== undefined) member.isDead = true
    else if (kind === 'pause') member?.clock.pause(pick * 500)
    else if (kind === 'split' && mayReshard) kinesis.split(open[chosen]!)
    else if (kind === 'merge' && chosen + 1 < open.length && mayReshard) {
      kinesis.merge(open[chosen]!, open[chosen + 1]!)
    } else if (kind === 'throttleTable') this.#throttledUntil = clock.now() + pick * 400
    else if (kind === 'loseAnswers') this.#lostAnswers = pick % 6
    else if (kind === 'failHandler') this.#handlerFailures = 2
    else if (kind === 'failReads') this.#readFailures = 3
  }

  start(): void {
    const { fleet } = this
    const index = this.members.length
    const workerId = `w${index}`
    // Wall clocks are off by up to hours; nothing may depend on them.
    const clock = new ProcessClock(fleet.clock, (index % 2 === 0 ? 1 : -1) * index * 1_800_000)
    const member = { isDead: false, clock }
    /** When the table last took a write for a lease from this process, by the common clock. */
    const heldMs = new Map<string, number>()
    const running = fleet.start(workerId, {
      clock,
      leaseTable: this.#tableOf(member, heldMs),
      leaseProtocol: this.#protocol,
      kinesis: { port: this.#portOf(member) },
      failoverTimeMs,
      idleTimeBetweenReadsMs: 2_000,
      eachBatch: async records => {
        if (member.isDead) throw new Error('dead')
        this.#checkStart(records, heldMs)
        await clock.sleep((records.length * 397) % 1_500)
        if (this.#handlerFailures > 0) {
          this.#handlerFailures -= 1
          throw new Error('scripted')
        }
        if (member.isDead) throw new Error('dead')
        fleet.record(workerId, records)
        for (const { data } of records) this.#delivered.add(Buffer.from(data).toString())
      }
    })
    this.members.push(Object.assign(member, { running }))
  }

  async quiesce(): Promise<void> {
    this.#throttledUntil = 0
    this.#handlerFailures = 0
    this.#readFailures = 0
    this.#lostAnswers = 0
    // One that could not start because the table was throttled has ended; a new one takes its place.
    this.start()
    await this.fleet.clock.advance(40_000)
    for (let round = 0; round < 20 && !this.#isDone(); round += 1) await this.fleet.clock.advance(15_000)
  }

  check(): void {
    const { fleet, put } = this
    expect(this.#violation).toBeUndefined()
    expect(put.map(({ text }) => text).filter(text => !this.#delivered.has(text))).toEqual([])
    for (const { id } of fleet.kinesis.shards) {
      const firsts = [...new Set(fleet.texts(id))]
      expect(firsts).toEqual(put.filter(({ shardId }) => shardId === id).map(({ text }) => text))
    }
    expect(this.#uncovered()).toEqual([])
    for (const { running } of this.members) {
      const { read, processed, deadLettered, filtered, inHand } = running.worker.stats
      expect(read).toBe(processed + deadLettered + filtered + inHand)
    }
  }

  async end(): Promise<void> {
    for (const { running } of this.members) running.stop.abort()
    await this.fleet.clock.advance(90_000)
    for (const { running } of this.members) {
      const outcome = running.outcome()
      // A table that could not be reached keeps a worker from starting; nothing else may end one.
      if (outcome !== 'stopped') expect(outcome).toBeInstanceOf(ServiceError)
    }
  }

  #isDone(): boolean {
    return this.put.every(({ text }) => this.#delivered.has(text)) && this.#uncovered().length === 0
  }

  #uncovered(): readonly unknown[] {
    const unfinished = [...this.fleet.table.rows.values()].filter(lease => !isFinished(lease))
    return uncovered(unfinished.map(({ hashKeyRange }) => hashKeyRange!))
  }

  #tableOf(member: { isDead: boolean; clock: ProcessClock }, heldMs: Map<string, number>): MemoryLeaseTable {
    const { fleet } = this
    const table = Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows, gate: member.clock.gate })
    if (this.#protocol === 'kcl3') table.fleet = new MemoryFleetTable(this.#fleetRows, table)
    table.fail = () => {
      if (member.isDead) return new ServiceError('dynamodb', 'UpdateItem', serviceError('TimeoutError'))
      return fleet.clock.now() < this.#throttledUntil
        ? new ServiceError('dynamodb', 'UpdateItem', serviceError('ThrottlingException', 400))
        : undefined
    }
    // Asked after every write that was carried out.
    table.loseAnswer = (operation, leaseKey) => {
      // What a leader writes keeps no lease of its own.
      if (operation !== 'assign' && operation !== 'startHandoff') heldMs.set(leaseKey, fleet.clock.now())
      if (this.#lostAnswers === 0) return undefined
      this.#lostAnswers -= 1
      return new ServiceError('dynamodb', 'UpdateItem', serviceError('TimeoutError'))
    }
    return table
  }

  #portOf(member: { isDead: boolean; clock: ProcessClock }): FakeKinesis {
    const { kinesis } = this.fleet
    const port = Object.create(kinesis) as FakeKinesis
    const reach = async (): Promise<void> => {
      await member.clock.gate()
      if (member.isDead) throw serviceError('TimeoutError')
    }
    port.getRecords = async (input, options) => {
      await reach()
      if (this.#readFailures > 0) {
        this.#readFailures -= 1
        throw serviceError('ExpiredIteratorException', 400)
      }
      const answer = await kinesis.getRecords(input, options)
      // An answer that comes while the process stands still is seen when it wakes.
      await this.fleet.clock.sleep(readMs)
      await reach()
      return answer
    }
    port.listShards = async input => {
      await reach()
      return kinesis.listShards(input)
    }
    port.getShardIterator = async input => {
      await reach()
      return kinesis.getShardIterator(input)
    }
    return port
  }

  /** What must hold whenever a handler is called. */
  #checkStart(records: readonly ConsumedRecord[], heldMs: ReadonlyMap<string, number>): void {
    const { clock, kinesis } = this.fleet
    const { shardId } = records[0]!
    const ageMs = clock.now() - (heldMs.get(shardId) ?? Number.NEGATIVE_INFINITY)
    if (ageMs > failoverTimeMs)
      this.#violation ??= `a handler began ${ageMs} ms after ${shardId} was last renewed`
    const byId = new Map(kinesis.shards.map(shard => [shard.id, shard]))
    const ancestors = (shard: FakeShard): FakeShard[] =>
      shard.parents.flatMap(id => [byId.get(id)!, ...ancestors(byId.get(id)!)])
    const before = new Set(ancestors(byId.get(shardId)!).map(({ id }) => id))
    const early = this.put.find(({ shardId: id, text }) => before.has(id) && !this.#delivered.has(text))
    if (early !== undefined) this.#violation ??= `${shardId} came before ${early.text} of ${early.shardId}`
  }
}

const runs = seeds(300)
const completed = { kcl2: 0, kcl3: 0 }

afterAll(() => {
  for (const [protocol, count] of Object.entries(completed)) {
    console.log(`${protocol}: ${count} of ${runs} seeds`)
  }
})

describe('workers that come, go, stand still and die while the stream is resharded and services fail', () => {
  it.each(['kcl2', 'kcl3'] as const)(
    'deliver every record at least once, each shard in order and behind its parents, and cover the stream (%s)',
    async protocol => {
      await fc.assert(
        fc.asyncProperty(scenario, async ({ shards, before, workers, steps }) => {
          const simulation = new Simulation(shards, protocol)
          for (const { kind, pick } of before) await simulation.take(kind, pick)
          for (let count = 0; count < workers; count += 1) simulation.start()
          for (const { kind, pick } of steps) await simulation.take(kind, pick)
          await simulation.quiesce()
          simulation.check()
          await simulation.end()
          completed[protocol] += 1
        }),
        { numRuns: runs }
      )
    },
    3_600_000
  )
})
