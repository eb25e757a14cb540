// The PKCS #11 keyring on SoftHSM2 (Debian: softhsm2). Needs its library and, to build pkcs11js, a compiler.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const pin = '1234'
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
    mkdirSync(join(folder, 'tokens'))
    const configuration = join(folder, 'softhsm2.conf')
    writeFileSync(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`)
    process.env.SOFTHSM2_CONF = configuration
    process.env.SEALSTREAM_PKCS11_LIBRARY = library
    makeToken(pkcs11js, library)
    return run('npx', ['vitest', 'run', 'test/pkcs11'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A token with a key that can neither be read nor leave. */
function makeToken(pkcs11js, library) {
  const pkcs11 = new pkcs11js.PKCS11()
  pkcs11.load(library)
  pkcs11.C_Initialize()
  const [empty] = pkcs11.C_GetSlotList(true)
  pkcs11.C_InitToken(empty, pin, 'sealstream')
  const slot = pkcs11
    .C_GetSlotList(true)
    .find(each => pkcs11.C_GetTokenInfo(each).label.startsWith('sealstream'))
  const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
  pkcs11.C_Login(session, pkcs11js.CKU_SO, pin)
  pkcs11.C_InitPIN(session, pin)
  pkcs11.C_Logout(session)
  pkcs11.C_Login(session, pkcs11js.CKU_USER, pin)
  pkcs11.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN, parameter: null }, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_LABEL, value: 'wrapping' },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 }
  ])
  pkcs11.C_Finalize()
}

function run(command, args) {
  return spawnSync(command, args, { stdio: 'inherit', cwd: join(here, '..', '..') }).status ?? 1
}

function skip(reason) {
  console.log(`skipped: ${reason}`)
  return 0
}
