import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import { catalogue, findControl } from '../../../infra/audit/catalogue.ts'
import { modelOfTemplate, resource } from '../../helpers/audit.ts'

const folders = { KMS: 'kms', IAM: 'iam', NET: 'network', E2E: 'end-to-end' } as Readonly<
  Record<string, string>
>

describe('the catalogue', () => {
  it('has each control once, in a file of its own, with a title, a reason and a fix', () => {
    const ids = catalogue.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, title, rationale, fix } of catalogue) {
      const folder = folders[id.slice(0, 3)]
      if (folder !== undefined) {
        const file = new URL(
          `../../../infra/audit/controls/${folder}/${id.toLowerCase()}.ts`,
          import.meta.url
        )
        expect(existsSync(file), id).toBe(true)
      }
      for (const text of [title, rationale, fix]) expect(text, id).toMatch(/^[A-Z].+\.$/)
    }
  })

  it('has all controls of keys, roles and networks, and the proofs', () => {
    const ids = (prefix: string) => catalogue.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => id)
    expect(ids('KMS-')).toEqual(
      ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10'].map(number => `KMS-${number}`)
    )
    expect(ids('IAM-')).toEqual(['IAM-01', 'IAM-02', 'IAM-03', 'IAM-04'])
    expect(ids('NET-')).toEqual(['NET-01', 'NET-02', 'NET-03'])
    expect(ids('E2E-')).toEqual(['E2E-01', 'E2E-02', 'E2E-03', 'E2E-04'])
  })

  it('finds a control by its id, in any case', () => {
    expect(findControl('kms-05')?.id).toBe('KMS-05')
    expect(findControl('KMS-99')).toBeUndefined()
  })

  it('says of a stream what is left to a run', () => {
    const report = audit(modelOfTemplate({ Stream: resource('Kinesis::Stream') }), catalogue)
    const proofs = report.results.filter(({ control }) => control.id.startsWith('E2E-'))
    expect(proofs.map(({ status }) => status)).toEqual(['manual', 'manual', 'manual', 'manual'])
    expect(proofs[0]!.findings[0]!.evidence).toBe('run: sealstream prove --only E2E-01')
  })

  it('has nothing to say of a template without any of it', () => {
    const report = audit(modelOfTemplate({ Topic: resource('SNS::Topic') }), catalogue)
    expect(report.worstSeverity).toBeUndefined()
  })
})
