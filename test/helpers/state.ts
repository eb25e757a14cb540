import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type LocalClientConfig,
  type LocalEngines,
  type LocalOptions,
  startLocal
} from '../../local/index.ts'
import { launchCommand } from './command.ts'

/** A state folder that ends with the test; it is not made yet. */
export function makeStateFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'sealstream-state-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'state')
}

/** Starts the engines on one state folder again and again; those before are closed first. */
export function restartable(options: LocalOptions = {}): (more?: LocalOptions) => Promise<LocalEngines> {
  const stateFolder = makeStateFolder()
  let current: LocalEngines | undefined
  onTestFinished(async () => current?.close())
  return async more => {
    await current?.close()
    current = await startLocal({ ...options, ...more, stateFolder })
    return current
  }
}

/** Engines in a process of their own. */
export interface EngineProcess {
  readonly clientConfig: LocalClientConfig
  /** SIGKILL: resolves when the process is gone. */
  kill(): Promise<void>
}

/** `sealstream local` on a state folder. */
export async function launchEngines(stateFolder: string): Promise<EngineProcess> {
  const child = launchCommand(tmpdir(), ['local', '--port', '0', '--state', stateFolder])
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(kill)
  const endpoint = await new Promise<string>((resolve, reject) => {
    let out = ''
    child.stdout!.on('data', chunk => {
      out += String(chunk)
      const [, found] = /at (http:\S+)\n(?:export \S+\n)+Ready\./.exec(out) ?? []
      if (found !== undefined) resolve(found)
    })
    let errors = ''
    child.stderr!.on('data', chunk => {
      errors += String(chunk)
    })
    child.once('close', () => reject(new Error(`the engines did not start: ${errors}`)))
  })
  return {
    clientConfig: {
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      forcePathStyle: true
    },
    kill
  }
}

/**
 * Puts one thing after the other, some at a time, and kills the engines in the middle: as soon as `count` of them were
 * acknowledged, with others under way. Returns what was acknowledged.
 */
export async function putUntilKilled<T>(
  engines: EngineProcess,
  count: number,
  put: (number: number) => Promise<T>
): Promise<T[]> {
  const acknowledged: T[] = []
  let next = 0
  let killed: Promise<void> | undefined
  const putting = async (): Promise<void> => {
    while (killed === undefined) {
      const result = await put(next++).catch((error: unknown) => {
        if (killed === undefined) throw error
        return undefined
      })
      // An answer that was on its way counts, also behind the kill.
      if (result !== undefined) acknowledged.push(result)
      if (acknowledged.length >= count) killed ??= engines.kill()
    }
  }
  await Promise.all([putting(), putting(), putting()])
  await killed
  return acknowledged
}
