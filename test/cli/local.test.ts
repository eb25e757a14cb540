import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { exportLines } from '../../cli/local-environment.ts'
import type { LocalEngines } from '../../local/index.ts'
import { launchCommand, makeCommandFolder, outcome } from '../helpers/command.ts'

const folder = makeCommandFolder()

/** The command until it is ready, and what it wrote. */
async function launch(...args: string[]): Promise<string> {
  const child = launchCommand(folder, ['local', '--port', '0', ...args])
  const done = outcome(child)
  onTestFinished(async () => {
    child.kill('SIGTERM')
    expect((await done).code).toBe(0)
  })
  return new Promise((resolve, reject) => {
    let out = ''
    child.stdout!.on('data', chunk => {
      out += String(chunk)
      if (out.endsWith('Ready.\n')) resolve(out)
    })
    child.on('close', () => reject(new Error('ended early')))
  })
}

/** Variables after a shell has evaluated the lines. */
function evaluated(lines: string): Readonly<Record<string, string>> {
  const shell = spawnSync('sh', ['-c', `${lines}\nnode -p 'JSON.stringify(process.env)'`], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '' }
  })
  return JSON.parse(shell.stdout) as Readonly<Record<string, string>>
}

describe('sealstream local', () => {
  it('prints lines that a shell can evaluate, for the services and receivers that are asked for', async () => {
    writeFileSync(join(folder, 'faults.json'), '[{"service":"sqs","kind":"throttle"}]')
    const out = await launch(
      ...['--services', 'sqs,firehose', '--receivers', 'search,hec', '--throttle', '--faults', 'faults.json']
    )
    expect(out).toMatch(/^# s3, sqs, firehose at http:.*\n(export [A-Z_]+=\S+\n)+Ready\.\n$/)
    const variables = evaluated(out.replace('Ready.\n', ''))
    expect(variables).toMatchObject({
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      SEALSTREAM_HEC_TOKEN: expect.stringMatching(/^[0-9a-f-]{36}$/)
    })
    const endpoint = variables.AWS_ENDPOINT_URL!
    expect(await (await fetch(`${endpoint}/_localstack/health`)).json()).toMatchObject({
      services: { s3: 'running', sqs: 'running', firehose: 'running' }
    })
    const { rules } = (await (await fetch(`${endpoint}/_sealstream/faults`)).json()) as { rules: unknown }
    expect(rules).toEqual([{ rule: { service: 'sqs', kind: 'throttle' }, requests: 0, hits: 0 }])
    expect((await fetch(variables.SEALSTREAM_SEARCH_URL!)).status).toBe(200)
    expect((await fetch(`${variables.SEALSTREAM_HEC_URL}/services/collector/health`)).status).toBe(200)
  })

  it('takes TLS on the same port when asked to, and writes what to trust', async () => {
    const out = await launch('--services', 'sqs', '--tls', 'certificate.pem')
    const variables = evaluated(out.replace('Ready.\n', ''))
    expect(variables.SEALSTREAM_TLS_ENDPOINT_URL).toBe(variables.AWS_ENDPOINT_URL?.replace('http:', 'https:'))
    const ca = readFileSync(variables.SEALSTREAM_TLS_CERTIFICATE!)
    const [response] = await once(
      get(`${variables.SEALSTREAM_TLS_ENDPOINT_URL}/_localstack/health`, { ca, agent: false }),
      'response'
    )
    response.resume()
    expect(response.statusCode).toBe(200)
  })

  it('stands still in time until it is told to go on', async () => {
    const out = await launch('--services', 'sqs', '--clock', 'virtual')
    const clock = `${evaluated(out.replace('Ready.\n', '')).AWS_ENDPOINT_URL}/_sealstream/clock`
    const { nowMs } = (await (await fetch(clock)).json()) as { nowMs: number }
    await fetch(clock, { method: 'POST', body: '{"advanceMs":86400000}' })
    expect(await (await fetch(clock)).json()).toMatchObject({ nowMs: nowMs + 86_400_000 })
  })

  it.each([
    [['--services', 'ec2'], 'option services: must be some of kinesis'],
    [['--receivers', 'kafka'], 'option receivers: must be some of search'],
    [['--clock', 'sand'], '--clock: expected system or virtual, found sand'],
    [['--services', 'sqs', '--tls', 'none/c.pem'], '--tls none/c.pem: cannot be written: ENOENT'],
    [['--faults', 'none.json'], '--faults none.json: cannot be read: ENOENT'],
    [['--faults', 'text.json'], '--faults text.json: cannot be read: it is not JSON'],
    [['--faults', 'wrong.json'], 'option faults[0].kind: must be one of throttle']
  ])('refuses %j as wrong usage', async (args, message) => {
    writeFileSync(join(folder, 'text.json'), 'secret text')
    writeFileSync(join(folder, 'wrong.json'), '[{"service":"sqs","kind":"none"}]')
    const { code, stderr } = await outcome(launchCommand(folder, ['local', '--port', '0', ...args]))
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
    expect(stderr).not.toContain('secret')
  })

  it('quotes what a shell would take apart', () => {
    const local = {
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      hec: { url: 'http://127.0.0.1:2', splunkToken: `it's $HOME;"` }
    } as unknown as LocalEngines
    const lines = exportLines(local, ['hec'])
    expect(evaluated(lines.join('\n'))).toMatchObject({
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      SEALSTREAM_HEC_URL: 'http://127.0.0.1:2',
      SEALSTREAM_HEC_SPLUNK_TOKEN: `it's $HOME;"`
    })
  })
})
