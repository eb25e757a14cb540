import { describe, expect, it } from 'vitest'
import type { Control, ControlStatus } from '../../infra/audit/control.ts'
import { loadTemplate } from '../../infra/audit/loaders/template.ts'
import type { AuditModel } from '../../infra/audit/model.ts'

type Properties = Record<string, unknown>

/** A resource of a template: its type, its properties, and what else stands beside them. */
export function resource(type: string, properties: Properties = {}, rest: Properties = {}): Properties {
  return { Type: `AWS::${type}`, Properties: properties, ...rest }
}

/** A policy of these statements, each an Allow on everything unless it says otherwise; a member that is undefined is left out. */
export function policy(...statements: readonly Properties[]): Properties {
  return {
    Version: '2012-10-17',
    Statement: statements.map(statement =>
      Object.fromEntries(
        Object.entries({ Effect: 'Allow', Resource: '*', ...statement }).filter(
          ([, value]) => value !== undefined
        )
      )
    )
  }
}

export function modelOfTemplate(resources: Properties, rest: Properties = {}): AuditModel {
  return loadTemplate({ Resources: resources, ...rest })
}

export interface ControlCase {
  readonly title: string
  readonly resources: Properties
  /** Other sections of the template. */
  readonly template?: Properties
  /** Logical id -> status; `whole` for the finding about no resource. Nothing else may be found. */
  readonly findings: Readonly<Record<string, ControlStatus>>
  /** What the evidence of one of them must say. */
  readonly evidence?: RegExp
}

/** One test for each case. A control must have one that passes and one that fails. */
export function describeControl(control: Control, cases: readonly ControlCase[]): void {
  describe(control.id, () => {
    it.each(cases.map(each => [each.title, each] as const))('%s', (_, each) => {
      const found = control.evaluate(modelOfTemplate(each.resources, each.template))
      const statuses = Object.fromEntries(
        found.map(({ resourceId = 'whole', status }) => [resourceId, status] as const)
      )
      expect(statuses).toEqual(each.findings)
      if (each.evidence !== undefined) {
        expect(found.map(({ evidence }) => evidence).join('\n')).toMatch(each.evidence)
      }
    })

    it('has a case that passes and one that fails', () => {
      const all = cases.flatMap(({ findings }) => Object.values(findings))
      expect(all).toContain('pass')
      expect(all).toContain('fail')
    })
  })
}

/** A control that passes, for tests of what is around controls. */
export function aControl(overrides: Partial<Control> = {}): Control {
  return {
    id: 'KMS-01',
    severity: 'high',
    title: 'the title',
    rationale: 'the rationale',
    fix: 'the fix',
    kind: 'resources',
    sources: {},
    evaluate: () => [{ status: 'pass', evidence: 'seen' }],
    ...overrides
  }
}
