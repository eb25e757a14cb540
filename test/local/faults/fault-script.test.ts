import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../core/errors.ts'
import { FaultScript } from '../../../local/faults/fault-script.ts'
import { type Fault, type FaultRule, VirtualClock } from '../../../local/index.ts'

const scriptOf = (...rules: FaultRule[]): FaultScript => new FaultScript(new VirtualClock(), rules, 1)
const kindOf = (fault: unknown): string | undefined => (fault as Fault | undefined)?.kind
const puts = (script: FaultScript, count: number, name = 'orders'): readonly (string | undefined)[] =>
  Array.from({ length: count }, () => kindOf(script.decide('kinesis', 'PutRecords', () => [name])))
const throttle: FaultRule = { service: 'kinesis', kind: 'throttle' }

describe('scripted faults', () => {
  it('ask for nothing while no rule is in force', () => {
    const never = (): never => expect.unreachable()
    expect(scriptOf().decide('kinesis', 'PutRecords', never)).toBeUndefined()
    expect(scriptOf({ ...throttle, key: 'a' }).decide('sqs', 'SendMessage', never)).toBeUndefined()
  })

  it('meet the service, operation and key that they name', () => {
    const script = scriptOf({ ...throttle, operation: 'PutRecords', key: 'orders' })
    expect(kindOf(script.decide('kinesis', 'PutRecords', () => ['orders']))).toBe('error')
    expect(script.decide('kinesis', 'PutRecords', () => ['others'])).toBeUndefined()
    expect(script.decide('kinesis', 'GetRecords', () => ['orders'])).toBeUndefined()
    expect(script.decide('firehose', 'PutRecords', () => ['orders'])).toBeUndefined()
  })

  it('let requests pass first, and are spent afterwards', () => {
    const script = scriptOf({ ...throttle, afterRequests: 2, times: 3 })
    expect(puts(script, 7)).toEqual([undefined, undefined, 'error', 'error', 'error', undefined, undefined])
    expect(script.rules()).toMatchObject([{ requests: 7, hits: 3 }])
  })

  it('are asked in their order until one decides', () => {
    const script = scriptOf(
      { ...throttle, times: 1 },
      { service: 'kinesis', kind: 'dropped-connection', times: 1 }
    )
    expect(puts(script, 3)).toEqual(['error', 'reset', undefined])
    expect(script.log().map(({ rule, kind }) => [rule, kind])).toEqual([
      [0, 'throttle'],
      [1, 'dropped-connection']
    ])
  })

  it('meet the same requests under the same seed, and others under another', () => {
    const half: FaultRule = { ...throttle, probability: 0.5 }
    const first = puts(scriptOf(half), 200)
    expect(puts(scriptOf(half), 200)).toEqual(first)
    const other = scriptOf()
    other.script([half], { seed: 2 })
    expect(puts(other, 200)).not.toEqual(first)
    const hits = first.filter(kind => kind !== undefined).length
    expect(hits).toBeGreaterThan(60)
    expect(hits).toBeLessThan(140)
    // Rules draw from sequences of their own.
    const behind = scriptOf({ service: 'sqs', kind: 'throttle', probability: 0.5 }, half)
    const alone = puts(behind, 200)
    const mixed = scriptOf({ service: 'sqs', kind: 'throttle', probability: 0.5 }, half)
    for (let count = 0; count < 50; count += 1) void mixed.decide('sqs', 'SendMessage', () => [])
    expect(puts(mixed, 200)).toEqual(alone)
  })

  it('never happen with a chance of 0, and always with one of 1', () => {
    expect(puts(scriptOf({ ...throttle, probability: 0 }), 50).filter(Boolean)).toEqual([])
    expect(puts(scriptOf({ ...throttle, probability: 1 }), 50).filter(Boolean)).toHaveLength(50)
  })

  it('delay on the clock of the engines, and then ask the next rule', async () => {
    const clock = new VirtualClock()
    const script = new FaultScript(
      clock,
      [{ service: 'kinesis', kind: 'delay', delayMs: 5_000 }, throttle],
      1
    )
    let kind: string | undefined
    const decided = Promise.resolve(script.decide('kinesis', 'PutRecords', () => [])).then(fault => {
      kind = kindOf(fault)
    })
    await clock.advance(4_999)
    expect([kind, script.delayed]).toEqual([undefined, 1])
    await clock.advance(1)
    await decided
    expect([kind, script.delayed]).toEqual(['error', 0])
  })

  it('let delayed requests go on when they are cleared, and keep the log', async () => {
    const clock = new VirtualClock()
    const script = new FaultScript(clock, [{ service: 'kinesis', kind: 'delay', delayMs: 5_000 }], 1)
    const decided = script.decide('kinesis', 'PutRecords', () => [])
    script.clear()
    await expect(decided).resolves.toBeUndefined()
    expect(clock.pending).toBe(0)
    expect(script.rules()).toEqual([])
    expect(script.log()).toMatchObject([
      { kind: 'delay', operation: 'PutRecords', service: 'kinesis', rule: 0 }
    ])
    script.script([])
    expect(script.log()).toEqual([])
  })

  it('fail the entries that they name, or each by its chance, and log them', () => {
    const entriesOf = (rule: Partial<FaultRule>): readonly (string | undefined)[] => {
      const script = scriptOf({ service: 'firehose', kind: 'partial-failure', ...rule } as FaultRule)
      const fault = script.decide('firehose', 'PutRecordBatch', () => []) as Fault
      const codes = Array.from({ length: 4 }, (_, index) =>
        fault.kind === 'failEntries' ? fault.failEntry(index) : expect.unreachable()
      )
      const failed = [...codes.keys()].filter(index => codes[index] !== undefined)
      expect(script.log()).toMatchObject([{ entries: failed }])
      return codes
    }
    const code = 'ServiceUnavailableException'
    expect(entriesOf({})).toEqual([code, code, code, code])
    expect(entriesOf({ entries: [0, 3, 9] })).toEqual([code, undefined, undefined, code])
    expect(entriesOf({ entries: [1], errorCode: 'InternalFailure' })).toEqual([
      undefined,
      'InternalFailure',
      undefined,
      undefined
    ])
    expect(entriesOf({ entryProbability: 0 })).toEqual([undefined, undefined, undefined, undefined])
    expect(entriesOf({ entryProbability: 0.5 })).toEqual(entriesOf({ entryProbability: 0.5 }))
  })

  it('happen to batches alone where entries fail or are left out', () => {
    const script = scriptOf(
      { service: 'kinesis', kind: 'partial-failure' },
      { service: 'kinesis', kind: 'wrong-answer', answer: 'short' }
    )
    expect(script.decide('kinesis', 'PutRecord', () => [])).toBeUndefined()
    expect(script.decide('kinesis', 'GetRecords', () => [])).toBeUndefined()
    expect(kindOf(script.decide('kinesis', 'PutRecords', () => []))).toBe('failEntries')
  })

  it('stay as they were when new ones are refused', () => {
    const script = scriptOf(throttle)
    expect(() => script.script([{ ...throttle, times: 0 }])).toThrow(InvalidOptionError)
    expect(() => script.script([throttle], { seed: 0.5 })).toThrow(InvalidOptionError)
    expect(puts(script, 1)).toEqual(['error'])
  })

  it('keep a log of 10,000 requests', () => {
    const script = scriptOf(throttle)
    puts(script, 10_001)
    expect(script.log()).toHaveLength(10_000)
  })
})
