import { type ChildProcess, spawn } from 'node:child_process'
import type { User } from './unprivileged-user.ts'

/** A program, and how it is run. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  /** undefined for that of this process. */
  readonly user: User | undefined
}

/**
 * Runs in a process of its own between us and the server: its standard input ends with us, however we end, and then it
 * ends the server and removes what was made for it. It knows nothing of our folders: the script comes as an argument.
 */
const script = `
const { spawn } = require('node:child_process')
const { rmSync } = require('node:fs')
const { file, args, options, folders } = JSON.parse(process.argv[1])
const server = spawn(file, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
let isEnding = false
server.on('error', error => {
  console.error('the server cannot be run: ' + error.code)
  process.exit(1)
})
server.on('exit', code => {
  for (const folder of isEnding ? folders : []) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    } catch {}
  }
  process.exit(code ?? 1)
})
function end() {
  isEnding = true
  server.kill('SIGINT')
  setTimeout(() => server.kill('SIGKILL'), 5000)
}
process.stdin.on('end', end).on('error', end).resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
`

/**
 * Starts the program under the guard, in a process group of its own: a Ctrl-C in a terminal is for us to handle. It ends
 * when standard input of the guard does; `folders` are removed then, and stay when the server ends by itself.
 */
export function spawnGuarded(program: Program, folders: readonly string[]): ChildProcess {
  // Everybody can read arguments: the environment is handed on as one.
  const { env, ...options } = spawnOptions(program)
  const job = JSON.stringify({ file: program.file, args: program.args, options, folders })
  return spawn(process.execPath, ['-e', script, job], {
    env,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    windowsHide: true
  })
}

/** What programs need of our environment. The rest may hold secrets, or settings for clients of PostgreSQL. */
const keptVariables = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP']

export function spawnOptions({ cwd, user }: Program): {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
} {
  const kept = keptVariables.flatMap(name => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { cwd, env: { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }, ...user }
}
