import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ConsumedBatch,
  type RecordProcessor,
  type RecordProcessorFactory,
  Worker,
  type WorkerOptions
} from '../../consumer/index.ts'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { deferred } from '../../core/concurrency.ts'
import { KeyUnavailableError } from '../../core/errors.ts'
import { MetricsRecorder } from '../../core/metrics.ts'
import type { DeadLetter, RecordSink } from '../../core/record-sink.ts'
import type { ConsumedRecord } from '../../core/user-record.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { settle } from '../helpers/fake-clock.ts'
import { FakeKinesis } from '../helpers/fake-kinesis.ts'
import { numberedScenarios } from '../helpers/numbered-scenarios.ts'
import { type RunningWorker, TestFleet } from '../helpers/worker-fleet.ts'

const shard0 = 'shardId-000000000000'
const { scenario, complete } = numberedScenarios('handlers', [32, 33, 34, 35, 36, 37, 42])

function fleetOf(shards = 1): TestFleet & { add: TestFleet['start'] } {
  const fleet = new TestFleet(shards)
  const add = (workerId: string, options?: Partial<WorkerOptions>): RunningWorker => {
    const running = fleet.start(workerId, options)
    onTestFinished(async () => {
      running.stop.abort()
      for (let step = 0; step < 100 && running.outcome() === undefined; step += 1) {
        await fleet.clock.advance(1_000)
      }
      expect(running.outcome()).toBeDefined()
      const { read, processed, deadLettered, filtered, inHand } = running.worker.stats
      expect({ inHand, read }).toEqual({ inHand: 0, read: processed + deadLettered + filtered })
    })
    return running
  }
  return Object.assign(fleet, { add })
}

const put = ({ kinesis }: TestFleet, texts: readonly string[], shard = 0): string[] =>
  texts.map(text => kinesis.store(Buffer.from(text), kinesis.shards[shard]!))
const textOf = ({ data }: ConsumedRecord): string => Buffer.from(data).toString()
const aggregateOf = (...texts: readonly string[]): Buffer => {
  const builder = new AggregatedRecordBuilder()
  for (const text of texts) builder.add('key', undefined, Buffer.from(text))
  return builder.encode()
}
const letterBox = () => {
  const letters: DeadLetter[] = []
  return { letters, deadLetters: { put: async (letter: DeadLetter) => void letters.push(letter) } }
}

describe('eachRecord', () => {
  it('hands one record over at a time; one that fails comes again, and those before it do not', async () => {
    const fleet = fleetOf()
    put(fleet, ['a', 'b', 'c'])
    const seen: string[] = []
    let failures = 2
    const { worker } = fleet.add('w1', {
      eachRecord: record => {
        seen.push(textOf(record))
        if (textOf(record) === 'b' && failures > 0) {
          failures -= 1
          throw new Error('not yet')
        }
      }
    })
    await fleet.clock.advance(5_000)
    expect(seen).toEqual(['a', 'b', 'b', 'b', 'c'])
    expect(worker.stats).toMatchObject({ read: 3, processed: 3, retries: 2 })
    expect(fleet.checkpointOf(shard0)).toBe('3/0')
  })
})

