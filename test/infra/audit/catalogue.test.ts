import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { audit } from '../../../infra/audit/audit.ts'
import { catalogue, findControl } from '../../../infra/audit/catalogue.ts'
import { modelOfTemplate, resource } from '../../helpers/audit.ts'

const folders: Readonly<Record<string, string>> = {
  KMS: 'kms',
  HSM: 'cloudhsm',
  KDS: 'kinesis',
  FH: 'firehose',
  MSF: 'flink',
  SQS: 'sqs',
  IOT: 'iot',
  S3: 's3',
  DDB: 'dynamodb',
  RDS: 'rds',
  RS: 'redshift',
  OS: 'opensearch',
  LAM: 'lambda',
  GLU: 'glue',
  IAM: 'iam',
  NET: 'network',
  LOG: 'logs',
  E2E: 'end-to-end'
}

// Known nowhere else.
const withoutSources = [
  'KMS-03',
  'KMS-05',
  'KMS-07',
  'KMS-08',
  'KDS-06',
  'KDS-07',
  'KDS-08',
  'FH-04',
  'FH-05',
  'FH-12',
  'IOT-04',
  'IAM-02',
  'NET-03',
  'E2E-03',
  'E2E-04',
  'E2E-05',
  'E2E-06'
]

describe('the catalogue', () => {
  it('has each control once, in a file of its own, with a title, a reason and a fix', () => {
    const ids = catalogue.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, title, rationale, fix } of catalogue) {
      const file = new URL(
        `../../../infra/audit/controls/${folders[id.split('-')[0]!]}/${id.toLowerCase()}.ts`,
        import.meta.url
      )
      expect(existsSync(file), id).toBe(true)
      for (const text of [title, rationale, fix]) expect(text, id).toMatch(/^[A-Z].+\.$/)
    }
  })

  it.each([
    ['KMS', 10],
    ['HSM', 4],
    ['KDS', 8],
    ['FH', 12],
    ['MSF', 3],
    ['SQS', 5],
    ['IOT', 5],
    ['S3', 10],
    ['DDB', 6],
    ['RDS', 4],
    ['RS', 4],
    ['OS', 5],
    ['LAM', 5],
    ['GLU', 4],
    ['IAM', 4],
    ['NET', 3],
    ['LOG', 2],
    ['E2E', 6]
  ])('has all controls of %s', (service, count) => {
    const ids = catalogue.map(({ id }) => id).filter(id => id.startsWith(`${service}-`))
    const numbers = Array.from({ length: count }, (_, index) => String(index + 1).padStart(2, '0'))
    expect(ids).toEqual(numbers.map(number => `${service}-${number}`))
  })

  it('says of each control where else it is known, but for those that are known nowhere else', () => {
    const known = catalogue.filter(({ sources }) => Object.values(sources).flat().length > 0)
    const others = catalogue.filter(control => !known.includes(control)).map(({ id }) => id)
    expect(others).toEqual(withoutSources)
  })

  it('finds a control by its id, in any case', () => {
    expect(findControl('kms-05')?.id).toBe('KMS-05')
    expect(findControl('KMS-99')).toBeUndefined()
  })

  it('says of a stream what is left to a run', () => {
    const report = audit(modelOfTemplate({ Stream: resource('Kinesis::Stream') }), catalogue)
    const proofs = report.results.filter(({ control }) => control.id.startsWith('E2E-'))
    expect(proofs.map(({ status }) => status)).toEqual(Array(6).fill('manual'))
    expect(proofs[0]!.findings[0]!.evidence).toBe('run: sealstream prove --only E2E-01')
  })

  it('has nothing to say of a template without any of it', () => {
    const report = audit(modelOfTemplate({ Topic: resource('SNS::Topic') }), catalogue)
    expect(report.worstSeverity).toBeUndefined()
  })
})
