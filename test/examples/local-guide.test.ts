import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, onTestFinished } from 'vitest'

// Every snippet of the guide that names its file runs as a reader would run it, on the build.
const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/guides/local.md'), 'utf8')
const snippets = new Map(
  [...guide.matchAll(/^```\w+\n(?:\/\/|#) (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [name!, code!])
)

const folder = mkdtempSync(join(tmpdir(), 'sealstream-guide-'))
mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
for (const name of ['vitest', '@aws-sdk']) {
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
}
symlinkSync(root, join(folder, 'node_modules/sealstream'))
// Finds the command as npx does, and asks no registry for it.
writeFileSync(
  join(folder, 'node_modules/.bin/npx'),
  `#!/bin/sh
shift
exec "${process.execPath}" "${join(root, 'bin/sealstream.js')}" "$@"
`,
  { mode: 0o755 }
)
writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}')
for (const [name, code] of snippets) writeFileSync(join(folder, name), code)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const env = {
  PATH: `${join(folder, 'node_modules/.bin')}:${process.env.PATH ?? ''}`,
  HOME: folder,
  NO_COLOR: '1'
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env })
  expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' })
}

it('has a snippet for each way to use it', () => {
  expect([...snippets.keys()]).toEqual([
    'orders.test.js',
    'archive.node-test.js',
    'functions.node-test.js',
    'start.sh',
    'switches.sh'
  ])
})

it('runs the tests with vitest', () => {
  run(process.execPath, [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--root',
    folder,
    'orders.test.js'
  ])
})

it.each(['archive.node-test.js', 'functions.node-test.js'])('runs %s', name => {
  run(process.execPath, ['--test', name])
})

const hasCurl = spawnSync('curl', ['--version']).status === 0
const hasBash = spawnSync('bash', ['--version']).status === 0

it.skipIf(!hasCurl || !hasBash)('starts the command, and turns every switch over HTTP', async () => {
  const script = [
    'set -euo pipefail',
    "trap 'kill $(jobs -p); wait' EXIT",
    snippets.get('start.sh'),
    snippets.get('switches.sh')
  ].join('\n')
  const child = spawn('bash', ['-c', script], { cwd: folder, env })
  onTestFinished(() => void child.kill())
  const { code, out } = await finished(child)
  expect({ code, out: code === 0 ? '' : out }).toEqual({ code: 0, out: '' })
  const answers = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  expect(answers).toHaveLength(7)
  expect(answers[1]).toMatchObject({ rules: [{ rule: { service: 'kinesis', probability: 0.2 } }] })
  expect(answers[2]).toMatchObject({ rules: [] })
  expect(Object.keys(answers[3]!)).toEqual(['kinesis', 'sqs'])
  expect(answers[4]).toEqual({ storedBytes: 0, streams: [] })
})

async function finished(
  child: ChildProcess
): Promise<{ readonly code: number | null; readonly out: string }> {
  let out = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', chunk => {
      out += String(chunk)
    })
  }
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, out }
}
