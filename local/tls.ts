import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { InvalidOptionError } from '../core/errors.ts'
import type { LocalService } from './services.ts'
import { EngineStartError } from './testing/errors.ts'

/** A private key and the certificate that goes with it, each in PEM. */
export interface TlsKeyPair {
  readonly key: string
  /** Followed by those of its issuers, if clients need them. */
  readonly certificate: string
}

/** How clients reach the engines by TLS. The ports are those of plain HTTP. */
export interface LocalTls {
  /** One address that serves all services, such as `https://127.0.0.1:4566`. */
  readonly endpoint: string
  /** Address of each service. */
  readonly endpoints: Readonly<Record<LocalService, string>>
  /** What clients have to trust, in PEM: the certificate that was made, or the one that was given. */
  readonly caCertificate: string
}

/** How long a certificate that is made here is valid, in milliseconds: some clients refuse those for years. */
const validMs = 365 * 86_400_000
/** For machines whose clocks are a little behind, in milliseconds. */
const leewayMs = 3_600_000

/**
 * The given pair, or one that is made for localhost, the addresses of loopback and `host`.
 * @throws {InvalidOptionError} when the given ones are no PEM, or not of each other
 * @throws {EngineStartError} when the package `selfsigned` is needed and not installed
 */
export async function tlsKeyPairOf(
  tls: boolean | TlsKeyPair | undefined,
  host: string
): Promise<TlsKeyPair | undefined> {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return makeKeyPair(host)
  if (!isPair(tls)) {
    throw new InvalidOptionError('tls', 'must be true, or a private key and its certificate, both in PEM')
  }
  return tls
}

function isPair({ key, certificate }: TlsKeyPair): boolean {
  if (key === undefined || certificate === undefined) return false
  try {
    createSecureContext({ key, cert: certificate })
    return true
  } catch {
    // What OpenSSL says of it helps nobody, and what was given may be a key.
    return false
  }
}

async function makeKeyPair(host: string): Promise<TlsKeyPair> {
  const { generate } = await load()
  const addresses = new Set(['127.0.0.1', '::1', ...(isIP(host) === 0 ? [] : [host])])
  const names = new Set(['localhost', ...(isIP(host) === 0 ? [host] : [])])
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - leewayMs),
    notAfterDate: new Date(Date.now() + validMs),
    extensions: [
      // It is its own issuer, and signs no others: some clients take no authority for a server.
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...Array.from(names, value => ({ type: 2 as const, value })),
          ...Array.from(addresses, ip => ({ type: 7 as const, ip }))
        ]
      }
    ]
  })
  return { key: pair.private, certificate: pair.cert }
}

async function load(): Promise<typeof import('selfsigned')> {
  try {
    return await import('selfsigned')
  } catch (error) {
    throw new EngineStartError(
      'package-missing',
      'a certificate is made by the package selfsigned: npm i -D selfsigned, or give a key and a certificate as tls',
      error
    )
  }
}
