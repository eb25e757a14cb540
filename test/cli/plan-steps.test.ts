import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { planSteps, stepsAsText } from '../../infra/index.ts'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { hsmPlan } from '../infra/hsm-plan.ts'
import { plans } from '../infra/plans.ts'

const folder = makeCommandFolder()
const run = (...args: readonly string[]): Promise<Outcome> =>
  outcome(launchCommand(folder, ['plan', ...args]))
const where = ['--account', '111122223333', '--region', 'eu-west-1']
const scope = { accountId: '111122223333', region: 'eu-west-1' }
const isFirst = (line: string): boolean => /^\d+\. /.test(line)

writeFileSync(join(folder, 'hsms.json'), JSON.stringify(hsmPlan))
writeFileSync(join(folder, 'orders.json'), JSON.stringify(plans.default))

describe('sealstream plan --steps', { timeout: 60_000 }, () => {
  it('prints the steps for people, in place of the template', async () => {
    const { stdout, stderr, code } = await run('--steps', '--config', 'hsms.json', ...where)
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toBe(stepsAsText('orders', planSteps(hsmPlan, scope)))
    const titles = planSteps(hsmPlan).map(({ number, title }) => `${number}. ${title}`)
    expect(stdout.split('\n').filter(isFirst)).toEqual(titles)
  })

  it('prints them as JSON, whole, and as one line', async () => {
    const { stdout, code } = await run('--steps', '--json', '--config', 'hsms.json', ...where)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(planSteps(hsmPlan, scope))
    const compact = await run('--steps', '--json', '--compact', '--config', 'hsms.json')
    expect(compact.stdout.trimEnd()).not.toContain('\n')
    expect(JSON.parse(compact.stdout)).toEqual(planSteps(hsmPlan))
  })

  it('says when there are none', async () => {
    const text = await run('--steps', '--config', 'orders.json')
    expect(text.stdout).toBe('The template makes all that the plan of orders has: no steps.\n')
    const json = await run('--steps', '--json', '--config', 'orders.json')
    expect(json.stdout).toBe('[]\n')
  })

  it('refuses --json without --steps', async () => {
    const { stdout, stderr, code } = await run('--json', '--config', 'hsms.json')
    expect(stderr).toContain('--json goes with --steps alone')
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})
