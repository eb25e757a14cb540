import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Who chooses the IV of CKM_AES_GCM, and whether CloudHSM's own mechanism is there. */
type Rules = 'any' | 'cloudhsm'

interface Gcm {
  readonly mechanism: number
  readonly parameter: {
    readonly iv: Buffer
    readonly aad: Buffer
    readonly ivBits: number
    readonly tagBits: number
  }
}

interface Session {
  readonly id: number
  active: { readonly gcm: Gcm; readonly forEncryption: boolean } | undefined
}

const tagBytes = 16
const cloudhsmAesGcm = 0x80001087

/** A token in memory behind the functions that a keyring uses, with the IV rules of AWS CloudHSM when asked. */
export class FakeToken {
  readonly key = randomBytes(32)
  readonly pins: string[] = []
  logins = 0
  operations = 0
  /** Most sessions that were open at once. */
  mostSessions = 0
  /** Return value to fail the named function with; once each. */
  readonly failures: [name: string, value: number][] = []
  /** What the token says of a wrong tag. */
  wrongTag = 0x40
  keyLabel = 'wrapping'
  readonly #rules: Rules
  readonly #sessions = new Map<number, Session>()
  #nextSession = 1
  #isLoggedIn = false
  #isInitialized = false

  constructor(rules: Rules = 'any') {
    this.#rules = rules
  }

  get openSessions(): number {
    return this.#sessions.size
  }

  /** As after a restart of the device: every handle is worthless. */
  restart(): void {
    this.#sessions.clear()
    this.#isLoggedIn = false
  }

  readonly module = (() => {
    const token = this
    return {
      PKCS11: class {
        load(): void {}
        C_Initialize(): void {
          if (token.#isInitialized) throw failure(0x191)
          token.#isInitialized = true
        }
        C_GetSlotList(): Buffer[] {
          token.#mayFail('C_GetSlotList')
          return [Buffer.from([1])]
        }
        C_GetTokenInfo(): { label: string } {
          return { label: 'token'.padEnd(32) }
        }
        C_OpenSession(): Buffer {
          token.#mayFail('C_OpenSession')
          const id = token.#nextSession++
          token.#sessions.set(id, { id, active: undefined })
          token.mostSessions = Math.max(token.mostSessions, token.#sessions.size)
          return Buffer.from([id])
        }
        C_CloseSession(session: Buffer): void {
          if (!token.#sessions.delete(session[0]!)) throw failure(0xb3)
        }
        C_Login(_session: Buffer, _user: number, pin: string): void {
          token.#mayFail('C_Login')
          token.pins.push(pin)
          if (pin !== '1234') throw failure(0xa0)
          if (token.#isLoggedIn) throw failure(0x100)
          token.#isLoggedIn = true
          token.logins += 1
        }
        #found: Buffer[] = []
        C_FindObjectsInit(_session: Buffer, template: { type: number; value: number | string }[]): void {
          const label = template.find(({ type }) => type === 3)?.value
          this.#found = label === token.keyLabel ? [Buffer.from([9])] : []
        }
        C_FindObjects(): Buffer[] {
          return this.#found
        }
        C_FindObjectsFinal(): void {}
        C_EncryptInit(session: Buffer, gcm: Gcm): void {
          token.#begin(session, gcm, true)
        }
        C_DecryptInit(session: Buffer, gcm: Gcm): void {
          token.#begin(session, gcm, false)
        }
        C_EncryptAsync(session: Buffer, data: Buffer): Promise<Buffer> {
          return token.#finish('C_Encrypt', session, gcm => token.#encrypt(gcm, data))
        }
        C_DecryptAsync(session: Buffer, data: Buffer): Promise<Buffer> {
          return token.#finish('C_Decrypt', session, gcm => token.#decrypt(gcm, data))
        }
      }
    }
  })()

  #begin(handle: Buffer, gcm: Gcm, forEncryption: boolean): void {
    const session = this.#sessions.get(handle[0]!)
    if (session === undefined) throw failure(0xb3)
    if (!this.#isLoggedIn) throw failure(0x101)
    if (session.active !== undefined) throw failure(0x90)
    const { iv } = gcm.parameter
    const isVendor = gcm.mechanism === cloudhsmAesGcm
    if (isVendor && (this.#rules !== 'cloudhsm' || iv.length > 0)) throw failure(0x70)
    const isOwnIv = !isVendor && forEncryption && iv.some(byte => byte !== 0)
    if (isOwnIv && this.#rules === 'cloudhsm') throw failure(0x71)
    session.active = { gcm, forEncryption }
  }

  async #finish(name: string, handle: Buffer, run: (gcm: Gcm) => Buffer): Promise<Buffer> {
    await new Promise(resolve => setImmediate(resolve))
    const session = this.#sessions.get(handle[0]!)
    if (session?.active === undefined) throw failure(0xb3)
    const { gcm } = session.active
    session.active = undefined
    this.operations += 1
    this.#mayFail(name)
    return run(gcm)
  }

  #encrypt({ mechanism, parameter }: Gcm, data: Buffer): Buffer {
    const iv = this.#rules === 'any' ? parameter.iv : randomBytes(12)
    if (mechanism !== cloudhsmAesGcm) iv.copy(parameter.iv)
    const gcm = createCipheriv('aes-256-gcm', this.key, iv)
    gcm.setAAD(parameter.aad)
    const out = [gcm.update(data), gcm.final(), gcm.getAuthTag()]
    return Buffer.concat(mechanism === cloudhsmAesGcm ? [iv, ...out] : out)
  }

  #decrypt({ mechanism, parameter }: Gcm, data: Buffer): Buffer {
    const isVendor = mechanism === cloudhsmAesGcm
    const gcm = createDecipheriv('aes-256-gcm', this.key, isVendor ? data.subarray(0, 12) : parameter.iv)
    gcm.setAAD(parameter.aad)
    gcm.setAuthTag(data.subarray(-tagBytes))
    try {
      return Buffer.concat([gcm.update(data.subarray(isVendor ? 12 : 0, -tagBytes)), gcm.final()])
    } catch {
      throw failure(this.wrongTag)
    }
  }

  #mayFail(name: string): void {
    const at = this.failures.findIndex(([failing]) => failing === name)
    if (at >= 0) throw failure(this.failures.splice(at, 1)[0]![1])
  }
}

function failure(code: number): Error {
  return Object.assign(new Error('from the token'), { code })
}
