import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'

const folder = makeCommandFolder()
const launch = (args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  launchCommand(folder, args, env)

async function sealstream(
  args: readonly string[],
  stdin = '',
  env: Record<string, string> = {}
): Promise<Outcome> {
  const child = launch(args, env)
  child.stdin!.on('error', () => {})
  child.stdin!.end(stdin)
  return outcome(child)
}

const run = ['run', '--input', '-', '--format', 'ndjson', '--partition-key', 'id', '--json']
const two = '{"id":"a","v":1}\n{"id":"b","v":2}\n'

describe('sealstream run', { timeout: 60_000, concurrent: false }, () => {
  it('delivers what stands on standard input', async () => {
    const { code, json } = await sealstream(run, two)
    expect(json).toMatchObject({
      accepted: 2,
      delivered: 2,
      deadLettered: 0,
      handedBack: 0,
      inFlight: 0,
      lost: 0,
      plaintextFoundAtRest: 0,
      bytesIn: 32
    })
    // Delivery is at least once: on a busy machine a lease may move.
    expect(json).toMatchObject({ destinations: { s3: 2 }, destinationDuplicates: { s3: json.duplicates } })
    expect(json.scannedStores).toEqual(['Kinesis', 'DynamoDB', 'SQS'])
    expect(code).toBe(0)
  })

  it.each([
    ['sealed lines', { deliver: 'ciphertext', packing: true }],
    ['records with an id', { recordIdField: '_id', packing: true }]
  ])('finds in %s the content that was put', async (_, members) => {
    const config = join(folder, 'delivery.json')
    const destinations = [{ kind: 's3', bufferIntervalSeconds: 1, ...members }]
    writeFileSync(config, JSON.stringify({ name: 'o', destinations }))
    const { code, json } = await sealstream([...run, '--config', config], two)
    expect(json).toMatchObject({ accepted: 2, delivered: 2, lost: 0, destinations: { s3: 2 } })
    expect(code).toBe(0)
  })

  it('takes plain lines from a file, on one worker, and names the objects in the summary', async () => {
    const input = join(folder, 'lines.txt')
    writeFileSync(input, 'first line of text\nsecond line of text\r\nsecond line of text\n')
    const { code, stdout, stderr } = await sealstream([
      'run',
      '--input',
      input,
      '--format',
      'lines',
      '--workers',
      '1',
      '--config',
      linesConfig()
    ])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/accepted {7}3/)
    expect(stdout).toMatch(/lost {11}0/)
    expect(stdout).toContain('no plaintext found')
    expect(code).toBe(0)
  })

  it('carries the flights of the demo when no input is named', async () => {
    const { code, json } = await sealstream(['run', '--json'])
    expect(json).toMatchObject({ accepted: 20_000, delivered: 20_000, lost: 0, plaintextFoundAtRest: 0 })
    expect(code).toBe(0)
  })

  it('is not led astray by a hostile environment', async () => {
    const { code, json, stderr } = await sealstream(run, two, {
      AWS_PROFILE: 'missing',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_KINESIS: 'http://127.0.0.1:1',
      HTTPS_PROXY: 'http://127.0.0.1:1',
      HTTP_PROXY: 'http://127.0.0.1:1',
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent'
    })
    expect(stderr).not.toContain('NodeVersionSupportWarning')
    expect(json).toMatchObject({ delivered: 2, lost: 0 })
    expect(code).toBe(0)
  })

  it('stops at a bad line, names it, and delivers what stood before it', async () => {
    const { code, json, stderr } = await sealstream(run, `${two}{"id":\n{"id":"c"}\n`)
    expect(json).toMatchObject({ accepted: 2, delivered: 2, lost: 0 })
    expect(stderr).toContain('line 3 is not a JSON object')
    expect(code).toBe(2)
  })

  it.each([
    ['a missing', '{"v":1}', 'line 3 has no partition key: member id is missing'],
    ['an empty', '{"id":""}', 'line 3 has an empty partition key in member id'],
    ['an overlong', `{"id":"${'k'.repeat(257)}"}`, 'line 3 has a partition key of 257 characters']
  ])('names the line with %s partition key', async (_, line, message) => {
    const { code, json, stderr } = await sealstream(run, `${two}${line}\n`)
    expect(stderr).toContain(message)
    expect(json).toMatchObject({ accepted: 2, delivered: 2 })
    expect(code).toBe(2)
  })

  it('passes over bad lines when told to', async () => {
    const { code, json, stderr } = await sealstream([...run, '--on-bad-line', 'skip'], `nonsense\n${two}`)
    expect(stderr).toContain('line 1 is not a JSON object: skipped')
    expect(json).toMatchObject({ accepted: 2, delivered: 2, refused: 1, deadLettered: 0 })
    expect(code).toBe(0)
  })

  it('dead-letters bad lines when told to, sealed', async () => {
    const { code, json } = await sealstream(
      [...run, '--on-bad-line', 'dead-letter'],
      `nonsense of some length\n${two}`
    )
    expect(json).toMatchObject({
      accepted: 3,
      delivered: 2,
      deadLettered: 1,
      lost: 0,
      plaintextFoundAtRest: 0
    })
    expect(code).toBe(0)
  })

  it('counts what its workers dead-letter, and leaves it where it is', async () => {
    // Lines that are no JSON, which the framing of the default plan refuses.
    const { code, json } = await sealstream(
      ['run', '--input', '-', '--format', 'lines', '--json'],
      'one line of some length\nanother line of some length\n{"id":"json"}\n'
    )
    expect(json).toMatchObject({
      accepted: 3,
      delivered: 1,
      deadLettered: 2,
      lost: 0,
      inFlight: 0,
      plaintextFoundAtRest: 0
    })
    expect(code).toBe(0)
  })

  it('refuses a record over the limit and goes on with the others', async () => {
    const big = `{"id":"big","v":"${'x'.repeat(1_100_000)}"}\n`
    const { code, json, stderr } = await sealstream(run, `${big}${two}`)
    expect(stderr).toContain('line 1 refused')
    expect(stderr).not.toContain('xxxxx')
    expect(json).toMatchObject({ accepted: 2, delivered: 2, refused: 1, lost: 0 })
    expect(code).toBe(2)
  })

  it('drains at SIGINT, prints the ledger and exits with 130', async () => {
    const child = launch(run)
    const done = outcome(child)
    child.stdin!.write(two)
    let isInterrupted = false
    child.stderr!.on('data', (chunk: Buffer) => {
      // Once: a second interrupt ends the run at once.
      if (isInterrupted || !String(chunk).includes('delivered 2')) return
      isInterrupted = true
      child.kill('SIGINT')
    })
    const { code, json } = await done
    expect(json).toMatchObject({ accepted: 2, delivered: 2, lost: 0, inFlight: 0 })
    expect(code).toBe(130)
  })

  it.each(['.mjs', '.json', '.ts'])('reads a plan from a %s file', async extension => {
    const plan = {
      name: 'from-config',
      stream: { shards: 1 },
      consumer: { failoverTimeMs: 2000, idleTimeBetweenReadsMs: 200 },
      destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }]
    }
    const config = join(folder, `plan${extension}`)
    const source = JSON.stringify(plan)
    writeFileSync(
      config,
      extension === '.json'
        ? source
        : extension === '.ts'
          ? `const plan: object = ${source}\nexport default plan`
          : `export default ${source}`
    )
    const { code, json } = await sealstream([...run, '--config', config], two)
    expect(json).toMatchObject({ delivered: 2, output: expect.stringContaining('from-config-delivered') })
    expect(code).toBe(0)
  })

  it.each([
    [
      ['run', '--input', '/nonexistent/file', '--format', 'lines'],
      '--input /nonexistent/file: cannot be read (ENOENT)'
    ],
    [['run', '--input', '/', '--format', 'lines'], '--input /: is a folder'],
    [['run', '--format', 'lines'], '--input is missing'],
    [['run', '--input', '-'], '--format: expected ndjson, lines'],
    [['run', '--input', '-', '--format', 'ndjson'], '--partition-key is missing'],
    [['run', '--input', '-', '--format', 'lines', '--wrokers', '2'], '--wrokers'],
    [
      ['run', '--input', '-', '--format', 'lines', '--workers', '0'],
      '--workers: expected a whole number from 1 to 32, found 0'
    ],
    [
      ['run', '--input', '-', '--format', 'lines', '--engine', 'cloud'],
      '--engine: expected embedded, localstack, endpoint, aws, found cloud'
    ],
    [['run', '--input', '-', '--format', 'lines', '--engine', 'aws'], '--engine aws needs --config'],
    [
      ['run', '--input', '-', '--format', 'lines', '--engine', 'endpoint', '--endpoint', 'nowhere'],
      '--endpoint: expected an http'
    ],
    [['fly'], 'unknown command fly']
  ])('refuses %j', async (args, message) => {
    const { code, stderr, stdout } = await sealstream(args)
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('names an unknown field of the configuration', async () => {
    const config = join(folder, 'typo.json')
    writeFileSync(config, JSON.stringify({ name: 'typo', stream: { shrads: 2 } }))
    const { code, stderr } = await sealstream([...run, '--config', config], two)
    expect(stderr).toContain('option stream.shrads: unknown')
    expect(code).toBe(2)
  })

  it('puts nothing of its own on aws', async () => {
    const { code, stderr } = await sealstream(['run', '--engine', 'aws', '--config', linesConfig()])
    expect(stderr).toContain('--input is missing')
    expect(code).toBe(2)
  })

  it('makes no delivery stream on aws without the role that Firehose is to assume', async () => {
    const config = join(folder, 'no-role.json')
    writeFileSync(config, JSON.stringify({ name: 'no-role' }))
    const { code, stderr } = await sealstream(
      [...run, '--engine', 'aws', '--create', '--config', config],
      two
    )
    expect(stderr).toContain('destinations[0].roleArn')
    expect(code).toBe(2)
  })

  it('names the endpoint that refuses the connection, without a stack trace', async () => {
    // A port that was free a moment ago: nobody listens there.
    const port = await new Promise<number>(resolve => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number }
        server.close(() => resolve(port))
      })
    })
    const endpoint = `http://127.0.0.1:${port}`
    const { code, stderr } = await sealstream([...run, '--engine', 'endpoint', '--endpoint', endpoint], two)
    expect(stderr).toContain(`cannot reach ${endpoint}`)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(3)
    const verbose = await sealstream(
      [...run, '--engine', 'endpoint', '--endpoint', endpoint, '--verbose'],
      two
    )
    expect(verbose.stderr).toContain('    at ')
  })

  it('ends its workers when it is killed', async () => {
    const child = launch([...run, '--verbose'])
    const pids = new Promise<number[]>((resolve, reject) => {
      let text = ''
      child.stderr!.on('data', (chunk: Buffer) => {
        text += String(chunk)
        const found = [...text.matchAll(/worker-\d runs as process (\d+)/g)].map(match => Number(match[1]))
        if (found.length === 2) resolve(found)
      })
      child.on('close', () => reject(new Error(`ended early: ${text}`)))
    })
    const workers = await pids
    child.kill('SIGKILL')
    for (const pid of workers) {
      await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
    }
  })
})