describe('the failure policy', () => {
  const failsOn = (seen: string[][], bad: readonly string[]) => (records: readonly ConsumedRecord[]) => {
    seen.push(records.map(textOf))
    if (records.some(record => bad.includes(textOf(record)))) throw new Error('bad record among them')
  }

  it('halves a batch that failed often enough, and dead-letters the culprits alone, as received', async () => {
    const fleet = fleetOf()
    const data = aggregateOf('a', 'bad', 'c', 'd')
    const sequenceNumber = fleet.kinesis.store(data)
    put(fleet, ['e', 'worse', 'g', 'h'])
    const seen: string[][] = []
    const { letters, deadLetters } = letterBox()
    const { worker } = fleet.add('w1', {
      eachBatch: failsOn(seen, ['bad', 'worse']),
      deadLetters,
      failurePolicy: { maxAttempts: 3 }
    })
    await fleet.clock.advance(30_000)
    expect(letters).toMatchObject([
      {
        sequenceNumber,
        subSequenceNumbers: [1],
        data,
        errorCode: 'SEALSTREAM_PROCESSOR_FAILED',
        attempts: 3
      },
      { sequenceNumber: '3', data: Buffer.from('worse'), attempts: 3 }
    ])
    expect(worker.stats).toMatchObject({ read: 8, processed: 6, deadLettered: 2 })
    expect(seen.slice(0, 3).map(({ length }) => length)).toEqual([8, 8, 8])
    // In order, and what was processed does not come again.
    const done = seen.filter(batch => !batch.includes('bad') && !batch.includes('worse')).flat()
    expect(done).toEqual(['a', 'c', 'd', 'e', 'g', 'h'])
    expect(fleet.checkpointOf(shard0)).toBe('5/0')
  })

  it('takes the positions that a batch handler returns, and hands over no others again', async () => {
    const fleet = fleetOf()
    put(fleet, ['a', 'b', 'c'])
    const seen: string[][] = []
    const { letters, deadLetters } = letterBox()
    const { worker } = fleet.add('w1', {
      deadLetters,
      failurePolicy: { maxAttempts: 2 },
      eachBatch: records => {
        seen.push(records.map(textOf))
        return records.filter(record => textOf(record) !== 'b')
      }
    })
    await fleet.clock.advance(5_000)
    expect(seen).toEqual([
      ['a', 'b', 'c'],
      ['a', 'c']
    ])
    expect(letters.map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'c'])
    expect(worker.stats).toMatchObject({ processed: 1, deadLettered: 2 })
  })

  it('stops the worker when told to, with the checkpoint before the batch', async () => {
    const fleet = fleetOf()
    put(fleet, ['fine'])
    const { outcome } = fleet.add('w1', {
      eachBatch: failsOn([], ['bad']),
      failurePolicy: { maxAttempts: 2, lastResort: 'stop' }
    })
    await fleet.clock.advance(2_000)
    put(fleet, ['bad'])
    await fleet.clock.advance(5_000)
    expect(outcome()).toMatchObject({ code: 'SEALSTREAM_PROCESSOR_FAILED', sequenceNumber: '2' })
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBeUndefined()
  })

  it('counts no attempt while a service that the handler uses is away', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const { letters, deadLetters } = letterBox()
    let down = true
    const { worker } = fleet.add('w1', {
      deadLetters,
      failurePolicy: { maxAttempts: 1 },
      eachBatch: () => {
        if (down) throw new KeyUnavailableError('away')
      }
    })
    await fleet.clock.advance(60_000)
    expect(letters).toEqual([])
    down = false
    await fleet.clock.advance(20_000)
    expect(worker.stats).toMatchObject({ processed: 1, deadLettered: 0 })
  })

  scenario(
    36,
    'by default hands the same batch over again for ever; the checkpoint never passes it',
    async () => {
      const fleet = fleetOf()
      put(fleet, ['a'])
      const seen: string[][] = []
      fleet.add('w1', { eachBatch: failsOn(seen, ['a']) })
      await fleet.clock.advance(300_000)
      expect(seen.length).toBeGreaterThan(20)
      expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    }
  )
})

/** Records every callback, with what it was given. */
function recordingProcessor(
  calls: string[],
  overrides: Partial<RecordProcessor> = {}
): RecordProcessorFactory {
  return ({ shardId }) => {
    const note = (text: string): void => void calls.push(`${shardId.slice(-1)} ${text}`)
    return {
      initialize: ({ checkpoint }) => note(`initialize ${checkpoint.sequenceNumber}`),
      processRecords: ({ records }) => note(`process ${records.map(textOf).join(',')}`),
      shardEnded: () => note('shardEnded'),
      shutdownRequested: () => note('shutdownRequested'),
      leaseLost: () => note('leaseLost'),
      ...overrides
    }
  }
}

