import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import { applyBaseline } from '../../../infra/audit/baseline.ts'
import { reportAsJson } from '../../../infra/audit/report-json.ts'
import { reportAsSarif } from '../../../infra/audit/report-sarif.ts'
import { explainControl, reportAsText } from '../../../infra/audit/report-text.ts'
import { aControl, modelOfTemplate } from '../../helpers/audit.ts'

const finding = (status: 'fail' | 'error' | 'manual' | 'pass', resourceId: string, evidence: string) => ({
  status,
  resourceId,
  location: `Resources.${resourceId}`,
  evidence
})

const controls = [
  aControl({ id: 'LOW-01', severity: 'low', evaluate: () => [finding('fail', 'A', 'is open')] }),
  aControl({
    id: 'TOP-01',
    severity: 'critical',
    sources: { statements: [1], securityHub: ['KMS.4'], cis: ['3.6'] },
    evaluate: () => [finding('fail', 'B', 'is wide open'), finding('pass', 'C', 'is shut')]
  }),
  aControl({ id: 'MID-01', severity: 'medium', evaluate: () => [finding('error', 'A', 'cannot be told')] }),
  aControl({
    id: 'MAN-01',
    evaluate: () => [
      { status: 'manual', evidence: 'ask somebody' },
      { status: 'pass', evidence: 'as for the rest' }
    ]
  }),
  aControl({ id: 'OK-01' }),
  aControl({ id: 'NONE-01', evaluate: () => [] })
]

const outcome = applyBaseline(
  { ...audit(modelOfTemplate({ A: { Type: 'T', Properties: { x: { Ref: 'Gone' } } } }), controls) },
  {
    accepted: [
      { control: 'LOW-01', resource: 'A', reason: 'known', expires: '2026-12-31' },
      { control: 'OLD-01', reason: 'forgotten', expires: '2020-01-01' },
      { control: 'OLD-02', resource: 'X', reason: 'forgotten', expires: '2026-12-31' }
    ]
  },
  '2026-11-25'
)

describe('reportAsText', () => {
  it('tells what is open, gravest first, then the rest in short', () => {
    expect(reportAsText(outcome)).toBe(`CRITICAL TOP-01 the title
  Resources.B: is wide open
  fix: the fix

MEDIUM MID-01 the title
  undecided: Resources.A: cannot be told

Accepted by the baseline
  LOW-01 Resources.A: known (until 2026-12-31)

To be decided by people or by a run
  MAN-01 ask somebody

Could not be told
  Resources.A.Properties.x: there is no resource or parameter Gone

Expired in the baseline
  OLD-01 (2020-01-01)

Unused in the baseline
  OLD-02 X

6 controls: 2 failed, 1 undecided, 1 manual, 1 passed, 1 not applicable
`)
  })

  it('tells everything when asked to', () => {
    const text = reportAsText(outcome, { isVerbose: true })
    expect(text).toContain('Passed\n  OK-01 seen\n')
    expect(text).toContain('Not applicable\n  NONE-01 nothing here is its business\n')
  })
})

describe('explainControl', () => {
  it('tells all that is known of a control', () => {
    expect(explainControl(controls[1]!)).toBe(`TOP-01 (critical, decided by resources and policies)
the title

the rationale

Fix: the fix
Known as: statements 1; Security Hub KMS.4; CIS 3.0 3.6
`)
  })
})

describe('reportAsJson', () => {
  it('is plain data that says what is open', () => {
    const json = JSON.parse(JSON.stringify(reportAsJson(outcome)))
    expect(json).toMatchObject({
      source: 'template',
      worstSeverity: 'critical',
      counts: { fail: 2, error: 1, manual: 1, pass: 1, notApplicable: 1 },
      unresolved: [{ location: 'Resources.A.Properties.x' }],
      baseline: { expired: [{ control: 'OLD-01' }], unused: [{ control: 'OLD-02' }] }
    })
    expect(json.controls[0]).toEqual({
      id: 'LOW-01',
      severity: 'low',
      title: 'the title',
      status: 'fail',
      findings: [
        {
          status: 'fail',
          open: false,
          resource: 'A',
          location: 'Resources.A',
          evidence: 'is open',
          accepted: { reason: 'known', expires: '2026-12-31' }
        }
      ],
      fix: 'the fix',
      sources: {}
    })
  })
})

