import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rawAesKeyring } from '../../crypto/index.ts'
import { type KinesisHandlerOptions, kinesisHandler, type RecordPosition } from '../../lambda/index.ts'
import { aKinesisRecord, altered, anAggregate, sequenceNumber } from '../helpers/lambda-events.ts'
import { seeds } from '../helpers/seeds.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })

/** One Kinesis record: how it is sealed, and of each of its user records how often the handler fails at it. */
const kinesisRecord = fc.record({
  sealing: fc.constantFrom('aggregate' as const, 'record' as const),
  isPoison: fc.boolean(),
  userRecords: fc.array(fc.record({ failures: fc.integer({ min: 0, max: 2 }), isPoison: fc.boolean() }), {
    minLength: 1,
    maxLength: 4
  })
})

const scenario = fc.record({
  records: fc.array(kinesisRecord, { minLength: 1, maxLength: 6 }),
  style: fc.constantFrom('eachRecord' as const, 'eachBatch' as const),
  hasDeadLetters: fc.boolean(),
  /** Dead letters that are refused before one is taken. */
  refusals: fc.integer({ min: 0, max: 2 })
})
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

it('processes each user record in order, returns none that it passed over, and tells which come again', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async given => {
      const { expected, poisoned, records } = await sealed(given)
      const run = await deliver(given, records)
      // Everything that a handler may see is seen in the end, for the first time in the order of the stream.
      const reachable = given.hasDeadLetters ? expected : expected.slice(0, firstPoison(given, expected))
      expect([...new Set(run.processed)]).toEqual(reachable)
      expect(new Set(run.deadLettered)).toEqual(new Set(given.hasDeadLetters ? poisoned : []))
      expect(run.isDone).toBe(given.hasDeadLetters || poisoned.length === 0)
      expect(run.comeAgainTold).toEqual(run.processedBeforeReturn)
    }),
    { numRuns: seeds(200) }
  )
})

/** What Lambda does with the answers, until it has none to give again or no progress is possible. */
async function deliver(given: Scenario, records: ReturnType<typeof aKinesisRecord>[]) {
  const failuresLeft = new Map<string, number>()
  for (const [index, { userRecords }] of given.records.entries()) {
    for (const [sub, { failures }] of userRecords.entries()) failuresLeft.set(`${index}.${sub}`, failures)
  }
  const fails = (name: string): boolean => {
    const left = failuresLeft.get(name) ?? 0
    failuresLeft.set(name, left - 1)
    return left > 0
  }
  const processed: string[] = []
  const deadLettered: string[] = []
  const comeAgainTold: string[][] = []
  const processedBeforeReturn: string[][] = []
  let refusals = given.refusals
  let now: string[] = []
  const text = (data: Uint8Array) => Buffer.from(data).toString()
  const styles: Record<Scenario['style'], Partial<KinesisHandlerOptions>> = {
    eachRecord: {
      eachRecord: async ({ data }) => {
        if (fails(text(data))) throw new Error('no')
        now.push(text(data))
      }
    },
    eachBatch: {
      eachBatch: async batch => {
        const failed: RecordPosition[] = []
        for (const record of batch) {
          if (failed.length === 0 && fails(text(record.data))) failed.push(record)
          else if (failed.length === 0) now.push(text(record.data))
          else failed.push(record)
        }
        return failed
      }
    }
  }
  const handler = kinesisHandler({
    open: { keyring },
    ...styles[given.style],
    ...(given.hasDeadLetters
      ? {
          deadLetters: {
            async put({ sequenceNumber: number, subSequenceNumbers }) {
              if (refusals > 0) {
                refusals -= 1
                throw new Error('not now')
              }
              const index = records.findIndex(({ kinesis }) => kinesis.sequenceNumber === number)
              deadLettered.push(`${index}.${subSequenceNumbers?.[0] ?? 'all'}`)
            }
          }
        }
      : {}),
    onComeAgain: again => void comeAgainTold.push(again.map(({ data }) => text(data)))
  })
  let from = 0
  // Each invocation uses up a failure or a refusal, or moves on.
  const mostInvocations = 2 * given.records.length * 4 + given.refusals + records.length + 2
  let isDone = false
  for (let invocation = 0; invocation < mostInvocations && !isDone; invocation += 1) {
    now = []
    const { batchItemFailures } = await handler({ Records: records.slice(from) })
    processed.push(...now)
    const { read, processed: done, deadLettered: kept, returned } = handler.stats
    expect(read).toBe(done + kept + returned)
    expect(done).toBe(processed.length)
    const [failure] = batchItemFailures
    if (failure === undefined) isDone = true
    else {
      const at = records.findIndex(({ kinesis }) => kinesis.sequenceNumber === failure.itemIdentifier)
      expect(batchItemFailures).toHaveLength(1)
      expect(at).toBeGreaterThanOrEqual(from)
      const again = now.filter(name => Number(name.split('.')[0]) >= at)
      if (again.length > 0) processedBeforeReturn.push(again)
      from = at
    }
  }
  handler.close()
  return { processed, deadLettered, comeAgainTold, processedBeforeReturn, isDone }
}

async function sealed({ records: given }: Scenario) {
  const sealer = keyring.createSealer({ streamName: 'orders' })
  const seal = async (data: Uint8Array) => sealer.seal(data)
  const expected: string[] = []
  const poisoned: string[] = []
  const records = []
  for (const [index, { sealing, isPoison, userRecords }] of given.entries()) {
    const names = userRecords.map((_, sub) => `${index}.${sub}`)
    let data: Uint8Array
    if (sealing === 'aggregate') {
      data = await seal(anAggregate(names))
      if (isPoison) {
        data = altered(data)
        poisoned.push(`${index}.all`)
      } else expected.push(...names)
    } else {
      const messages = []
      for (const [sub, name] of names.entries()) {
        const message = await seal(Buffer.from(name))
        const poison = userRecords[sub]!.isPoison
        messages.push(poison ? altered(message) : message)
        if (poison) poisoned.push(name)
        else expected.push(name)
      }
      data = anAggregate(messages)
    }
    records.push(aKinesisRecord(index, data))
  }
  sealer.close()
  expect(records[0]?.kinesis.sequenceNumber).toBe(sequenceNumber(0))
  return { expected, poisoned, records }
}

/** How many user records lie before what can never be opened. */
function firstPoison({ records }: Scenario, expected: readonly string[]): number {
  let before = 0
  for (const { sealing, isPoison, userRecords } of records) {
    if (sealing === 'aggregate') {
      if (isPoison) return before
      before += userRecords.length
      continue
    }
    for (const user of userRecords) {
      if (user.isPoison) return before
      before += 1
    }
  }
  return expected.length
}