describe('a record processor', () => {
  it('is called as the KCL calls it, from initialize to shutdownRequested', async () => {
    const fleet = fleetOf()
    put(fleet, ['a', 'b'])
    const calls: string[] = []
    const { stop } = fleet.add('w1', { processor: recordingProcessor(calls) })
    await fleet.clock.advance(2_000)
    stop.abort()
    await fleet.clock.advance(1_000)
    expect(calls).toEqual(['0 initialize TRIM_HORIZON', '0 process a,b', '0 shutdownRequested'])
    // It has checkpointed nothing.
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBeUndefined()
  })

  it('is told of the end of its shard before the children begin, and the shard is finished for it', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const calls: string[] = []
    fleet.add('w1', { processor: recordingProcessor(calls) })
    await fleet.clock.advance(2_000)
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    put(fleet, ['b'], 1)
    await fleet.clock.advance(10_000)
    expect(calls.indexOf('0 shardEnded')).toBeLessThan(calls.indexOf('1 initialize TRIM_HORIZON'))
    expect(calls).toContain('1 process b')
    expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
  })

  it('is told when its lease is lost, and cannot checkpoint any more', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const calls: string[] = []
    let late: Promise<void> | undefined
    const held = deferred<void>()
    fleet.add('w1', {
      processor: recordingProcessor(calls, {
        async processRecords({ checkpointer, signal }) {
          await held.promise
          expect(signal.aborted).toBe(true)
          late = checkpointer.checkpoint()
          await late
        }
      })
    })
    await fleet.clock.advance(2_000)
    const row = fleet.table.rows.get(shard0)!
    fleet.table.rows.set(shard0, { ...row, leaseOwner: 'thief', leaseCounter: row.leaseCounter + 1 })
    await fleet.clock.advance(5_000)
    held.resolve()
    await settle()
    await expect(late).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
    await fleet.clock.advance(1_000)
    expect(calls).toContain('0 leaseLost')
    expect(calls).not.toContain('0 shutdownRequested')
  })

  it('is initialized again when that failed, and never processed before', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const calls: string[] = []
    let failures = 2
    fleet.add('w1', {
      processor: recordingProcessor(calls, {
        initialize() {
          calls.push('initialize')
          if (failures-- > 0) throw new Error('not yet')
        }
      })
    })
    await fleet.clock.advance(10_000)
    expect(calls).toEqual(['initialize', 'initialize', 'initialize', '0 process a'])
    expect(fleet.eventsOf('callbackFailed')).toMatchObject([
      { callback: 'initialize', errorName: 'Error' },
      { callback: 'initialize' }
    ])
  })

  scenario(
    32,
    'checkpoints between the last checkpoint and what it was given, and nowhere else',
    async () => {
      const fleet = fleetOf()
      fleet.kinesis.store(aggregateOf('a', 'b', 'c', 'd'))
      const outcomes: unknown[] = []
      const attempt = async (write: Promise<void>): Promise<void> =>
        void outcomes.push(
          await write.then(
            () => fleet.checkpointOf(shard0),
            (error: { code: string }) => error.code
          )
        )
      const { worker } = fleet.add('w1', {
        processor: () => ({
          async processRecords({ checkpointer, records }) {
            const at = (sequenceNumber: string, subSequenceNumber: number) =>
              checkpointer.checkpoint({ sequenceNumber, subSequenceNumber })
            await attempt(checkpointer.checkpoint(records[1]))
            await attempt(at('1', 0))
            await attempt(at('1', 4))
            await attempt(at('2', 0))
            await attempt(at('1', -1))
            await attempt(at('one', 0))
            const before = worker.stats.checkpoints
            await attempt(at('1', 1))
            expect(worker.stats.checkpoints).toBe(before)
            await attempt(checkpointer.checkpoint())
          }
        })
      })
      await fleet.clock.advance(2_000)
      const rejected = 'SEALSTREAM_CHECKPOINT_REJECTED'
      expect(outcomes).toEqual(['1/1', rejected, rejected, rejected, rejected, rejected, '1/1', '1/3'])
    }
  )

  scenario(33, 'ends its shard by checkpointing the last record once more', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    let last: ConsumedRecord | undefined
    fleet.add('w1', {
      processor: () => ({
        async processRecords({ records, checkpointer }) {
          last = records.at(-1)
          await checkpointer.checkpoint(last)
        },
        async shardEnded({ checkpointer }) {
          await checkpointer.checkpoint(last)
          expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
        }
      })
    })
    await fleet.clock.advance(2_000)
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    await fleet.clock.advance(5_000)
    expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
  })

  scenario(34, 'goes on inside of an aggregate where its checkpoint stands', async () => {
    const fleet = fleetOf()
    fleet.kinesis.store(aggregateOf('0', '1', '2', '3', '4', '5', '6', '7'))
    const first = fleet.add('w1', {
      processor: () => ({
        processRecords: ({ records, checkpointer }) => checkpointer.checkpoint(records[3])
      })
    })
    await fleet.clock.advance(2_000)
    first.stop.abort()
    await fleet.clock.advance(1_000)
    const calls: string[] = []
    fleet.add('w2', { processor: recordingProcessor(calls) })
    await fleet.clock.advance(3_000)
    expect(calls).toEqual(['0 initialize 1', '0 process 4,5,6,7'])
  })
})

