// The PKCS #11 keyring on SoftHSM2 (Debian: softhsm2). Needs its library and, to build pkcs11js, a compiler.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeToken } from './make-token.js'

const here = import.meta.dirname
const libraries = [
  process.env.SOFTHSM2_LIBRARY,
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so'
]

process.exit(main())

function main() {
  const library = libraries.find(path => path !== undefined && existsSync(path))
  if (library === undefined) return skip('SoftHSM2 is not installed (SOFTHSM2_LIBRARY names its library)')
  if (!existsSync(join(here, 'node_modules', 'pkcs11js', 'build'))) {
    run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', here])
  }
  let pkcs11js
  try {
    pkcs11js = createRequire(import.meta.url)('pkcs11js')
  } catch {
    return skip('pkcs11js could not be built: it needs a compiler, Python and the headers of Node')
  }
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-softhsm-'))
  try {
    const tokens = join(folder, 'tokens')
    mkdirSync(tokens)
    const configuration = join(folder, 'softhsm2.conf')
    writeFileSync(configuration, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`)
    process.env.SOFTHSM2_CONF = configuration
    process.env.SEALSTREAM_PKCS11_LIBRARY = library
    process.env.SEALSTREAM_PKCS11_TOKENS = tokens
    makeToken(pkcs11js, library)
    // One file at a time: the library has one state for the process, and the drill ends it.
    return run('npx', ['vitest', 'run', 'test/pkcs11', '--no-file-parallelism'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command, args) {
  return spawnSync(command, args, { stdio: 'inherit', cwd: join(here, '..', '..') }).status ?? 1
}

function skip(reason) {
  console.log(`skipped: ${reason}`)
  return 0
}
