import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CreateAliasCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { kmsKeyring } from '../../crypto/index.ts'
import {
  aKinesisEvent,
  altered,
  aSealedAggregate,
  aTransformEvent,
  sequenceNumber
} from '../helpers/lambda-events.ts'
import { openKms } from '../helpers/local-kms.ts'

// The examples import the package by its name: they run on the build, as at a user's.
const root = fileURLToPath(new URL('../..', import.meta.url))
/** In the digits that `toBeCloseTo` takes. */
const tenPercent = 0.7
const outdir = mkdtempSync(join(tmpdir(), 'sealstream-bundles-'))
let bundling: { readonly status: number | null; readonly stdout: string; readonly stderr: string }

beforeAll(() => {
  bundling = spawnSync(process.execPath, ['.ci/bundle-sizes.js', outdir], { cwd: root, encoding: 'utf8' })
})
afterAll(() => rmSync(outdir, { recursive: true }))

async function openKey() {
  const { local, client, createKey } = await openKms()
  const { keyId, arn } = await createKey()
  await client.send(new CreateAliasCommand({ AliasName: 'alias/orders', TargetKeyId: keyId }))
  const { endpoint, region, credentials } = local.clientConfig('kms')
  const sealer = kmsKeyring({ keyId: 'alias/orders', client }).createSealer({ streamName: 'orders' })
  onTestFinished(() => sealer.close())
  const env = {
    PATH: process.env.PATH ?? '',
    AWS_ENDPOINT_URL_KMS: String(endpoint),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true'
  }
  return { client, arn, sealer, env }
}

/** Invokes the function of a module in a process of its own, and waits until that ends by itself. */
async function invoke(file: string, events: readonly object[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(root, 'test/lambda/invoke.js'), file], { env })
  const killer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  child.stdin.end(events.map(event => `${JSON.stringify(event)}\n`).join(''))
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit')
  ])
  clearTimeout(killer)
  const lines = stdout.trim().split('\n')
  const responses = lines
    .filter(line => line.startsWith('response '))
    .map(line => JSON.parse(line.slice(9)) as unknown)
  return { status: status as number | null, stdout, stderr, lines, responses }
}

describe('a bundle', () => {
  it('holds what a function needs and nothing else', () => {
    expect({ status: bundling.status, stderr: bundling.stderr }).toEqual({ status: 0, stderr: '' })
    expect(bundling.stdout.trim().split('\n')).toHaveLength(4)
  })

  it('is as large as the guide says', () => {
    const guide = readFileSync(join(root, 'docs/guides/lambda.md'), 'utf8')
    for (const line of bundling.stdout.trim().split('\n')) {
      const [, name, minified, gzipped] = /^(.+): (\d+) kB minified, (\d+) kB gzipped$/.exec(line) ?? []
      const [, said, saidGzipped] =
        guide.match(new RegExp(`\\| ${name} \\| (\\d+) kB \\| (\\d+) kB \\|`)) ?? []
      expect(Number(said) / Number(minified), line).toBeCloseTo(1, tenPercent)
      expect(Number(saidGzipped) / Number(gzipped), line).toBeCloseTo(1, tenPercent)
    }
  })

  it('of a Kinesis function runs, and leaves nothing to do behind its invocations', async () => {
    const { sealer, env } = await openKey()
    const order = (id: number, total: number): string => JSON.stringify({ id, total })
    const event = aKinesisEvent([
      await aSealedAggregate(sealer, [order(1, 5), order(2, -1), order(3, 5)]),
      await sealer.seal(Buffer.from(order(4, 5)))
    ])
    const { status, responses, lines } = await invoke(
      join(outdir, 'orders-function-with-sdk.mjs'),
      [event, event],
      env
    )
    const returned = { batchItemFailures: [{ itemIdentifier: sequenceNumber(0) }] }
    expect({ status, responses }).toEqual({ status: 0, responses: [returned, returned] })
    expect(lines.filter(line => line === '1 come again')).toHaveLength(2)
  })

  it('of a transformation runs, and leaves nothing to do behind its invocations', async () => {
    const { sealer, env } = await openKey()
    const order = (id: number, isTest: boolean): string => JSON.stringify({ id, card: '4000', isTest })
    const event = aTransformEvent([
      await aSealedAggregate(sealer, [order(1, false), order(2, true), order(3, false)]),
      await sealer.seal(Buffer.from(order(4, true))),
      altered(await sealer.seal(Buffer.from(order(5, false))))
    ])
    const { status, responses } = await invoke(join(outdir, 'orders-transform-with-sdk.mjs'), [event], env)
    const data = Buffer.from('{"id":1,"isTest":false}\n{"id":3,"isTest":false}\n').toString('base64')
    const records = [
      { recordId: sequenceNumber(0), result: 'Ok', data },
      { recordId: sequenceNumber(1), result: 'Dropped' },
      { recordId: sequenceNumber(2), result: 'ProcessingFailed' }
    ]
    expect({ status, responses }).toEqual({ status: 0, responses: [{ records }] })
  })

  it('fails its invocation when the key cannot be had, under a name that minifying left alone', async () => {
    const { sealer, env } = await openKey()
    const event = aKinesisEvent([await sealer.seal(Buffer.from('{}'))])
    // Nobody listens there.
    const unreachable = { ...env, AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }
    const { status, lines } = await invoke(join(outdir, 'orders-function-with-sdk.mjs'), [event], unreachable)
    expect({ status, lines }).toEqual({ status: 0, lines: ['failed KeyUnavailableError'] })
  })
})