describe('for await', () => {
  it('gives batches one by one; each counts as processed when the next is asked for', async () => {
    const fleet = fleetOf(2)
    put(fleet, ['a'], 0)
    put(fleet, ['b'], 1)
    const worker = new Worker({
      applicationName: 'app',
      streamName: 's',
      initialPosition: 'TRIM_HORIZON',
      kinesis: { port: fleet.kinesis },
      leaseTable: fleet.table,
      clock: fleet.clock
    })
    await expect(worker.run()).rejects.toMatchObject({ option: 'eachBatch' })
    const seen: string[] = []
    const stop = new AbortController()
    const done = (async () => {
      for await (const batch of worker.batches({ signal: stop.signal })) {
        await settle()
        expect(worker.stats.processed).toBe(seen.length)
        seen.push(...batch.records.map(textOf))
        await fleet.clock.sleep(500)
      }
    })()
    await fleet.clock.advance(5_000)
    expect(seen.sort()).toEqual(['a', 'b'])
    expect(worker.stats).toMatchObject({ processed: 2, checkpoints: 2 })
    stop.abort()
    await fleet.clock.advance(5_000)
    await done
  })

  it('hands a batch out again when the loop was left in its turn', async () => {
    const fleet = fleetOf()
    put(fleet, ['a'])
    const start = (): AsyncGenerator<ConsumedBatch> =>
      new Worker({
        applicationName: 'app',
        streamName: 's',
        initialPosition: 'TRIM_HORIZON',
        kinesis: { port: fleet.kinesis },
        leaseTable: fleet.table,
        clock: fleet.clock,
        shutdownTimeoutMs: 1_000
      }).batches()
    const left = (async () => {
      for await (const { records } of start()) return records.map(textOf)
      return undefined
    })()
    await fleet.clock.advance(10_000)
    expect(await left).toEqual(['a'])
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    const again = (async () => {
      for await (const { records } of start()) return records.map(textOf)
      return undefined
    })()
    await fleet.clock.advance(10_000)
    expect(await again).toEqual(['a'])
  })
})

