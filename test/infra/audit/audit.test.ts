import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../core/errors.ts'
import { audit, hasFindingsFrom } from '../../../infra/audit/audit.ts'
import type { Control, ControlStatus, Finding } from '../../../infra/audit/control.ts'
import type { AuditModel, FailedRead } from '../../../infra/audit/model.ts'
import { aControl } from '../../helpers/audit.ts'

const denied: FailedRead = { action: 'kms:GetKeyPolicy', resource: 'arn:key', code: 'AccessDeniedException' }

function model(overrides: Partial<AuditModel> = {}): AuditModel {
  const resources = [
    { id: 'Key', type: 'AWS::KMS::Key', arn: 'arn:key', properties: {}, location: 'Resources.Key' }
  ]
  return {
    source: 'live',
    partition: 'aws',
    region: 'us-east-1',
    accountId: '123456789012',
    resources,
    identityPolicies: new Map(),
    resourcePolicies: new Map(),
    unresolved: [],
    failedReads: [],
    ...overrides
  }
}

const found = (...statuses: readonly ControlStatus[]): Pick<Control, 'evaluate'> => ({
  evaluate: () => statuses.map(status => ({ status, evidence: 'e' }))
})

describe('audit', () => {
  it.each<[readonly ControlStatus[], ControlStatus]>([
    [['pass', 'fail', 'error'], 'fail'],
    [['pass', 'error', 'manual'], 'error'],
    [['pass', 'manual'], 'manual'],
    [['notApplicable', 'pass'], 'pass'],
    [[], 'notApplicable']
  ])('takes the gravest of %j for the control: %s', (statuses, expected) => {
    const report = audit(model(), [aControl(found(...statuses))])
    expect(report.results[0]!.status).toBe(expected)
    expect(report.counts[expected]).toBe(1)
    expect(report.results[0]!.findings.length).toBeGreaterThan(0)
  })

  it('names the gravest severity of what failed or could not be decided', () => {
    const of = (...controls: readonly Control[]) => audit(model(), controls)
    const high = aControl({ severity: 'high', ...found('pass') })
    const medium = aControl({ severity: 'medium', ...found('error') })
    const low = aControl({ severity: 'low', ...found('fail') })
    expect(of(high).worstSeverity).toBeUndefined()
    expect(of(high, low).worstSeverity).toBe('low')
    const report = of(low, high, medium)
    expect(report.worstSeverity).toBe('medium')
    expect(hasFindingsFrom(report, 'high')).toBe(false)
    expect(hasFindingsFrom(report, 'medium')).toBe(true)
    expect(hasFindingsFrom(report, 'low')).toBe(true)
    expect(hasFindingsFrom(of(high), 'low')).toBe(false)
  })

  it('reports a control that throws as an error, and goes on', () => {
    const throwing = (error: unknown) =>
      aControl({
        evaluate: () => {
          throw error
        }
      })
    const report = audit(model(), [
      throwing(new InvalidOptionError('Key.KeyPolicy', 'is malformed')),
      throwing(new TypeError('the secret is 42')),
      aControl(found('pass'))
    ])
    expect(report.results.map(({ status }) => status)).toEqual(['error', 'error', 'pass'])
    expect(report.results.map(({ findings }) => findings[0]!.evidence)).toEqual([
      'could not be decided: option Key.KeyPolicy: is malformed',
      'could not be decided: TypeError',
      'e'
    ])
  })

  it('says of a control that needs an account that a template does not decide it', () => {
    const control = aControl({ kind: 'live', ...found('fail') })
    expect(audit(model({ source: 'template' }), [control]).results[0]!.status).toBe('notApplicable')
    expect(audit(model(), [control]).results[0]!.status).toBe('fail')
  })

  it('makes a read that a control rests on, and that failed, an error of the whole control', () => {
    const control = aControl({ reads: ['kms:GetKeyPolicy'], ...found('pass') })
    const { results } = audit(model({ failedReads: [denied] }), [control, aControl(found('pass'))])
    expect(results.map(({ status }) => status)).toEqual(['error', 'pass'])
    expect(results[0]!.findings[0]!.evidence).toBe('kms:GetKeyPolicy on arn:key: AccessDeniedException')
  })

  it('tells what could not be decided of a resource with the reads of it that failed', () => {
    const findings: readonly Finding[] = [
      { status: 'error', resourceId: 'Key', evidence: 'its policy cannot be told' },
      { status: 'error', resourceId: 'Other', evidence: 'x' },
      { status: 'fail', resourceId: 'Key', evidence: 'y' }
    ]
    const { results } = audit(model({ failedReads: [denied] }), [aControl({ evaluate: () => findings })])
    expect(results[0]!.findings.map(({ evidence }) => evidence)).toEqual([
      'its policy cannot be told; kms:GetKeyPolicy on arn:key: AccessDeniedException',
      'x',
      'y'
    ])
  })
})
