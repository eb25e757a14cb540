import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aTemplate } from './pipelines.ts'

const root = resolve(import.meta.dirname, '../..')

/** What somebody has who ran `npm i sealstream aws-cdk-lib constructs`. */
describe('sealstream/infra/cdk as it is installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-cdk-user-'))
  const modules = join(folder, 'node_modules')
  const template = JSON.stringify(aTemplate())
  const use = `
    const app = new App({ outdir: 'out', builtinCloudFormationValidation: false })
    const stack = new Stack(app, 'Stack', { synthesizer: new BootstraplessSynthesizer() })
    new SealstreamPipeline(stack, 'Orders', { template: ${template} })
    console.log(Object.keys(app.synth().getStackByName('Stack').template.Resources).join(' '))`

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
    expect(run('app.mjs', text)).toBe('ConsumerRole EnvelopeKey ConsumerPolicy Stream')
  })

  it('is required by CommonJS', () => {
    const text = `
      const { App, BootstraplessSynthesizer, Stack } = require('aws-cdk-lib')
      const { SealstreamPipeline } = require('sealstream/infra/cdk')${use}`
    expect(run('app.cjs', text)).toBe('ConsumerRole EnvelopeKey ConsumerPolicy Stream')
  })

  it('has the types of the CDK', () => {
    const text = `
      import { Stack } from 'aws-cdk-lib'
      import type { IStream } from 'aws-cdk-lib/aws-kinesis'
      import { SealstreamPipeline } from 'sealstream/infra/cdk'
      const stack = new Stack()
      const pipeline = new SealstreamPipeline(stack, 'Orders', { template: { Resources: {} } })
      export const stream: IStream | undefined = pipeline.streams.get('Stream')
      // @ts-expect-error no construct
      new SealstreamPipeline('stack', 'Orders', { template: { Resources: {} } })`
    writeFileSync(join(folder, 'app.mts'), text)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', '']
    execFileSync(process.execPath, [tsc, ...options, 'app.mts'], { cwd: folder, stdio: 'pipe' })
  })
})
