import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  InvalidOptionError,
  KeyUnavailableError,
  Worker,
  type WorkerOptions,
  type WorkerStats
} from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { deferred } from '../../core/concurrency.ts'
import { ErrorCode, RecordFaultError } from '../../core/errors.ts'
import type { DeadLetter, RecordSink } from '../../core/record-sink.ts'
import { noKeyStats, type RecordOpener, type SealingKeyring } from '../../core/record-transform.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { frame } from '../helpers/aggregation-oracles.ts'
import { settle } from '../helpers/fake-clock.ts'
import { FakeKinesis, serviceError } from '../helpers/fake-kinesis.ts'
import { MemoryLeaseTable } from '../helpers/memory-lease-table.ts'
import { type RunningWorker, TestFleet } from '../helpers/worker-fleet.ts'

const shard0 = 'shardId-000000000000'
const shard1 = 'shardId-000000000001'
const shard2 = 'shardId-000000000002'

function balance({ read, processed, deadLettered, filtered, inHand }: WorkerStats): void {
  expect(read).toBe(processed + deadLettered + filtered + inHand)
  expect(inHand).toBeGreaterThanOrEqual(0)
}

function fleetOf(shards = 1): TestFleet & { add: TestFleet['start'] } {
  const fleet = new TestFleet(shards)
  const add = (workerId: string, options?: Partial<WorkerOptions>): RunningWorker => {
    const running = fleet.start(workerId, options)
    onTestFinished(async () => {
      balance(running.worker.stats)
      running.stop.abort()
      for (let step = 0; step < 100 && running.outcome() === undefined; step += 1) {
        await fleet.clock.advance(1_000)
      }
      expect(running.outcome()).toBeDefined()
      expect(running.worker.stats.inHand).toBe(0)
      balance(running.worker.stats)
    })
    return running
  }
  return Object.assign(fleet, { add })
}

const put = ({ kinesis }: TestFleet, texts: readonly string[], shard = 0): string[] =>
  texts.map(text => kinesis.store(Buffer.from(text), kinesis.shards[shard]!))

