import { describe, expect, it } from 'vitest'
import { ReadBudget, type Reservation } from '../../consumer/retrieval/read-budget.ts'
import { settle } from '../helpers/fake-clock.ts'

const { signal } = new AbortController()

/** Asks, and tells whether it was granted at once. */
async function ask(
  shard: ReturnType<ReadBudget['openShard']>,
  bytes: number,
  given = signal
): Promise<{ granted: () => Reservation | undefined; error: () => unknown }> {
  let granted: Reservation | undefined
  let failure: unknown
  shard.reserve(bytes, given).then(
    reservation => {
      granted = reservation
    },
    error => {
      failure = error
    }
  )
  await settle()
  return { granted: () => granted, error: () => failure }
}

describe('the budget of all shards of a worker', () => {
  it('gives one half for reading ahead, and the other to shards that hold nothing', async () => {
    const budget = new ReadBudget(100)
    const [greedy, late] = [budget.openShard(), budget.openShard()]
    for (const bytes of [10, 30, 20]) expect((await ask(greedy, bytes)).granted()).toBeDefined()
    // 10 of the first half and 50 of the second.
    expect(budget.takenBytes).toBe(60)
    expect((await ask(greedy, 1)).granted()).toBeUndefined()
    expect((await ask(late, 40)).granted()).toBeDefined()
    expect(budget.takenBytes).toBe(100)
  })

  it('never lets shards whose handlers hang keep another one from its next batch', async () => {
    const budget = new ReadBudget(100)
    for (const bytes of [10, 20]) {
      const hanging = budget.openShard()
      await ask(hanging, bytes)
      for (let ahead = 0; ahead < 4; ahead += 1) await ask(hanging, 25)
    }
    const live = budget.openShard()
    for (let round = 0; round < 20; round += 1) {
      const turn = await ask(live, 20)
      expect(turn.granted()).toBeDefined()
      turn.granted()!.release()
    }
  })

  it('gives what waits for reading ahead its turn when its shard holds nothing any more', async () => {
    const budget = new ReadBudget(100)
    const [other, shard] = [budget.openShard(), budget.openShard()]
    await ask(other, 1)
    await ask(other, 50)
    const inHand = await ask(shard, 10)
    const next = await ask(shard, 10)
    expect(next.granted()).toBeUndefined()
    inHand.granted()!.release()
    await settle()
    expect(next.granted()).toBeDefined()
    expect(budget.takenBytes).toBe(61)
  })

  it('serves shards in the order of asking', async () => {
    const budget = new ReadBudget(100)
    const [first, ...others] = Array.from({ length: 4 }, () => budget.openShard())
    const all = await ask(first!, 50)
    const waiting = [await ask(others[0]!, 30), await ask(others[1]!, 10), await ask(others[2]!, 30)]
    all.granted()!.release()
    await settle()
    expect(waiting.map(({ granted }) => granted() !== undefined)).toEqual([true, true, false])
    waiting[0]!.granted()!.release()
    await settle()
    expect(waiting[2]!.granted()).toBeDefined()
  })

  it('is corrected when the size of an answer is known, also beyond its end; then nobody reads until it fits', async () => {
    const budget = new ReadBudget(100)
    const [one, two] = [budget.openShard(), budget.openShard()]
    const answer = await ask(one, 10)
    answer.granted()!.resize(80)
    expect(budget.takenBytes).toBe(80)
    const next = await ask(two, 10)
    expect(next.granted()).toBeUndefined()
    answer.granted()!.resize(30)
    await settle()
    expect(next.granted()).toBeDefined()
    expect(budget.takenBytes).toBe(40)
  })

  it('lets through alone what is larger than its half', async () => {
    const budget = new ReadBudget(100)
    const [one, two] = [budget.openShard(), budget.openShard()]
    const large = await ask(one, 70)
    expect(large.granted()).toBeDefined()
    const waiting = await ask(two, 70)
    expect(waiting.granted()).toBeUndefined()
    large.granted()!.release()
    await settle()
    expect(waiting.granted()).toBeDefined()
  })

  it('gives back once, and everything of a shard that is closed', async () => {
    const budget = new ReadBudget(100)
    const shard = budget.openShard()
    const [first] = [await ask(shard, 10), await ask(shard, 20)]
    first!.granted()!.release()
    first!.granted()!.release()
    expect(budget.takenBytes).toBe(20)
    shard.close()
    expect(budget.takenBytes).toBe(0)
  })

  it('takes nothing for a wait that was given up, in either half', async () => {
    const budget = new ReadBudget(100)
    const [one, two] = [budget.openShard(), budget.openShard()]
    const inHand = await ask(one, 50)
    const ahead = await ask(one, 50)
    const stop = new AbortController()
    const waiting = [await ask(one, 10, stop.signal), await ask(two, 10, stop.signal)]
    const reason = new Error('stop')
    stop.abort(reason)
    await settle()
    expect(waiting.map(({ error }) => error())).toEqual([reason, reason])
    inHand.granted()!.release()
    ahead.granted()!.release()
    expect(budget.takenBytes).toBe(0)
  })
})
