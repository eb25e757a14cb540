import { readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Evidence, isIntact } from '../../pipeline/index.ts'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { openLocal } from '../helpers/local.ts'
import { proofPlan } from '../helpers/proofs.ts'

const folder = makeCommandFolder()
const secret = 'a value of the context'
const config = join(folder, 'plan.json')
writeFileSync(config, JSON.stringify(proofPlan({ sealing: { context: { schema: secret } } })))
const unsealed = join(folder, 'unsealed.json')
writeFileSync(unsealed, JSON.stringify(proofPlan({ sealing: { mode: 'off' } })))

const prove = (...args: string[]): Promise<Outcome> => outcome(launchCommand(folder, ['prove', ...args]))

const resultsOf = ({ json }: Outcome): unknown =>
  (json as unknown as Evidence).proofs.map(({ id, result }) => [id, result])

describe('sealstream prove', { timeout: 90_000 }, () => {
  it('proves a sealed pipeline on the embedded engines, and writes the evidence', async () => {
    const file = join(folder, 'evidence.json')
    const done = await prove('--config', config, '--evidence', file, '--json')
    expect(done.stderr).toContain('E2E-01  proved: the canary is in none of')
    expect(resultsOf(done)).toEqual([
      ['E2E-01', 'proved'],
      ['E2E-02', 'proved'],
      ['E2E-03', 'proved'],
      ['E2E-04', 'proved'],
      ['E2E-05', 'proved'],
      ['E2E-06', 'proved']
    ])
    expect(done.code).toBe(0)
    const text = readFileSync(file, 'utf8')
    const evidence = JSON.parse(text) as Evidence
    expect(evidence).toMatchObject({ tool: 'sealstream', plan: 'proofs', engine: 'embedded' })
    expect(evidence).toEqual(done.json)
    expect(isIntact(evidence)).toBe(true)
    expect(text).not.toContain(secret)
    expect(await readdir(folder)).not.toContain('sealstream-output')
  })

  it('runs on engines that are up already, some proofs alone', async () => {
    const local = await openLocal()
    const engine = ['--engine', 'endpoint', '--endpoint', local.endpoint]
    const done = await prove(...engine, '--config', config, '--only', 'E2E-01,E2E-03', '--json')
    expect(resultsOf(done)).toEqual([
      ['E2E-01', 'proved'],
      ['E2E-03', 'proved']
    ])
    expect(done.code).toBe(0)
  })

  it('ends with 4 when something is not proved, or nothing is', async () => {
    const failed = await prove('--config', unsealed, '--only', 'E2E-01')
    expect(failed.stdout).toContain('E2E-01  FAILED: the canary was found in')
    expect(failed.code).toBe(4)
    const nothing = await prove('--config', unsealed, '--only', 'E2E-03')
    expect(nothing.stdout).toContain('E2E-03  not applicable: nothing is sealed')
    expect(nothing.code).toBe(4)
  })

  it('ends with 2 for wrong usage, and with 3 when nobody answers', async () => {
    const unknown = await prove('--only', 'E2E-09')
    expect(unknown.stderr).toContain(
      '--only: expected E2E-01, E2E-02, E2E-03, E2E-04, E2E-05, E2E-06, found E2E-09'
    )
    const withoutPlan = await prove('--engine', 'aws')
    expect([unknown.code, withoutPlan.code]).toEqual([2, 2])
    const unreachable = await prove('--engine', 'endpoint', '--endpoint', 'http://127.0.0.1:9')
    expect(unreachable.stderr).toContain('cannot reach http://127.0.0.1:9')
    expect(unreachable.code).toBe(3)
  })
})