function aggregateOf(...texts: readonly string[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  for (const text of texts) builder.add('key', undefined, Buffer.from(text))
  return builder.encode()
}

/** A keyring whose openers do what the test says; sealed is what begins with `!`. */
function keyringThat(open: (text: string) => Uint8Array | Promise<Uint8Array>): SealingKeyring {
  const opener: RecordOpener = {
    isSealed: data => data[0] === 0x21,
    open: data => open(Buffer.from(data).toString()),
    keyStats: noKeyStats,
    close() {}
  }
  return { createOpener: () => opener, createSealer: () => expect.unreachable() }
}

describe('reading', () => {
  it('hands every record on in the order of its shard, and checkpoints behind the handler', async () => {
    const fleet = fleetOf(2)
    put(fleet, ['a', 'b'], 0)
    put(fleet, ['c'], 1)
    const { worker } = fleet.add('w1')
    await fleet.clock.advance(1_500)
    const last = put(fleet, ['d'], 0).at(-1)
    await fleet.clock.advance(1_500)
    expect(fleet.texts(shard0)).toEqual(['a', 'b', 'd'])
    expect(fleet.texts(shard1)).toEqual(['c'])
    expect(fleet.checkpointOf(shard0)).toBe(`${last}/0`)
    expect(worker.stats).toMatchObject({ read: 4, processed: 4, inHand: 0, leasesHeld: 2, checkpoints: 3 })
  })

  it('hands on as it is, once, what begins as an aggregate does and is none, and counts it', async () => {
    const fleet = fleetOf()
    const altered = aggregateOf('a', 'b')
    altered[altered.length - 1]! ^= 1
    fleet.kinesis.store(altered)
    fleet.kinesis.store(altered.subarray(0, 4))
    const { worker } = fleet.add('w1')
    await fleet.clock.advance(2_000)
    expect(fleet.handled).toHaveLength(2)
    expect(worker.stats).toMatchObject({ processed: 2, malformedAggregates: 1 })
  })

  it('writes no checkpoint for empty reads', async () => {
    const fleet = fleetOf()
    const { worker } = fleet.add('w1')
    await fleet.clock.advance(10_000)
    expect(worker.stats).toMatchObject({ read: 0, checkpoints: 0 })
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
  })

  it('begins in the middle of an aggregate, behind the checkpoint', async () => {
    const fleet = fleetOf()
    const names = Array.from({ length: 8 }, (_, index) => `user-${index}`)
    const sequenceNumber = fleet.kinesis.store(aggregateOf(...names))
    await fleet.add('first').worker.shutdown()
    const row = fleet.table.rows.get(shard0)!
    fleet.table.rows.set(shard0, { ...row, checkpoint: { sequenceNumber, subSequenceNumber: 3 } })
    const { worker } = fleet.add('w1')
    await fleet.clock.advance(2_000)
    expect(fleet.texts()).toEqual(['user-4', 'user-5', 'user-6', 'user-7'])
    expect(fleet.handled[0]).toMatchObject({ sequenceNumber, subSequenceNumber: 4 })
    expect(fleet.checkpointOf(shard0)).toBe(`${sequenceNumber}/7`)
    expect(worker.stats).toMatchObject({ read: 8, processed: 4, filtered: 4 })
  })

  it('moves the checkpoint past an aggregate of no user records', async () => {
    const fleet = fleetOf()
    const sequenceNumber = fleet.kinesis.store(frame(Buffer.from('0a016b', 'hex')))
    fleet.add('w1')
    await fleet.clock.advance(2_000)
    expect(fleet.texts()).toEqual([])
    expect(fleet.checkpointOf(shard0)).toBe(`${sequenceNumber}/0`)
  })

  it('goes on where the former life stopped: nothing twice after an orderly end', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    fleet.kinesis.store(aggregateOf('b', 'c'))
    const first = fleet.add('w1')
    await fleet.clock.advance(2_000)
    first.stop.abort()
    await fleet.clock.advance(100)
    expect(first.outcome()).toBe('stopped')
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBeUndefined()
    put(fleet, ['d'])
    fleet.add('w2')
    await fleet.clock.advance(2_000)
    expect(fleet.texts()).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('resharding', () => {
  it('reads a parent to its end, makes the children’s leases first, and then reads the children', async () => {
    const fleet = fleetOf()
    put(fleet, ['parent'])
    fleet.add('w1')
    await fleet.clock.advance(1_500)
    put(fleet, ['last of parent'])
    const created: string[] = []
    const create = fleet.table.create.bind(fleet.table)
    fleet.table.create = async lease => {
      created.push(`${lease.leaseKey} while ${fleet.checkpointOf(shard0)}`)
      return create(lease)
    }
    const [left, right] = fleet.kinesis.split(fleet.kinesis.shards[0]!)
    put(fleet, ['left'], 1)
    put(fleet, ['right'], 2)
    await fleet.clock.advance(5_000)
    expect(fleet.texts()).toEqual(['parent', 'last of parent', expect.any(String), expect.any(String)])
    expect(fleet.texts().slice(2).sort()).toEqual(['left', 'right'])
    expect(created).toEqual([`${shard1} while 2/0`, `${shard2} while 2/0`])
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      checkpoint: { sequenceNumber: 'SHARD_END' },
      childShardIds: [shard1, shard2],
      leaseOwner: undefined
    })
    for (const child of [left, right]) {
      expect(fleet.table.rows.get(child.id)).toMatchObject({
        parentShardIds: [shard0],
        hashKeyRange: { start: child.start, end: child.end }
      })
    }
    expect(fleet.eventsOf('shardEnded')).toMatchObject([{ shardId: shard0, childShardIds: [shard1, shard2] }])
  })

  it('waits at a merge for the slower parent, also when another worker holds it', async () => {
    const fleet = fleetOf(2)
    const release = deferred<void>()
    let isSlow = true
    const slow = async (workerId: string, records: Parameters<TestFleet['record']>[1]): Promise<void> => {
      if (isSlow && records.some(({ shardId }) => shardId === shard1)) await release.promise
      fleet.record(workerId, records)
    }
    for (const id of ['w1', 'w2']) fleet.add(id, { eachBatch: records => slow(id, records) })
    await fleet.clock.advance(15_000)
    expect(new Set([...fleet.table.rows.values()].map(({ leaseOwner }) => leaseOwner)).size).toBe(2)
    put(fleet, ['left'], 0)
    put(fleet, ['right'], 1)
    fleet.kinesis.merge(fleet.kinesis.shards[0]!, fleet.kinesis.shards[1]!)
    put(fleet, ['merged'], 2)
    await fleet.clock.advance(30_000)
    expect(fleet.texts()).toEqual(['left'])
    expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
    expect(fleet.checkpointOf(shard2)).toBe('TRIM_HORIZON/0')
    isSlow = false
    release.resolve()
    await fleet.clock.advance(15_000)
    // The lease of the slow shard may have been stolen to even out the load: then its batch comes twice.
    expect([...new Set(fleet.texts())]).toEqual(['left', 'right', 'merged'])
    expect(fleet.checkpointOf(shard1)).toBe('SHARD_END/0')
  })

  it('catches up on splits that happened while nobody worked: grandparent, children, grandchildren', async () => {
    const fleet = fleetOf()
    put(fleet, ['one'])
    const first = fleet.add('w1')
    await fleet.clock.advance(2_000)
    first.stop.abort()
    await fleet.clock.advance(100)
    put(fleet, ['two'])
    const [left] = fleet.kinesis.split(fleet.kinesis.shards[0]!)
    put(fleet, ['three'], 1)
    fleet.kinesis.split(left)
    put(fleet, ['four'], 3)
    fleet.add('w2')
    await fleet.clock.advance(30_000)
    expect(fleet.texts()).toEqual(['one', 'two', 'three', 'four'])
  })

  it('finds the children by listing on an engine that does not name them', async () => {
    const fleet = fleetOf()
    fleet.kinesis.namesChildren = false
    put(fleet, ['parent'])
    fleet.add('w1')
    await fleet.clock.advance(1_500)
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    put(fleet, ['child'], 1)
    await fleet.clock.advance(10_000)
    expect(fleet.texts()).toEqual(['parent', 'child'])
  })
})

describe('a handler that fails', () => {
  it('gets the same batch again, and the checkpoint never passes it', async () => {
    const fleet = fleetOf()
    const failing = new Set(['b'])
    put(fleet, ['a'])
    const { worker } = fleet.add('w1', {
      eachBatch(records) {
        fleet.record('w1', records)
        if (records.some(({ data }) => failing.has(Buffer.from(data).toString()))) throw new Error('secret')
      }
    })
    await fleet.clock.advance(1_500)
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
    put(fleet, ['b', 'c'])
    await fleet.clock.advance(60_000)
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
    expect(worker.stats).toMatchObject({ read: 3, processed: 1, inHand: 2 })
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBe('w1')
    const failures = fleet.eventsOf('batchFailed')
    expect(failures.length).toBeGreaterThan(5)
    expect(failures[0]).toMatchObject({
      attempt: 1,
      errorCode: 'SEALSTREAM_PROCESSOR_FAILED',
      errorName: 'Error'
    })
    expect(JSON.stringify(failures)).not.toContain('secret')
    failing.clear()
    await fleet.clock.advance(20_000)
    expect(fleet.texts().slice(-2)).toEqual(['b', 'c'])
    expect(fleet.checkpointOf(shard0)).toBe('3/0')
  })

  it('holds its shard while it hangs; the lease is renewed and other shards go on', async () => {
    const fleet = fleetOf(2)
    const hanging = deferred<void>()
    put(fleet, ['hangs'], 0)
    const { worker } = fleet.add('w1', {
      eachBatch: async records => {
        if (records[0]?.shardId === shard0) await hanging.promise
        fleet.record('w1', records)
      }
    })
    await fleet.clock.advance(30_000)
    put(fleet, ['other'], 1)
    await fleet.clock.advance(30_000)
    expect(fleet.texts()).toEqual(['other'])
    expect(worker.stats).toMatchObject({ leasesHeld: 2, inHand: 1 })
    expect(fleet.eventsOf('leaseLost')).toEqual([])
    hanging.resolve()
    await fleet.clock.advance(2_000)
    expect(fleet.texts()).toEqual(['other', 'hangs'])
  })
})

describe('a sink', () => {
  it('gets the records, and what it cannot deliver is dead-lettered as received, one letter per Kinesis record', async () => {
    const fleet = fleetOf()
    const letters: DeadLetter[] = []
    let isClosed = false
    const sink: RecordSink = {
      async deliver(records) {
        fleet.record('w1', records)
        return records
          .filter(({ data }) => Buffer.from(data).toString().startsWith('bad'))
          .map(record => ({ record, error: new RecordFaultError(ErrorCode.undeliverable, 'no') }))
      },
      async close() {
        isClosed = true
      }
    }
    const data = aggregateOf('good', 'bad 1', 'bad 2')
    const sequenceNumber = fleet.kinesis.store(data)
    put(fleet, ['fine'])
    const { worker, stop } = fleet.add('w1', {
      sink,
      deadLetters: { put: async letter => void letters.push(letter) }
    })
    await fleet.clock.advance(1_500)
    expect(letters).toEqual([
      {
        streamName: 's',
        shardId: shard0,
        sequenceNumber,
        subSequenceNumbers: [1, 2],
        partitionKey: 'key',
        data,
        approximateArrivalTimestamp: new Date(0),
        errorCode: 'SEALSTREAM_UNDELIVERABLE',
        attempts: 1
      }
    ])
    expect(worker.stats).toMatchObject({ read: 4, processed: 2, deadLettered: 2 })
    stop.abort()
    await fleet.clock.advance(100)
    expect(isClosed).toBe(true)
  })
})

describe('records that cannot be opened', () => {
  const keyring = keyringThat(text => {
    if (text.includes('altered')) throw new RecordFaultError(ErrorCode.authenticationFailed, 'wrong tag')
    return Buffer.from(text.slice(1))
  })

  it('are dead-lettered as received, counted and told; the shard goes on', async () => {
    const fleet = fleetOf()
    const letters: DeadLetter[] = []
    put(fleet, ['!a', '!altered', '!b', 'plaintext'])
    const { worker } = fleet.add('w1', {
      open: { keyring },
      deadLetters: { put: async letter => void letters.push(letter) }
    })
    await fleet.clock.advance(1_500)
    expect(fleet.texts()).toEqual(['a', 'b'])
    expect(letters.map(({ data, errorCode }) => [Buffer.from(data).toString(), errorCode])).toEqual([
      ['!altered', 'SEALSTREAM_AUTHENTICATION_FAILED'],
      ['plaintext', 'SEALSTREAM_PLAINTEXT_REFUSED']
    ])
    expect(fleet.eventsOf('recordFault')).toHaveLength(2)
    expect(worker.stats).toMatchObject({ read: 4, processed: 2, deadLettered: 2 })
    expect(fleet.checkpointOf(shard0)).toBe('4/0')
  })

  it('hold the shard while the store for dead letters fails', async () => {
    const fleet = fleetOf()
    let isDown = true
    const letters: DeadLetter[] = []
    put(fleet, ['!altered', '!b'])
    fleet.add('w1', {
      open: { keyring },
      deadLetters: {
        async put(letter) {
          if (isDown) throw new Error('down')
          letters.push(letter)
        }
      }
    })
    await fleet.clock.advance(60_000)
    expect(fleet.texts()).toEqual([])
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    isDown = false
    await fleet.clock.advance(20_000)
    expect(letters).toHaveLength(1)
    expect(fleet.texts()).toEqual(['b'])
  })

  it('end the worker when there is no store: nothing is skipped, and the lease is free', async () => {
    const fleet = fleetOf(2)
    put(fleet, ['!altered'])
    const { outcome } = fleet.add('w1', { open: { keyring } })
    await fleet.clock.advance(2_000)
    expect(outcome()).toMatchObject({
      code: 'SEALSTREAM_PROCESSOR_FAILED',
      shardId: shard0,
      sequenceNumber: '1',
      cause: { code: 'SEALSTREAM_AUTHENTICATION_FAILED' }
    })
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    for (const { leaseOwner } of fleet.table.rows.values()) expect(leaseOwner).toBeUndefined()
  })
})

describe('a key that cannot be had', () => {
  it('holds the shard and its checkpoint, says so once, and goes on by itself', async () => {
    const fleet = fleetOf(2)
    let isDown = true
    const keyring = keyringThat(text =>
      isDown && text !== '!other'
        ? Promise.reject(new KeyUnavailableError('down', { serviceCode: 'DisabledException' }))
        : Buffer.from(text.slice(1))
    )
    put(fleet, ['!a', '!b'], 0)
    put(fleet, ['!other'], 1)
    const letters: DeadLetter[] = []
    const { worker } = fleet.add('w1', {
      open: { keyring },
      deadLetters: { put: async letter => void letters.push(letter) }
    })
    await fleet.clock.advance(60_000)
    expect(fleet.texts()).toEqual(['other'])
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    expect(worker.stats).toMatchObject({ leasesHeld: 2, deadLettered: 0 })
    expect(fleet.eventsOf('keyUnavailable')).toMatchObject([
      { shardId: shard0, serviceCode: 'DisabledException' }
    ])
    isDown = false
    await fleet.clock.advance(10_000)
    expect(fleet.texts(shard0)).toEqual(['a', 'b'])
    expect(fleet.eventsOf('keyAvailable')).toMatchObject([{ shardId: shard0 }])
    expect(letters).toEqual([])
  })

  it('is asked for by all records of a read beside each other, and again when it is back', async () => {
    const fleet = fleetOf()
    let waiting: { resolve(value: Uint8Array): void; text: string }[] = []
    let isDown = true
    let asked = 0
    const keyring = keyringThat(text => {
      asked += 1
      if (isDown) return Promise.reject(new KeyUnavailableError('down'))
      const { promise, resolve } = deferred<Uint8Array>()
      waiting.push({ resolve, text })
      return promise
    })
    const texts = Array.from({ length: 200 }, (_, index) => `!${index}`)
    put(fleet, texts)
    fleet.add('w1', { open: { keyring } })
    await fleet.clock.advance(1_000)
    expect(asked).toBeGreaterThanOrEqual(200)
    isDown = false
    waiting = []
    await fleet.clock.advance(10_000)
    // The first alone finds out that the key is back; then all others come together.
    for (const round of [1, 199]) {
      expect(waiting).toHaveLength(round)
      for (const { resolve, text } of waiting.splice(0)) resolve(Buffer.from(text.slice(1)))
      await settle()
    }
    expect(fleet.texts()).toEqual(texts.map(text => text.slice(1)))
  })

  it('does not keep the worker from stopping', async () => {
    const fleet = fleetOf()
    put(fleet, ['!a'])
    const keyring = keyringThat(() => Promise.reject(new KeyUnavailableError('down')))
    const { stop, outcome } = fleet.add('w1', { open: { keyring } })
    await fleet.clock.advance(10_000)
    stop.abort()
    await fleet.clock.advance(100)
    expect(outcome()).toBe('stopped')
    expect(fleet.table.rows.get(shard0)).toMatchObject({ leaseOwner: undefined })
  })

  it('opens what a real keyring sealed', async () => {
    const fleet = fleetOf()
    const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
    const sealer = keyring.createSealer({ streamName: 's', context: { pipeline: 'p' } })
    fleet.kinesis.store(await sealer.seal(aggregateOf('a', 'b')))
    sealer.close()
    fleet.add('w1', { open: { keyring, context: { pipeline: 'p' } } })
    await fleet.clock.advance(1_500)
    expect(fleet.texts()).toEqual(['a', 'b'])
  })
})

describe('shutdown', () => {
  it('finishes what is in hand, checkpoints it, and frees the leases', async () => {
    const fleet = fleetOf()
    const working = deferred<void>()
    put(fleet, ['a'])
    const { stop, outcome } = fleet.add('w1', {
      eachBatch: async records => {
        await working.promise
        fleet.record('w1', records)
      }
    })
    await fleet.clock.advance(1_000)
    stop.abort()
    await fleet.clock.advance(5_000)
    expect(outcome()).toBeUndefined()
    // Nobody may take the lease in the meantime.
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBe('w1')
    working.resolve()
    await fleet.clock.advance(100)
    expect(outcome()).toBe('stopped')
    expect(fleet.texts()).toEqual(['a'])
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      leaseOwner: undefined,
      checkpoint: { sequenceNumber: '1' }
    })
    expect(fleet.eventsOf('leaseReleased')).toHaveLength(1)
    expect(fleet.eventsOf('leaseLost')).toEqual([])
  })

  it('aborts the handler’s signal when its time is over; what it did not finish is not counted', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const { stop, outcome, worker } = fleet.add('w1', {
      shutdownTimeoutMs: 5_000,
      eachBatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
    })
    await fleet.clock.advance(1_000)
    stop.abort()
    await fleet.clock.advance(4_900)
    expect(outcome()).toBeUndefined()
    await fleet.clock.advance(200)
    expect(outcome()).toBe('stopped')
    expect(worker.stats).toMatchObject({ read: 0, processed: 0, inHand: 0 })
    expect(fleet.table.rows.get(shard0)).toMatchObject({
      leaseOwner: undefined,
      checkpoint: { sequenceNumber: 'TRIM_HORIZON' }
    })
  })

  it('leaves a handler behind that ignores its signal', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const never = deferred<void>()
    const { stop, outcome } = fleet.start('w1', {
      shutdownTimeoutMs: 5_000,
      eachBatch: () => never.promise
    })
    await fleet.clock.advance(1_000)
    stop.abort()
    await fleet.clock.advance(9_900)
    expect(outcome()).toBeUndefined()
    await fleet.clock.advance(200)
    expect(outcome()).toBe('stopped')
    never.resolve()
  })

  it('ends at once before it began, and runs once only', async () => {
    const fleet = fleetOf()
    const worker = new Worker({
      applicationName: 'app',
      streamName: 's',
      initialPosition: 'LATEST',
      kinesis: { port: fleet.kinesis },
      leaseTable: fleet.table,
      clock: fleet.clock,
      eachBatch() {}
    })
    await worker.run({ signal: AbortSignal.abort() })
    expect(fleet.table.rows.size).toBe(0)
    await expect(worker.run()).rejects.toMatchObject({ code: 'SEALSTREAM_CLOSED' })
    await worker.shutdown()
  })
})

