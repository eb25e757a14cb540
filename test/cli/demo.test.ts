import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { PlanDestination } from '../../pipeline/index.ts'
import { launchCommand, makeCommandFolder, outcome } from '../helpers/command.ts'
import { openLocal } from '../helpers/local.ts'
import { openRedshift } from '../helpers/redshift.ts'

const folder = makeCommandFolder()
const demo = (...args: string[]) => outcome(launchCommand(folder, ['demo', ...args]))

const everywhere = { s3: 20_000, elasticsearch: 20_000, splunk: 20_000 }
const redshift = await openRedshift()

describe('sealstream demo', { timeout: 120_000, concurrent: false }, () => {
  it('brings the flights to every destination, each with its content, sealed before', async () => {
    const { code, json } = await demo('--json')
    expect(json).toMatchObject({
      accepted: 20_000,
      delivered: 20_000,
      lost: 0,
      inFlight: 0,
      plaintextFoundAtRest: 0,
      scannedStores: ['Kinesis', 'DynamoDB', 'SQS'],
      destinations: {
        ...everywhere,
        redshift: redshift === undefined ? { unavailable: expect.any(String) } : 20_000
      }
    })
    expect(code).toBe(0)
  })

  it('loses nothing anywhere when one of its workers is killed, and says so to a person', async () => {
    const { code, stdout } = await demo('--kill-worker')
    expect(stdout).toMatch(/lost {11}0/)
    for (const name of [...Object.keys(everywhere), ...(redshift === undefined ? [] : ['redshift'])]) {
      expect(stdout).toMatch(new RegExp(`${name} +20,000 records, each with the content that was put`))
    }
    expect(stdout).toContain('no plaintext found in what the Kinesis, DynamoDB and SQS engines hold')
    expect(stdout).toContain('was killed in the middle')
    expect(code).toBe(0)
  })
})

describe('sealstream run', { timeout: 60_000 }, () => {
  const run = (destinations: readonly PlanDestination[], ...args: string[]) => {
    const config = join(folder, 'destinations.json')
    writeFileSync(config, JSON.stringify({ name: 'orders', stream: { shards: 1 }, destinations }))
    const input = ['--input', '-', '--format', 'ndjson', '--partition-key', 'id', '--json']
    const child = launchCommand(folder, ['run', ...input, '--config', config, ...args])
    child.stdin!.end('{"id":"a"}\n{"id":"b"}\n')
    return outcome(child)
  }

  it('counts what it can read, and what was acknowledged elsewhere', async () => {
    const local = await openLocal({ receivers: ['hec', 'search'] })
    const buffer = { bufferIntervalSeconds: 0 }
    const { code, stdout, stderr, json } = await run(
      [
        { kind: 'splunk', endpoint: local.hec!.url, token: local.hec!.token, ...buffer },
        { kind: 's3', ...buffer },
        { kind: 'opensearch', endpoint: local.search!.url, indexRotation: 'NoRotation', ...buffer }
      ],
      '--engine',
      'endpoint',
      '--endpoint',
      local.endpoint
    )
    expect(json).toMatchObject({ accepted: 2, delivered: 2, lost: 0, scannedStores: [] })
    expect(json.destinations).toEqual({ s3: 2, opensearch: 2, splunk: { acknowledged: expect.any(Number) } })
    expect(
      (json.destinations as { splunk: { acknowledged: number } }).splunk.acknowledged
    ).toBeGreaterThanOrEqual(2)
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(local.hec!.token)
    // Documents of others are left alone.
    expect(local.search!.documents('orders')).toHaveLength(2)
  })

  it('refuses a plan of which it could count nothing', async () => {
    const { code, stderr } = await run([
      { kind: 'splunk', endpoint: 'https://hec.example.com', token: 'hunter2' }
    ])
    expect(stderr).toContain('nothing that is delivered to splunk can be read from here')
    expect(stderr).not.toContain('hunter2')
    expect(code).toBe(2)
  })
})
