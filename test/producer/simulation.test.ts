import { describe, expect, it } from 'vitest'
import { Seeded } from '../helpers/seeded.ts'
import { seeds } from '../helpers/seeds.ts'
import { checkDeliveries } from './delivery-checks.ts'
import { Simulation } from './simulation.ts'

/** Runs this seed alone, to see a failure again. */
const replayed = process.env.SEALSTREAM_SIMULATION_SEED
/** The full count is 10,000 where the other properties have half of it. */
const count = seeds(300) === 300 ? 300 : seeds(300) * 2

describe('a producer on a stream that is resharded, throttled and out of reach at times', () => {
  it('settles every put once, loses nothing, keeps the order it promises, and tells the truth', async () => {
    const rejections: unknown[] = []
    const onRejection = (reason: unknown): void => void rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    try {
      const drawn = new Seeded(Math.floor(Math.random() * 0x7fff_ffff))
      const chosen =
        replayed === undefined
          ? Array.from({ length: count }, () => drawn.integer(0, 0x7fff_ffff))
          : [Number(replayed)]
      for (const seed of chosen) {
        try {
          const simulation = new Simulation(seed)
          await simulation.run()
          await checkDeliveries(simulation)
          expect(rejections).toEqual([])
        } catch (error) {
          throw new Error(`seed ${seed}; SEALSTREAM_SIMULATION_SEED=${seed} runs it alone`, { cause: error })
        }
      }
      console.log(`producer simulation: ${chosen.length} of ${chosen.length} seeds`)
    } finally {
      process.off('unhandledRejection', onRejection)
    }
  }, 1_800_000)
})
