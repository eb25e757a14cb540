import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** What somebody has who ran `npm i sealstream aws-cdk-lib constructs`. */
describe('sealstream/infra/cdk as it is installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-cdk-user-'))
  const modules = join(folder, 'node_modules')
  const use = `
    const app = new App({ outdir: 'out', builtinCloudFormationValidation: false })
    const stack = new Stack(app, 'Stack', { synthesizer: new BootstraplessSynthesizer() })
    new SealstreamPipeline(stack, 'Orders', { plan: { name: 'orders' } })
    console.log(app.synth().getStackByName('Stack').template.Resources.Stream.Properties.Name)`

  beforeAll(() => {
    const own = join(modules, 'sealstream')
    mkdirSync(own, { recursive: true })
    cpSync(join(root, 'package.json'), join(own, 'package.json'))
    cpSync(join(root, 'dist'), join(own, 'dist'), { recursive: true })
    for (const name of ['aws-cdk-lib', 'constructs']) {
      symlinkSync(join(import.meta.dirname, 'node_modules', name), join(modules, name), 'dir')
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function run(file: string, text: string) {
    writeFileSync(join(folder, file), text)
    const { NODE_PATH: _, ...env } = process.env
    return execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', env }).trim()
  }

  it('is imported by an ES module', () => {
    const text = `
      import { App, BootstraplessSynthesizer, Stack } from 'aws-cdk-lib'
      import { SealstreamPipeline } from 'sealstream/infra/cdk'${use}`
    expect(run('app.mjs', text)).toBe('orders')
  })

  it('is required by CommonJS', () => {
    const text = `
      const { App, BootstraplessSynthesizer, Stack } = require('aws-cdk-lib')
      const { SealstreamPipeline } = require('sealstream/infra/cdk')${use}`
    expect(run('app.cjs', text)).toBe('orders')
  })

  it('has the types of the CDK', () => {
    const text = `
      import { Stack } from 'aws-cdk-lib'
      import type { IStream } from 'aws-cdk-lib/aws-kinesis'
      import { SealstreamPipeline } from 'sealstream/infra/cdk'
      const stack = new Stack()
      const pipeline = new SealstreamPipeline(stack, 'Orders', { plan: { name: 'orders' } })
      export const stream: IStream = pipeline.stream
      pipeline.stream.metricGetRecordsIteratorAgeMilliseconds()
      pipeline.acknowledgeExpectedFindings({ validateScope: () => ({ violations: [] }) })
      // @ts-expect-error no construct
      new SealstreamPipeline('stack', 'Orders', { plan: { name: 'orders' } })`
    writeFileSync(join(folder, 'app.mts'), text)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', '']
    execFileSync(process.execPath, [tsc, ...options, 'app.mts'], { cwd: folder, stdio: 'pipe' })
  })
})
