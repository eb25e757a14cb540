import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

describe('the peers of sealstream/infra/cdk', () => {
  it('are named with the line that installs them where they are missing', async () => {
    await expect(import('../../../infra/cdk/index.ts')).rejects.toMatchObject({
      message:
        'sealstream/infra/cdk needs the packages aws-cdk-lib and constructs: npm i aws-cdk-lib constructs',
      cause: { code: 'MODULE_NOT_FOUND' }
    })
  })

  it('are named nowhere else in what is published', () => {
    const dist = resolve(import.meta.dirname, '../../../dist')
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name =>
      /\.(js|d\.ts)$/.test(name)
    )
    const naming = files.filter(name =>
      /['"](aws-cdk-lib|constructs)['"/]/.test(readFileSync(join(dist, name), 'utf8'))
    )
    const isOfCdk = (name: string) => name.startsWith(join('infra', 'cdk'))
    expect(naming.filter(name => !isOfCdk(name))).toEqual([])
    expect(naming.filter(isOfCdk).length).toBeGreaterThan(0)
  })
})