describe('a handler that takes long', () => {
  scenario(
    37,
    'is told at its deadline, named, and costs the lease when it never ends; other shards go on',
    async () => {
      const fleet = fleetOf(2)
      put(fleet, ['hangs'], 0)
      const never = deferred<void>()
      let reason: unknown
      fleet.add('w1', {
        handlerTimeoutMs: 2_000,
        stallAfterMs: 3_000,
        maxLeases: 2,
        eachBatch: (records, { signal }) => {
          if (textOf(records[0]!) !== 'hangs') return fleet.record('w1', records)
          signal.addEventListener('abort', () => {
            reason = signal.reason
          })
          return never.promise
        }
      })
      onTestFinished(() => never.resolve())
      await fleet.clock.advance(2_500)
      expect(fleet.eventsOf('handlerOverdue')).toMatchObject([{ shardId: shard0, afterMs: 2_000 }])
      expect(reason).toMatchObject({ code: 'SEALSTREAM_TIMEOUT' })
      put(fleet, ['fine'], 1)
      await fleet.clock.advance(2_000)
      expect(fleet.texts()).toEqual(['fine'])
      expect(fleet.eventsOf('shardStalled')).toMatchObject([{ shardId: shard0, isInHandler: true }])
      expect(fleet.eventsOf('leaseLost')).toMatchObject([{ leaseKey: shard0 }])
      expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
      // Whoever hangs does not take it again; another worker does.
      fleet.add('w2')
      await fleet.clock.advance(40_000)
      expect(fleet.handled.filter(({ text }) => text === 'hangs')).toMatchObject([{ workerId: 'w2' }])
      expect(
        fleet.eventsOf('leaseTaken').filter(event => 'leaseKey' in event && event.leaseKey === shard0)
      ).toMatchObject([{ workerId: 'w1' }, { workerId: 'w2' }])
    }
  )

  it('keeps its lease for as long as it awaits', async () => {
    const fleet = fleetOf()
    put(fleet, ['slow'])
    const done = deferred<void>()
    fleet.add('w1', { eachBatch: () => done.promise })
    fleet.add('w2')
    await fleet.clock.advance(600_000)
    expect(fleet.eventsOf('leaseLost')).toEqual([])
    expect(fleet.table.rows.get(shard0)?.leaseOwner).toBe('w1')
    done.resolve()
    await fleet.clock.advance(2_000)
    expect(fleet.checkpointOf(shard0)).toBe('1/0')
  })
})

describe('a sink', () => {
  it('has several batches in hand; the checkpoint follows the oldest that is not acknowledged', async () => {
    const fleet = fleetOf()
    const pending = new Map<string, () => void>()
    const sink: RecordSink = {
      deliver: records => new Promise(resolve => pending.set(records.map(textOf).join(), () => resolve([]))),
      close: async () => {}
    }
    const { worker } = fleet.add('w1', { sink })
    for (const text of ['a', 'b', 'c']) {
      put(fleet, [text])
      await fleet.clock.advance(1_500)
    }
    expect([...pending.keys()]).toEqual(['a', 'b', 'c'])
    expect(worker.stats).toMatchObject({ read: 3, inHand: 3 })
    pending.get('b')!()
    await settle()
    expect(fleet.checkpointOf(shard0)).toBe('TRIM_HORIZON/0')
    pending.get('a')!()
    await settle()
    expect(fleet.checkpointOf(shard0)).toBe('2/0')
    pending.get('c')!()
    await settle()
    expect(fleet.checkpointOf(shard0)).toBe('3/0')
  })

  it('reads no further than its bytes allow, and ends the shard when all is acknowledged', async () => {
    const fleet = fleetOf()
    const pending: (() => void)[] = []
    const sink: RecordSink = {
      deliver: () => new Promise(resolve => pending.push(() => resolve([]))),
      close: async () => {}
    }
    const { worker } = fleet.add('w1', { sink, maxOutstandingBytes: 1_048_576, maxRecordsPerRead: 1 })
    for (let count = 0; count < 10; count += 1) fleet.kinesis.store(Buffer.alloc(300_000))
    await fleet.clock.advance(30_000)
    expect(pending).toHaveLength(3)
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    for (let acknowledged = 0; acknowledged < 10; acknowledged += 1) {
      expect(fleet.checkpointOf(shard0)).not.toBe('SHARD_END/0')
      pending[acknowledged]!()
      await fleet.clock.advance(10_000)
    }
    expect(fleet.checkpointOf(shard0)).toBe('SHARD_END/0')
    expect(worker.stats).toMatchObject({ processed: 10, inHand: 0 })
  })
})

