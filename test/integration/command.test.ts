import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../../bin/sealstream.js', import.meta.url))
const endpoint = process.env.SEALSTREAM_ENDPOINT

/** The last line that the command printed. */
async function demo(...args: string[]): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [bin, 'demo', '--engine', 'endpoint', '--json', ...args], {
    env: { PATH: process.env.PATH ?? '', SEALSTREAM_ENDPOINT: endpoint }
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  child.stderr.on('data', chunk => {
    errors += String(chunk)
  })
  const code = await new Promise(resolve => child.on('close', resolve))
  expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' })
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
}

// On the embedded engines the command is tested in test/cli.
describe.skipIf(endpoint === undefined)('the main job on an endpoint', () => {
  it('carries 20,000 records', async () => {
    expect(await demo()).toMatchObject({
      accepted: 20_000,
      delivered: 20_000,
      lost: 0,
      deadLettered: 0,
      inFlight: 0
    })
  }, 120_000)

  it('loses nothing when one of two worker processes is killed', async () => {
    const { accepted, delivered, lost, takenOver } = await demo('--kill-worker')
    expect({ accepted, delivered, lost }).toEqual({ accepted: 20_000, delivered: 20_000, lost: 0 })
    expect(takenOver).toBeGreaterThan(0)
  }, 120_000)
})
