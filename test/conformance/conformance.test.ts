import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isNotThere, serviceOf } from './case.ts'
import { cases } from './cases.ts'
import { engineOfRun, servicesOf } from './engines.ts'
import { knownDifferences } from './known-differences.ts'
import { openEngine } from './open-engine.ts'
import { type ConformanceResult, idsOfTable, resultsOfTable } from './table.ts'
import { World } from './world.ts'

const engine = engineOfRun()
const differences = knownDifferences[engine]
const results: Record<string, { readonly title: string; readonly result: ConformanceResult }> = {}

describe(`conformance of ${engine}`, () => {
  let opened: Awaited<ReturnType<typeof openEngine>>
  beforeAll(async () => {
    opened = await openEngine(engine)
  })
  afterAll(async () => {
    await opened.close()
    const file = process.env.SEALSTREAM_CONFORMANCE_RESULTS
    if (file === undefined) return
    // In the order of the table, whichever was done first.
    const inOrder = cases.flatMap(({ id }) => (results[id] === undefined ? [] : [[id, results[id]] as const]))
    writeFileSync(file, JSON.stringify(Object.fromEntries(inOrder)))
  })

  for (const one of cases.filter(candidate => servicesOf[engine].includes(serviceOf(candidate)))) {
    it.concurrent(`${one.id}: ${one.title}`, { timeout: 120_000 }, async () => {
      const world = new World(opened.address)
      const outcome = await one.run(world).then(
        () => undefined,
        (error: unknown) => error ?? new Error('rejected with nothing')
      )
      await world.close()
      const known = differences[one.id]
      const result = known?.kind === 'unsteady' ? known.kind : resultOf(outcome)
      results[one.id] = { title: one.title, result }
      if (result === 'unsteady' || known?.kind === 'not run') return
      if (known === undefined) {
        if (outcome !== undefined) throw outcome
        return
      }
      if (outcome === undefined) throw new Error(`no longer a difference: ${known.why}`)
      expect(result).toBe(known.kind)
    })
  }
})

function resultOf(outcome: unknown): ConformanceResult {
  if (outcome === undefined) return 'pass'
  return isNotThere(outcome) ? 'not there' : 'differs'
}

describe('the table of docs/engines.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/engines.md'), 'utf8')

  it('lists exactly the cases that there are', () => {
    expect(idsOfTable(page)).toEqual(cases.map(({ id }) => id))
    expect(new Set(idsOfTable(page)).size).toBe(cases.length)
  })

  it.each(['embedded', 'kinesis-local', 'localstack'] as const)('says of %s what is known of it', column => {
    const expected = cases.map(one => [
      one.id,
      servicesOf[column].includes(serviceOf(one))
        ? (knownDifferences[column][one.id]?.kind ?? 'pass')
        : 'no service'
    ])
    expect(resultsOfTable(page, column)).toEqual(Object.fromEntries(expected))
  })

  it('knows differences of cases that there are', () => {
    const ids = cases.map(({ id }) => id)
    const unknown = Object.values(knownDifferences).flatMap(known =>
      Object.keys(known).filter(id => !ids.includes(id))
    )
    expect(unknown).toEqual([])
  })
})
