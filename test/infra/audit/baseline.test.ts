import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import {
  type AcceptedFinding,
  type Attestation,
  applyBaseline,
  checkBaseline
} from '../../../infra/audit/baseline.ts'
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

const attestation = (overrides: Partial<Attestation> = {}): Attestation => ({
  control: 'NET-01',
  statement: 'the loss of the cluster was rehearsed',
  by: 'key custodians',
  expires: '2026-12-31',
  ...overrides
})
const left = (resourceId?: string): Finding => ({ status: 'manual', resourceId, evidence: 'for people' })

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

describe('an attestation', () => {
  const on = (today: string, ...attested: readonly Attestation[]) =>
    applyBaseline(report(left('A'), left('B')), { accepted: [], attested }, today)

  it('is noted with the finding that is left to people, until the end of its last day', () => {
    const { report: lastDay, expired } = on('2026-12-31', attestation({ resource: 'A' }))
    const [first, second] = lastDay.results[0]!.findings
    expect(first).toMatchObject({
      status: 'manual',
      attested: { statement: attestation().statement, by: 'key custodians', expires: '2026-12-31' }
    })
    expect(second!.attested).toBeUndefined()
    expect(lastDay.worstSeverity).toBeUndefined()
    expect(expired).toEqual([])
  })

  it('makes its finding a failure once its day has passed', () => {
    const entry = attestation({ resource: 'A' })
    const { report: after, expired } = on('2027-01-01', entry)
    expect(after.results[0]!.findings.map(({ status }) => status)).toEqual(['fail', 'manual'])
    expect(after.results[0]!.findings[0]!.evidence).toBe('for people; attested until 2026-12-31 alone')
    expect(after.results[0]!.status).toBe('fail')
    expect(after.counts).toMatchObject({ fail: 1, manual: 0 })
    expect(after.worstSeverity).toBe('high')
    expect(expired).toEqual([entry])
  })

  it('that was renewed holds, whatever stands beside it', () => {
    const renewed = attestation({ resource: '*', expires: '2027-12-31' })
    const { report: after } = on('2027-01-01', attestation({ resource: 'A' }), renewed)
    expect(after.counts).toMatchObject({ fail: 0, manual: 1 })
    expect(after.results[0]!.findings.map(({ attested }) => attested?.expires)).toEqual([
      '2027-12-31',
      '2027-12-31'
    ])
  })

  it('that expired tells its latest day, and can be accepted as a failure', () => {
    const attested = ['2026-12-31', '2026-06-30'].map(expires => attestation({ resource: '*', expires }))
    const accepted = [entry({ resource: '*', expires: '2027-06-30' })]
    const { report: after } = applyBaseline(report(left('A')), { accepted, attested }, '2027-01-01')
    expect(after.results[0]!.findings[0]!.evidence).toContain('until 2026-12-31 alone')
    expect(after.worstSeverity).toBeUndefined()
  })

  it('says nothing of what failed, and is told as unused', () => {
    const entry = attestation({ resource: 'A' })
    const { report: after, unused } = applyBaseline(
      report(fail('A')),
      { accepted: [], attested: [entry] },
      '2026-01-01'
    )
    expect(after.worstSeverity).toBe('high')
    expect(after.results[0]!.findings[0]!.attested).toBeUndefined()
    expect(unused).toEqual([entry])
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
    [{ accepted: [{ ...entry(), expires: 'soon' }] }, 'expected a day, YYYY-MM-DD'],
    [{ accepted: [], attested: {} }, 'option baseline.attested: expected a list'],
    [{ attested: [null] }, 'option baseline.attested[0]: expected an object'],
    [{ attested: [{ ...attestation(), control: '' }] }, 'option baseline.attested[0].control'],
    [{ attested: [{ ...attestation(), statement: '' }] }, 'option baseline.attested[0].statement'],
    [{ attested: [{ ...attestation(), by: undefined }] }, 'option baseline.attested[0].by'],
    [{ attested: [{ ...attestation(), expires: '2026-13-01' }] }, 'option baseline.attested[0].expires']
  ])('refuses %j', (value, message) => {
    expect(() => checkBaseline(value)).toThrow(message)
  })

  it('takes what is right', () => {
    const baseline = { accepted: [entry(), entry({ resource: 'A' })] }
    expect(checkBaseline(baseline)).toEqual(baseline)
    const attested = [attestation(), attestation({ resource: '*' })]
    expect(checkBaseline({ attested })).toEqual({ accepted: [], attested })
  })
})
