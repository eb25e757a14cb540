import { Semaphore } from '../../core/concurrency.ts'
import { KeyUnavailableError } from '../../core/errors.ts'
import { Ck, Ckr, loadPkcs11js, type Pkcs11, type Pkcs11Module, returnValueOf } from './pkcs11-module.ts'

export interface Pkcs11TokenOptions {
  readonly library: string
  readonly tokenLabel: string | undefined
  readonly pin: string | (() => string | Promise<string>)
  readonly keyLabel: string
  readonly maxSessions: number
  readonly pkcs11js: Pkcs11Module | undefined
}

/** Where one operation runs: a session that nobody else uses meanwhile, and the wrapping key. */
export interface Pkcs11Place {
  readonly pkcs11: Pkcs11
  readonly session: Buffer
  readonly key: Buffer
}

interface Login {
  readonly pkcs11: Pkcs11
  readonly slot: Buffer
  readonly key: Buffer
  /** Keeps the login: it ends with the last session. */
  readonly first: Buffer
  readonly idle: Buffer[]
  /** Whether sessions that come back are closed instead of kept. */
  isForgotten: boolean
}

/**
 * A logged-in token and a pool of sessions, one operation at a time in each. What a session or device error leaves
 * behind is thrown away; the next operation opens and logs in anew.
 */
export class Pkcs11Token {
  readonly #options: Pkcs11TokenOptions
  readonly #slots: Semaphore
  #login: Promise<Login> | undefined

  constructor(options: Pkcs11TokenOptions) {
    this.#options = options
    this.#slots = new Semaphore(options.maxSessions)
  }

  /**
   * Runs one operation. Rejects with what it throws; a failure to get that far is a `KeyUnavailableError`.
   */
  async use<T>(operation: (place: Pkcs11Place) => Promise<T>): Promise<T> {
    await this.#slots.take(1)
    try {
      const login = await this.#loggedIn()
      const { pkcs11, slot, key, idle } = login
      const session = idle.pop() ?? pkcs11.C_OpenSession(slot, Ck.serialSession)
      try {
        const result = await operation({ pkcs11, session, key })
        if (login.isForgotten) closeQuietly(pkcs11, session)
        else idle.push(session)
        return result
      } catch (error) {
        // A failed operation may still be active in its session.
        closeQuietly(pkcs11, session)
        throw error
      }
    } finally {
      this.#slots.release(1)
    }
  }

  /** The next operation opens its session and logs in anew. */
  forget(): void {
    const login = this.#login
    this.#login = undefined
    login?.then(
      opened => {
        opened.isForgotten = true
        for (const session of [opened.first, ...opened.idle.splice(0)]) closeQuietly(opened.pkcs11, session)
      },
      () => {}
    )
  }

  #loggedIn(): Promise<Login> {
    this.#login ??= this.#open().catch((error: unknown) => {
      this.#login = undefined
      throw error
    })
    return this.#login
  }

  async #open(): Promise<Login> {
    const { library, pin, keyLabel, pkcs11js } = this.#options
    const { PKCS11 } = pkcs11js ?? (await loadPkcs11js())
    const secret = typeof pin === 'string' ? pin : await pin()
    try {
      const pkcs11 = new PKCS11()
      pkcs11.load(library)
      ignoring(Ckr.alreadyInitialized, () => pkcs11.C_Initialize())
      const slot = this.#findSlot(pkcs11)
      const first = pkcs11.C_OpenSession(slot, Ck.serialSession)
      ignoring(Ckr.userAlreadyLoggedIn, () => pkcs11.C_Login(first, Ck.user, secret))
      return { pkcs11, slot, first, idle: [], isForgotten: false, key: findKey(pkcs11, first, keyLabel) }
    } catch (error) {
      throw unavailable('the token cannot be used', error)
    }
  }

  #findSlot(pkcs11: Pkcs11): Buffer {
    const { tokenLabel } = this.#options
    const found = pkcs11
      .C_GetSlotList(true)
      .find(slot => tokenLabel === undefined || unpadded(pkcs11.C_GetTokenInfo(slot).label) === tokenLabel)
    if (found === undefined) throw new KeyUnavailableError('pkcs11: no token of that label is present')
    return found
  }
}

/** Names the return value, never what was asked: labels and PINs stay out of errors. */
export function unavailable(what: string, cause: unknown): KeyUnavailableError {
  if (cause instanceof KeyUnavailableError) return cause
  const value = returnValueOf(cause)
  const serviceCode = value === undefined ? 'Unknown' : `CKR 0x${value.toString(16)}`
  return new KeyUnavailableError(`pkcs11: ${what} (${serviceCode})`, { serviceCode })
}

/** Labels are 32 bytes, filled up with blanks; some writers fill with zeros. */
function unpadded(label: string): string {
  return label.replace(/[\0 ]+$/, '')
}

function findKey(pkcs11: Pkcs11, session: Buffer, label: string): Buffer {
  pkcs11.C_FindObjectsInit(session, [
    { type: Ck.class, value: Ck.secretKey },
    { type: Ck.keyType, value: Ck.aes },
    { type: Ck.label, value: label }
  ])
  const found = pkcs11.C_FindObjects(session, 2)
  pkcs11.C_FindObjectsFinal(session)
  if (found.length === 1) return found[0]!
  throw new KeyUnavailableError(
    `pkcs11: ${found.length === 0 ? 'no AES key' : 'more than one AES key'} of that label is on the token`
  )
}

function ignoring(value: number, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (returnValueOf(error) !== value) throw error
  }
}

function closeQuietly(pkcs11: Pkcs11, session: Buffer): void {
  try {
    pkcs11.C_CloseSession(session)
  } catch {
    // It is gone already.
  }
}