describe('aggregates across a reshard', () => {
  /** An aggregate with a user record for each half of the hash range, stored in the lower half. */
  function straddling(fleet: TestFleet): void {
    const builder = new AggregatedRecordBuilder()
    builder.add('k', '1', Buffer.from('inside'))
    builder.add('k', String(2n ** 128n - 1n), Buffer.from('outside'))
    builder.add('k', '2', Buffer.from('inside too'))
    fleet.kinesis.store(builder.encode())
  }

  scenario(35, 'are delivered whole by default, and what lies outside of the shard is counted', async () => {
    const fleet = fleetOf(2)
    straddling(fleet)
    const { worker } = fleet.add('w1')
    await fleet.clock.advance(3_000)
    expect(fleet.texts()).toEqual(['inside', 'outside', 'inside too'])
    expect(worker.stats).toMatchObject({ processed: 3, outOfRange: 1, filtered: 0 })
  })

  scenario(
    35,
    'are filtered user record by user record when told to, and never on an AUTO stream',
    async () => {
      const fleet = fleetOf(2)
      straddling(fleet)
      const { worker, stop } = fleet.add('w1', { filterOutOfRange: true })
      await fleet.clock.advance(3_000)
      expect(fleet.handled.map(({ text, subSequenceNumber }) => [text, subSequenceNumber])).toEqual([
        ['inside', 0],
        ['inside too', 2]
      ])
      expect(worker.stats).toMatchObject({ read: 3, processed: 2, filtered: 1, outOfRange: 1 })
      expect(fleet.checkpointOf(shard0)).toBe('1/2')
      stop.abort()
      await fleet.clock.advance(1_000)
      const auto = fleetOf(2)
      auto.kinesis.isAuto = true
      straddling(auto)
      auto.add('w1', { filterOutOfRange: true })
      await auto.clock.advance(3_000)
      expect(auto.texts()).toHaveLength(3)
    }
  )
})

describe('beside workers of another kind', () => {
  const keyring = rawAesKeyring({ namespace: 't', name: 'k', key: Buffer.alloc(32, 7) })
  const sealed = async (data: Buffer): Promise<Uint8Array> => {
    const sealer = keyring.createSealer({ streamName: 's' })
    onTestFinished(() => sealer.close())
    return sealer.seal(data)
  }

  it('checkpoints a sealed aggregate at its end alone, and takes such a checkpoint for all of it', async () => {
    const fleet = fleetOf()
    put(fleet, ['plain'])
    fleet.kinesis.store(await sealed(aggregateOf('a', 'b', 'c')))
    const written: (string | undefined)[] = []
    const open = { keyring, acceptPlaintext: true }
    const first = fleet.add('w1', {
      foreignWorkers: true,
      open,
      processor: () => ({
        async processRecords({ records, checkpointer }) {
          for (const record of records) {
            await checkpointer.checkpoint(record)
            written.push(fleet.checkpointOf(shard0))
          }
        }
      })
    })
    await fleet.clock.advance(2_000)
    expect(written).toEqual(['1/0', '1/0', '1/0', '2/2'])
    first.stop.abort()
    await fleet.clock.advance(1_000)
    // As a Java worker leaves it, to which the record is one.
    const row = fleet.table.rows.get(shard0)!
    fleet.table.rows.set(shard0, { ...row, checkpoint: { sequenceNumber: '2', subSequenceNumber: 0 } })
    const calls: string[] = []
    fleet.add('w2', { foreignWorkers: true, open, processor: recordingProcessor(calls) })
    put(fleet, ['next'])
    await fleet.clock.advance(3_000)
    expect(calls).toEqual(['0 initialize 2', '0 process next'])
  })
})