describe('a lease that is lost', () => {
  it('aborts the handler’s signal, writes nothing, and leaves the batch to the next owner', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const reasons: unknown[] = []
    const { worker } = fleet.add('w1', {
      eachBatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            reject(new Error('given up'))
          })
        })
    })
    await fleet.clock.advance(1_000)
    const row = fleet.table.rows.get(shard0)!
    fleet.table.rows.set(shard0, { ...row, leaseOwner: 'thief', leaseCounter: row.leaseCounter + 1 })
    await fleet.clock.advance(5_000)
    expect(reasons).toMatchObject([{ code: 'SEALSTREAM_LEASE_LOST', leaseKey: shard0 }])
    expect(worker.stats).toMatchObject({ read: 0, processed: 0, inHand: 0, leasesHeld: 0 })
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBe('thief')
    // The thief is silent: the lease comes back, and so does the record.
    await fleet.clock.advance(15_000)
    expect(worker.stats).toMatchObject({ leasesHeld: 1, inHand: 1 })
  })

  it('is taken over from a dead worker, from its checkpoint on', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const isolated = Object.assign(new MemoryLeaseTable(), { rows: fleet.table.rows })
    fleet.add('w1', { leaseTable: isolated })
    await fleet.clock.advance(1_500)
    // As good as dead: none of its writes arrives, and its reads fail.
    isolated.fail = () => serviceError('TimeoutError')
    const getRecords = fleet.kinesis.getRecords.bind(fleet.kinesis)
    fleet.kinesis.getRecords = async (input, options) => {
      if (fleet.table.rows.get(shard0)?.leaseOwner === 'w1') throw serviceError('TimeoutError')
      return getRecords(input, options)
    }
    put(fleet, ['b'])
    fleet.add('w2')
    await fleet.clock.advance(30_000)
    expect(fleet.handled.map(({ workerId, text }) => `${workerId} ${text}`)).toEqual(['w1 a', 'w2 b'])
    isolated.fail = undefined
  })

  it('keeps trying to write a checkpoint while DynamoDB is throttled', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    let throttled = 3
    fleet.table.fail = operation =>
      operation === 'checkpoint' && throttled-- > 0
        ? new ServiceError('dynamodb', 'UpdateItem', serviceError('ThrottlingException', 400))
        : undefined
    fleet.add('w1')
    await fleet.clock.advance(5_000)
    expect(fleet.texts()).toEqual(['a'])
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
    expect(fleet.eventsOf('callFailed')).toHaveLength(3)
  })
})