describe('the example of secrets', () => {
  it('has each of them once per cold start, and says none', async () => {
    const { client, sealer, arn, env } = await openKey()
    const encrypted = await client.send(
      new EncryptCommand({
        KeyId: arn,
        Plaintext: Buffer.from('open sesame'),
        EncryptionContext: { LambdaFunctionName: 'orders' }
      })
    )
    const parameters = await listen(async request => {
      const { Name, WithDecryption } = JSON.parse(await text(request)) as {
        Name: string
        WithDecryption: boolean
      }
      return { Parameter: { Name, Type: 'SecureString', Value: WithDecryption ? 'the token' : 'ciphertext' } }
    })
    const webhook = await listen(async request => {
      await text(request)
      return {}
    })
    const event = aKinesisEvent([await sealer.seal(Buffer.from('{}'))])
    const { status, stdout, stderr, responses } = await invoke(
      join(root, 'examples/lambda/secrets.js'),
      [event, event],
      {
        ...env,
        AWS_ENDPOINT_URL_SSM: parameters.url,
        AWS_LAMBDA_FUNCTION_NAME: 'orders',
        WEBHOOK_PASSWORD: Buffer.from(encrypted.CiphertextBlob!).toString('base64'),
        WEBHOOK_URL: webhook.url
      }
    )
    const taken = { batchItemFailures: [] }
    expect({ status, stderr, responses }).toEqual({ status: 0, stderr: '', responses: [taken, taken] })
    expect(parameters.requests.map(({ headers }) => headers['x-amz-target'])).toEqual([
      'AmazonSSM.GetParameter'
    ])
    const authorization = `Basic ${Buffer.from('the token:open sesame').toString('base64')}`
    expect(webhook.requests.map(({ headers }) => headers.authorization)).toEqual([
      authorization,
      authorization
    ])
    expect(stdout).not.toMatch(/token|sesame/)
  })

  it('does not start with a variable that is bound to another function', async () => {
    const { client, arn, env } = await openKey()
    const { CiphertextBlob: blob } = await client.send(
      new EncryptCommand({
        KeyId: arn,
        Plaintext: Buffer.from('x'),
        EncryptionContext: { LambdaFunctionName: 'other' }
      })
    )
    const parameters = await listen(async () => ({ Parameter: { Value: 'the token' } }))
    const { status, stdout } = await invoke(join(root, 'examples/lambda/secrets.js'), [aKinesisEvent([])], {
      ...env,
      AWS_ENDPOINT_URL_SSM: parameters.url,
      AWS_LAMBDA_FUNCTION_NAME: 'orders',
      WEBHOOK_PASSWORD: Buffer.from(blob!).toString('base64')
    })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  })
})

/** A server on loopback that answers in JSON, and ends with the test. */
async function listen(answer: (request: IncomingMessage) => Promise<object>) {
  const requests: IncomingMessage[] = []
  const server: Server = createServer(async (request, response) => {
    requests.push(request)
    const body = JSON.stringify(await answer(request))
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}