function linesConfig(): string {
  const config = join(folder, 'lines.json')
  writeFileSync(
    config,
    JSON.stringify({
      name: 'lines',
      consumer: { failoverTimeMs: 2000, idleTimeBetweenReadsMs: 200 },
      destinations: [{ kind: 's3', framing: 'lines', bufferIntervalSeconds: 1 }]
    })
  )
  return config
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('sealstream local', () => {
  it('serves all engines behind one port until it is interrupted, and says when it is ready', async () => {
    const child = launch(['local', '--port', '0'])
    const done = outcome(child)
    const endpoint = await new Promise<string>((resolve, reject) => {
      let out = ''
      child.stdout!.on('data', chunk => {
        out += String(chunk)
        const [, url] = /at (http:\S+)\n(?:export \S+\n)+Ready\.\n/.exec(out) ?? []
        if (url !== undefined) resolve(url)
      })
      child.on('close', () => reject(new Error('ended early')))
    })
    expect((await fetch(`${endpoint}/_localstack/health`)).status).toBe(200)
    const taken = await sealstream(['local', '--port', new URL(endpoint).port])
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringContaining('is taken') })
    child.kill('SIGTERM')
    expect((await done).code).toBe(0)
    await expect(fetch(endpoint)).rejects.toThrow()
  })
})
