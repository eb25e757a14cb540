import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import { type AcceptedFinding, applyBaseline, checkBaseline } from '../../../infra/audit/baseline.ts'
import type { Finding } from '../../../infra/audit/control.ts'
import { aControl, modelOfTemplate } from '../../helpers/audit.ts'

const report = (...findings: readonly Finding[]) =>
  audit(modelOfTemplate({}), [aControl({ id: 'NET-01', evaluate: () => findings })])
const fail = (resourceId?: string): Finding => ({ status: 'fail', resourceId, evidence: 'e' })
const entry = (overrides: Partial<AcceptedFinding> = {}): AcceptedFinding => ({
  control: 'NET-01',
  reason: 'no network of its own',
  expires: '2026-12-31',
  ...overrides
})

describe('applyBaseline', () => {
  it('accepts the finding that it names, until the end of its last day', () => {
    const on = (today: string) =>
      applyBaseline(report(fail('A'), fail('B')), { accepted: [entry({ resource: 'A' })] }, today)
    const lastDay = on('2026-12-31')
    expect(lastDay.report.results[0]!.findings.map(({ accepted }) => accepted?.reason)).toEqual([
      'no network of its own',
      undefined
    ])
    expect(lastDay.report.worstSeverity).toBe('high')
    expect(lastDay.expired).toEqual([])
    const after = on('2027-01-01')
    expect(after.report.results[0]!.findings.every(({ accepted }) => accepted === undefined)).toBe(true)
    expect(after.expired).toEqual([entry({ resource: 'A' })])
  })

  it('leaves nothing open when everything is accepted', () => {
    const outcome = applyBaseline(
      report(fail('A'), fail()),
      { accepted: [entry({ resource: '*' })] },
      '2026-01-01'
    )
    expect(outcome.report.worstSeverity).toBeUndefined()
    // What was found stays what it is.
    expect(outcome.report.counts.fail).toBe(1)
  })

  it('takes an entry without a resource for the finding about the whole alone', () => {
    const { report: after } = applyBaseline(report(fail('A'), fail()), { accepted: [entry()] }, '2026-01-01')
    expect(after.results[0]!.findings.map(({ accepted }) => accepted !== undefined)).toEqual([false, true])
  })

  it('tells which entries answer to nothing', () => {
    const unused = [
      entry({ control: 'NET-02' }),
      entry({ resource: 'Gone' }),
      // It passes by now.
      entry({ resource: 'Mended' })
    ]
    const passed: Finding = { status: 'pass', resourceId: 'Mended', evidence: 'e' }
    expect(applyBaseline(report(passed), { accepted: unused }, '2026-01-01').unused).toEqual(unused)
  })
})

describe('checkBaseline', () => {
  it.each([
    [undefined, 'option baseline.accepted: expected a list'],
    [{ accepted: {} }, 'option baseline.accepted: expected a list'],
    [{ accepted: [1] }, 'option baseline.accepted[0]: expected an object'],
    [{ accepted: [{ ...entry(), control: 1 }] }, 'option baseline.accepted[0].control'],
    [{ accepted: [{ ...entry(), reason: '' }] }, 'option baseline.accepted[0].reason'],
    [{ accepted: [{ ...entry(), resource: 1 }] }, 'option baseline.accepted[0].resource'],
    [{ accepted: [{ ...entry(), expires: undefined }] }, 'option baseline.accepted[0].expires'],
    [{ accepted: [{ ...entry(), expires: '2026-02-30' }] }, 'expected a day, YYYY-MM-DD'],
    [{ accepted: [{ ...entry(), expires: 'soon' }] }, 'expected a day, YYYY-MM-DD']
  ])('refuses %j', (value, message) => {
    expect(() => checkBaseline(value)).toThrow(message)
  })

  it('takes what is right', () => {
    const baseline = { accepted: [entry(), entry({ resource: 'A' })] }
    expect(checkBaseline(baseline)).toEqual(baseline)
  })
})
