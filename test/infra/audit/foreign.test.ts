import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readTemplateFile } from '../../../cli/template-file.ts'
import { audit } from '../../../infra/audit/audit.ts'
import { catalogue } from '../../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../../infra/audit/loaders/template.ts'

async function auditOf(file: string) {
  const path = fileURLToPath(new URL(`../templates/${file}`, import.meta.url))
  const { template } = await readTemplateFile(path)
  return audit(loadTemplate(template), catalogue)
}

describe('templates that others made', () => {
  // Each line was looked at: `vitest --update` writes them anew, and somebody has to look again.
  it.each(['solutions-constructs.json', 'cdk-l2.json', 'minimal.yaml'])('%s', async file => {
    const { results } = await auditOf(file)
    const lines = results
      .filter(({ status }) => status !== 'notApplicable')
      .flatMap(({ control, findings }) =>
        findings.map(
          ({ status, resourceId = 'the whole' }) =>
            `${control.id} ${control.severity} ${status} ${resourceId}\n`
        )
      )
    await expect(lines.join('')).toMatchFileSnapshot(`foreign/${file}.txt`)
  })

  it('are read without anything left open, but for a parameter without a value', async () => {
    const unresolved = async (file: string) => (await auditOf(file)).unresolved
    expect(await unresolved('solutions-constructs.json')).toEqual([])
    expect(await unresolved('cdk-l2.json')).toEqual([])
    expect(await unresolved('minimal.yaml')).toEqual([
      {
        location: 'Resources.Key.Properties.KeyPolicy.Statement[1].Principal.AWS[3]',
        reason: 'parameter PartnerAccount has no value'
      }
    ])
  })

  it('show what the grants of the CDK allow', async () => {
    const { results } = await auditOf('cdk-l2.json')
    const evidence = (id: string) => results.find(({ control }) => control.id === id)!.findings[0]!.evidence
    // One key for all: whoever may read the table may also make data keys with it, and directly.
    expect(evidence('KMS-06')).toMatch(/Consumer\w+ may wrap and unwrap directly/)
    expect(evidence('KMS-03')).toBe('an administrator may wrap and unwrap by IAM alone')
  })
})
