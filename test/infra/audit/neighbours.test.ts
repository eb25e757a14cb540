import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import { catalogue } from '../../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../../infra/audit/loaders/template.ts'
import { neighboursTemplate } from '../neighbours.ts'

const prefixes = /^(HSM|MSF|IOT|RDS|RS|OS|GLU)-/

function statusesOf(template: unknown): Readonly<Record<string, string>> {
  const results = audit(loadTemplate(template), catalogue).results
  return Object.fromEntries(
    results
      .filter(({ control }) => prefixes.test(control.id))
      .map(({ control, status }) => [control.id, status])
  )
}

describe('the services beside a pipeline', () => {
  it('pass together, but for what no template shows', () => {
    const statuses = statusesOf(neighboursTemplate)
    expect(Object.keys(statuses)).toHaveLength(29)
    const others = Object.entries(statuses).filter(([, status]) => status !== 'pass')
    expect(Object.fromEntries(others)).toEqual({ 'HSM-01': 'manual', 'HSM-04': 'manual', 'GLU-04': 'manual' })
  })

  it('have nothing to answer for where a template makes a pipeline alone', () => {
    const statuses = statusesOf({ Resources: { Stream: neighboursTemplate.Resources.Stream } })
    expect(new Set(Object.values(statuses))).toEqual(new Set(['notApplicable']))
  })
})
