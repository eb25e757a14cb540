import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CfnInclude as Included } from 'aws-cdk-lib/cloudformation-include'
import type { Construct } from 'constructs'
import { CfnInclude } from './peers.ts'

/** Resources, parameters and outputs of a template as constructs under `id`. */
export function includeTemplate(
  scope: Construct,
  id: string,
  template: object,
  options: { readonly preserveLogicalIds: boolean }
): Included {
  // The CDK includes files alone; it has read them when its constructor returns.
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-cdk-'))
  try {
    const templateFile = join(folder, 'template.json')
    writeFileSync(templateFile, JSON.stringify(template))
    return new CfnInclude(scope, id, { templateFile, ...options })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
