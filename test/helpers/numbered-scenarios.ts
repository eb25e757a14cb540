import { afterAll, expect, it } from 'vitest'

export interface NumberedScenarios {
  scenario(number: number, title: string, test: () => Promise<void>): void
  /** To be called last: a test that fails when one of the numbers has not run to its end. */
  complete(): void
}

/**
 * Scenarios of a numbered list, such as that of what a consumer in the KCL's place must show, under their numbers
 * there. Prints how many ran.
 */
export function numberedScenarios(what: string, numbers: readonly number[]): NumberedScenarios {
  const run = new Set<number>()
  afterAll(() => {
    console.log(`${what}: ${run.size} of ${numbers.length} scenarios`)
  })
  return {
    scenario(number, title, test) {
      it(`${number}: ${title}`, async () => {
        await test()
        run.add(number)
      })
    },
    complete() {
      it(`are ${numbers.join(', ')}`, () => {
        expect([...run].sort((a, b) => a - b)).toEqual([...numbers])
      })
    }
  }
}
