import { describe, expect, it } from 'vitest'
import { EventLoopTurn } from '../../core/event-loop-turn.ts'

describe('a turn of the event loop', () => {
  it('is used up by all tasks together, and begins anew', async () => {
    let nowMs = 0
    const turn = new EventLoopTurn({ now: () => nowMs })
    const done: string[] = []
    let immediates = 0
    const count = () => {
      immediates += 1
      if (done.length < 6) setImmediate(count)
    }
    const task = async (name: string) => {
      for (let piece = 0; piece < 3; piece += 1) {
        while (turn.isUsedUp) await turn.next()
        nowMs += 6
        done.push(`${name}${piece} in ${immediates}`)
      }
    }
    setImmediate(count)
    await Promise.all([task('a'), task('b')])
    // Two pieces of 6 ms use up the 10 ms of a turn.
    expect(done).toEqual(['a0 in 0', 'a1 in 0', 'a2 in 1', 'b0 in 1', 'b1 in 2', 'b2 in 2'])
  })

  it('is no pause for tasks that use little', async () => {
    const turn = new EventLoopTurn({ now: () => 0 })
    expect([turn.isUsedUp, turn.isUsedUp]).toEqual([false, false])
  })
})