describe('what keeps a worker from starting, and what ends it', () => {
  it('is a stream that is not there', async () => {
    const fleet = fleetOf()
    fleet.kinesis.failListing = () => serviceError('ResourceNotFoundException', 400)
    const { outcome } = fleet.add('w1')
    await settle()
    expect(outcome()).toMatchObject({ service: 'kinesis', operation: 'ListShards', failure: 'notFound' })
  })

  it('is a stream that goes away', async () => {
    const fleet = fleetOf(2)
    const { outcome } = fleet.add('w1')
    await fleet.clock.advance(2_000)
    fleet.kinesis.failRead = () => serviceError('ResourceNotFoundException', 400)
    await fleet.clock.advance(5_000)
    expect(outcome()).toMatchObject({ service: 'kinesis', failure: 'notFound' })
    for (const { leaseOwner } of fleet.table.rows.values()) expect(leaseOwner).toBeUndefined()
  })
})

describe('options', () => {
  const good: WorkerOptions = {
    applicationName: 'app',
    streamName: 's',
    initialPosition: 'LATEST',
    kinesis: { port: new FakeKinesis() },
    leaseTable: new MemoryLeaseTable(),
    eachBatch() {}
  }

  it.each([
    [{ applicationName: '' }, 'applicationName'],
    [{ streamName: undefined }, 'streamName'],
    [{ initialPosition: undefined }, 'initialPosition'],
    [{ initialPosition: 'OLDEST' }, 'initialPosition'],
    [{ initialPosition: { timestamp: new Date(Number.NaN) } }, 'initialPosition'],
    [{ sink: { deliver() {}, close() {} } }, 'sink'],
    [{ eachRecord: () => {} }, 'eachRecord'],
    [{ eachBatch: 'function' }, 'eachBatch'],
    [{ failurePolicy: { maxAttempts: 0 } }, 'failurePolicy.maxAttempts'],
    [{ failurePolicy: { lastResort: 'dead-letter' } }, 'failurePolicy.lastResort'],
    [{ failurePolicy: { retries: 3 } }, 'failurePolicy.retries'],
    [{ handlerTimeoutMs: 1 }, 'handlerTimeoutMs'],
    [{ checkpoints: 'never' }, 'checkpoints'],
    [{ filterOutOfRange: 'yes' }, 'filterOutOfRange'],
    [{ failoverTimeMs: 999 }, 'failoverTimeMs'],
    [{ idleTimeBetweenReadsMs: 199 }, 'idleTimeBetweenReadsMs'],
    [{ maxLeases: 0 }, 'maxLeases'],
    [{ maxRecordsPerRead: 10_001 }, 'maxRecordsPerRead'],
    [{ shutdownTimeoutMs: -1 }, 'shutdownTimeoutMs'],
    [{ open: {} }, 'open.keyring'],
    [{ open: { keyring: keyringThat(() => Buffer.alloc(0)), strict: true } }, 'open.strict'],
    [{ kinesis: { endpoint: 'x' } }, 'kinesis.endpoint'],
    [{ onRecord() {} }, 'onRecord']
  ])('refuses %j by name', (options, option) => {
    const make = (): unknown => new Worker({ ...good, ...options } as never)
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(expect.objectContaining({ option }))
  })

  it('gives every worker an id of its own', () => {
    expect(new Worker(good).workerId).not.toBe(new Worker(good).workerId)
  })
})