describe('reportAsSarif', () => {
  const sarif = (options = {}) =>
    JSON.parse(JSON.stringify(reportAsSarif(outcome, { version: '1.2.3', ...options }))) as {
      version: string
      runs: [{ tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }]
    }

  it('has a rule for each control and a result for each finding, with levels on failures alone', () => {
    const { version, runs } = sarif({ artifact: 'template.json', lines: new Map([['B', 7]]) })
    expect(version).toBe('2.1.0')
    expect(runs[0].tool.driver).toMatchObject({ name: 'sealstream', semanticVersion: '1.2.3' })
    const { rules } = runs[0].tool.driver
    expect(rules[1]).toMatchObject({
      id: 'TOP-01',
      defaultConfiguration: { level: 'error' },
      properties: {
        tags: ['security', 'statements:1', 'securityHub:KMS.4', 'cis:3.6'],
        'security-severity': '9.5'
      }
    })
    const { results } = runs[0]
    for (const result of results) expect(rules[result.ruleIndex as number]!.id).toBe(result.ruleId)
    expect(results.map(({ ruleId, kind, level }) => [ruleId, kind, level])).toEqual([
      ['LOW-01', 'fail', 'note'],
      ['TOP-01', 'fail', 'error'],
      ['TOP-01', 'pass', 'none'],
      ['MID-01', 'open', 'none'],
      ['MAN-01', 'review', 'none'],
      ['MAN-01', 'pass', 'none'],
      ['OK-01', 'pass', 'none'],
      ['NONE-01', 'notApplicable', 'none']
    ])
    expect(results[1]).toMatchObject({
      message: { text: 'is wide open' },
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'template.json' }, region: { startLine: 7 } },
          logicalLocations: [{ fullyQualifiedName: 'Resources.B' }]
        }
      ],
      partialFingerprints: { 'sealstreamFinding/v1': 'TOP-01/B' }
    })
  })

  it('marks what the baseline accepts as suppressed', () => {
    const { results } = sarif().runs[0]
    expect(results[0]!.suppressions).toEqual([
      { kind: 'external', status: 'accepted', justification: 'known' }
    ])
    expect(results.filter(({ suppressions }) => suppressions !== undefined)).toHaveLength(1)
  })

  it('names no file where none was audited', () => {
    const { results } = sarif().runs[0]
    expect(results[1]!.locations).toEqual([{ logicalLocations: [{ fullyQualifiedName: 'Resources.B' }] }])
    expect(results[4]!.locations).toBeUndefined()
  })
})

describe('an attested finding', () => {
  const attestation = { control: 'MAN-01', statement: 'looked at', by: 'custodians', expires: '2026-12-31' }
  const attested = applyBaseline(
    audit(modelOfTemplate({}), [
      aControl({ id: 'MAN-01', evaluate: () => [{ status: 'manual', evidence: 'ask somebody' }] })
    ]),
    { accepted: [], attested: [attestation] },
    '2026-11-25'
  )

  it('is told with who said what, and no longer as one to be decided', () => {
    expect(reportAsText(attested)).toBe(`Attested by people
  MAN-01 looked at (custodians, until 2026-12-31)

1 controls: 0 failed, 0 undecided, 1 manual, 0 passed, 0 not applicable
`)
  })

  it('is told to programs, and suppressed for code scanning', () => {
    const [control] = reportAsJson(attested).controls as { findings: object[] }[]
    expect(control!.findings[0]).toMatchObject({
      status: 'manual',
      open: false,
      attested: { statement: 'looked at', by: 'custodians', expires: '2026-12-31' }
    })
    const [run] = reportAsSarif(attested, { version: '1.0.0' }).runs as { results: object[] }[]
    expect(run!.results[0]).toMatchObject({
      kind: 'review',
      suppressions: [{ kind: 'external', status: 'accepted', justification: 'looked at' }]
    })
  })
})
