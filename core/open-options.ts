import { checkKnownOptions } from './check-option.ts'
import { InvalidOptionError } from './errors.ts'
import type { EncryptionContext, SealingKeyring } from './record-transform.ts'

/** With which key, and bound to what, the records of a stream are opened. */
export interface OpenOptions {
  readonly keyring: SealingKeyring
  /** Pairs that every message must carry, beside the pair `stream`. */
  readonly context?: EncryptionContext
  /** Pairs that writers of another kind bind without storing them in the message, see `OpenerOptions`. */
  readonly unstoredContext?: EncryptionContext
  /** Whether records that are not sealed are handed on too, as during a migration. @default false */
  readonly acceptPlaintext?: boolean
}

/** Checks the options and fills in the defaults. @throws InvalidOptionError */
export function resolveOpen(open: OpenOptions | undefined): Required<OpenOptions> | undefined {
  if (open === undefined) return undefined
  checkKnownOptions('open', open, ['keyring', 'context', 'unstoredContext', 'acceptPlaintext'])
  if (typeof open.keyring?.createOpener !== 'function') {
    throw new InvalidOptionError('open.keyring', 'expected a keyring, such as kmsKeyring({ keyId })')
  }
  return {
    keyring: open.keyring,
    context: open.context ?? {},
    unstoredContext: open.unstoredContext ?? {},
    acceptPlaintext: open.acceptPlaintext ?? false
  }
}
