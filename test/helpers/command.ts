import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

// The build, as worker processes run it; `npm test` makes it first.
const bin = fileURLToPath(new URL('../../bin/sealstream.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The last line of standard output, parsed. */
  readonly json: Record<string, unknown>
}

/** A folder that ends with the test file; commands run in it. */
export function makeCommandFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function launchCommand(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {}
): ChildProcess {
  // Nothing of this machine's AWS settings gets in; PATH alone, and what the test adds.
  return spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH ?? '', ...env }, cwd })
}

export async function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', chunk => {
    stdout += String(chunk)
  })
  child.stderr!.on('data', chunk => {
    stderr += String(chunk)
  })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  return {
    code,
    stdout,
    stderr,
    json: last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : {}
  }
}
