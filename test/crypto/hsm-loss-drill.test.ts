import { describe, it } from 'vitest'
import { pkcs11Keyring } from '../../crypto/index.ts'
import { FakeToken } from '../helpers/fake-token.ts'
import { type DrilledToken, rehearseLoss, replaceInsteadOfRestoring } from '../helpers/hsm-loss-drill.ts'

/** Stands in for a token with a backup: the rehearsal on SoftHSM2 is `npm run test:pkcs11`. */
function aDrilledToken(): DrilledToken {
  let token = new FakeToken()
  let backup = token
  return {
    keyring: () =>
      pkcs11Keyring({
        library: '/nowhere/libtoken.so',
        pkcs11js: token.module,
        pin: '1234',
        keyLabel: 'wrapping',
        namespace: 'hsm',
        name: 'key-1'
      }),
    backUp: () => {
      backup = token
    },
    destroy: () => {
      token = new FakeToken()
      token.keyLabel = 'none'
    },
    restore: () => {
      token = backup
      token.restart()
    },
    replace: () => {
      token = new FakeToken()
    }
  }
}

describe('the loss of an HSM, rehearsed on a stand-in', () => {
  it('holds everything until the backup is there, and then opens it', () => rehearseLoss(aDrilledToken()))

  it('is made worse by a new key under the old label', () => replaceInsteadOfRestoring(aDrilledToken()))
})
