import { InvalidOptionError } from '../../core/errors.ts'

/** The part of the package `pkcs11js` that is used. It is an optional peer, because it needs a compiler. */
export interface Pkcs11Module {
  readonly PKCS11: new () => Pkcs11
}

type Handle = Buffer

export interface Pkcs11Mechanism {
  readonly mechanism: number
  readonly parameter: {
    readonly type: number
    readonly iv: Buffer
    readonly aad: Buffer
    readonly ivBits: number
    readonly tagBits: number
  }
}

/** Functions of PKCS #11 2.40, as `pkcs11js` names them. Each throws an error with the return value as `code`. */
export interface Pkcs11 {
  load(path: string): void
  C_Initialize(): void
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { readonly label: string }
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, userType: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: { type: number; value: number | string }[]): void
  C_FindObjects(session: Handle, maxObjectCount: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_EncryptInit(session: Handle, mechanism: Pkcs11Mechanism, key: Handle): void
  C_EncryptAsync(session: Handle, inData: Buffer, outData: Buffer): Promise<Buffer>
  C_DecryptInit(session: Handle, mechanism: Pkcs11Mechanism, key: Handle): void
  C_DecryptAsync(session: Handle, inData: Buffer, outData: Buffer): Promise<Buffer>
}

/** Values of the PKCS #11 2.40 headers, and of AWS CloudHSM's; `gcmParameters` is `pkcs11js`'s own. */
export const Ck = {
  secretKey: 4,
  aes: 0x1f,
  class: 0x0,
  label: 0x3,
  keyType: 0x100,
  serialSession: 4,
  user: 1,
  aesGcm: 0x1087,
  cloudhsmAesGcm: 0x80001087,
  gcmParameters: 3
} as const

export const Ckr = {
  generalError: 0x05,
  functionFailed: 0x06,
  dataInvalid: 0x20,
  deviceError: 0x30,
  encryptedDataInvalid: 0x40,
  encryptedDataLengthRange: 0x41,
  aeadDecryptFailed: 0x42,
  signatureInvalid: 0xc0,
  userAlreadyLoggedIn: 0x100,
  alreadyInitialized: 0x191
} as const

/** Return value of the function that threw; undefined for any other error. */
export function returnValueOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'number' ? code : undefined
}

/** @throws InvalidOptionError when the package is not installed */
export async function loadPkcs11js(): Promise<Pkcs11Module> {
  // A name that the compiler does not follow: the package is not there when this is built.
  const name: string = 'pkcs11js'
  try {
    const loaded = (await import(name)) as Pkcs11Module & { readonly default?: Pkcs11Module }
    return loaded.default ?? loaded
  } catch (cause) {
    const error = new InvalidOptionError('library', 'needs the package pkcs11js: npm i pkcs11js')
    error.cause = cause
    throw error
  }
}