describe('what a worker shows', () => {
  it('is how each shard stands', async () => {
    const fleet = fleetOf()
    const held = deferred<void>()
    const { worker } = fleet.add('w1', { eachBatch: () => held.promise })
    put(fleet, ['a'])
    await fleet.clock.advance(4_000)
    expect(worker.health).toMatchObject([
      { shardId: shard0, state: 'processing', checkpoint: 'TRIM_HORIZON', waitsFor: [] }
    ])
    expect(worker.health[0]!.inHandlerMs).toBeGreaterThan(2_000)
    held.resolve()
    fleet.kinesis.split(fleet.kinesis.shards[0]!)
    await fleet.clock.advance(1_000)
    await fleet.clock.advance(5_000)
    expect(worker.health.map(({ shardId }) => shardId).sort()).toEqual([
      'shardId-000000000001',
      'shardId-000000000002'
    ])
  })

  it('is measured under the names of the KCL', async () => {
    const metrics = new MetricsRecorder()
    const fleet = fleetOf()
    put(fleet, ['abc', 'de'])
    fleet.add('w1', { metrics })
    await fleet.clock.advance(3_000)
    const taken = new Map(metrics.take().map(each => [each.name, each]))
    expect(taken.get('RecordsProcessed')).toMatchObject({ sum: 2, dimensions: { Operation: 'ProcessTask' } })
    expect(taken.get('DataBytesProcessed')).toMatchObject({ sum: 5, unit: 'Bytes' })
    expect(taken.get('TakenLeases')).toMatchObject({ sum: 1 })
    expect(taken.get('CurrentLeases')).toMatchObject({ max: 1 })
    expect(taken.get('MillisBehindLatest')?.unit).toBe('Milliseconds')
  })

  it('names a shard that has silently stopped, once', async () => {
    const fleet = fleetOf()
    const { worker } = fleet.add('w1', { stallAfterMs: 5_000 })
    await fleet.clock.advance(20_000)
    expect(fleet.eventsOf('shardStalled')).toEqual([])
    const gate = deferred<void>()
    const read = FakeKinesis.prototype.getRecords
    fleet.kinesis.getRecords = async (input, options) => {
      await gate.promise
      return read.call(fleet.kinesis, input, options)
    }
    await fleet.clock.advance(30_000)
    expect(fleet.eventsOf('shardStalled')).toMatchObject([
      { shardId: shard0, state: 'processing', isInHandler: false }
    ])
    gate.resolve()
    await fleet.clock.advance(3_000)
    expect(worker.health[0]!.idleMs).toBeLessThan(2_000)
  })
})

describe('a prepared checkpoint', () => {
  scenario(42, 'is handed to the next owner with its state, until any checkpoint is written', async () => {
    const fleet = fleetOf()
    put(fleet, ['a', 'b'])
    const first = fleet.add('w1', {
      processor: () => ({
        async processRecords({ records, checkpointer }) {
          await checkpointer.prepareCheckpoint(records[0], Buffer.from('half-way'))
        }
      })
    })
    await fleet.clock.advance(2_000)
    first.stop.abort()
    await fleet.clock.advance(1_000)
    const starts: unknown[] = []
    const second = fleet.add('w2', {
      processor: () => ({
        initialize: ({ checkpoint, pendingCheckpoint }) => {
          const state = pendingCheckpoint?.state
          starts.push([
            checkpoint.sequenceNumber,
            pendingCheckpoint?.checkpoint.sequenceNumber,
            state === undefined ? undefined : Buffer.from(state).toString()
          ])
        },
        async processRecords({ records, checkpointer }) {
          const prepared = await checkpointer.prepareCheckpoint(records.at(-1))
          await prepared.checkpoint()
        }
      })
    })
    await fleet.clock.advance(3_000)
    expect(starts).toEqual([['TRIM_HORIZON', '1', 'half-way']])
    expect(fleet.checkpointOf(shard0)).toBe('2/0')
    expect(fleet.table.rows.get(shard0)?.pendingCheckpoint).toBeUndefined()
    second.stop.abort()
    await fleet.clock.advance(1_000)
  })
})

describe('all of these', complete)
