import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, onTestFinished } from 'vitest'
import { pkcs11Keyring } from '../../crypto/index.ts'
import { type DrilledToken, rehearseLoss, replaceInsteadOfRestoring } from '../helpers/hsm-loss-drill.ts'

// Set by `npm run test:pkcs11`, which makes a token first.
const library = process.env.SEALSTREAM_PKCS11_LIBRARY
const tokens = process.env.SEALSTREAM_PKCS11_TOKENS!

/** The token of SoftHSM2: its files are what a backup of a cluster is. */
async function aDrilledToken(): Promise<DrilledToken> {
  const pkcs11js = createRequire(import.meta.url)('pkcs11js')
  const { makeToken } = await import(`${import.meta.dirname}/make-token.js`)
  const backup = mkdtempSync(join(tmpdir(), 'sealstream-softhsm-backup-'))
  onTestFinished(() => rmSync(backup, { recursive: true, force: true }))
  const clear = (): void => {
    for (const name of readdirSync(tokens)) rmSync(join(tokens, name), { recursive: true })
  }
  // The library looks at its folder when it is initialized: this is the restart that follows a loss.
  const restart = (): void => {
    const pkcs11 = new pkcs11js.PKCS11()
    pkcs11.load(library)
    try {
      pkcs11.C_Finalize()
    } catch {
      // It was not in use.
    }
  }
  return {
    keyring: () =>
      pkcs11Keyring({
        library: library!,
        pkcs11js,
        tokenLabel: 'sealstream',
        pin: '1234',
        keyLabel: 'wrapping',
        namespace: 'hsm',
        name: 'key-1'
      }),
    backUp: () => cpSync(tokens, backup, { recursive: true }),
    destroy: () => {
      clear()
      restart()
    },
    restore: () => {
      cpSync(backup, tokens, { recursive: true })
      restart()
    },
    replace: () => {
      restart()
      makeToken(pkcs11js, library)
    }
  }
}

describe.skipIf(library === undefined)('the loss of an HSM, on SoftHSM2 (npm run test:pkcs11)', () => {
  it('holds everything until the backup is there, and then opens it', async () =>
    rehearseLoss(await aDrilledToken()))

  it('is made worse by a new key under the old label', async () =>
    replaceInsteadOfRestoring(await aDrilledToken()))
})
