import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

/** A private key and its certificate, both in PEM. */
export interface Identity {
  readonly key: string
  readonly certificate: string
  readonly serialNumber: string
}

/** An authority of its own, which signs and revokes. */
export interface Authority {
  /** In PEM. */
  readonly certificate: string
  /** An identity for `commonName`; with `host`, one of a server there. */
  issue(commonName: string, host?: string): Promise<Identity>
  /** Its list of the revoked, in PEM, valid for a day unless said otherwise. */
  crl(revoked?: readonly Identity[], nextUpdate?: Date): Promise<string>
}

export async function createAuthority(commonName = 'test authority'): Promise<Authority> {
  const keys = await newKeys()
  const valid = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) }
  const issuer = `CN=${commonName}`
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...valid,
      serialNumber: '01',
      name: issuer,
      keys,
      signingAlgorithm: algorithm,
      extensions: [new BasicConstraintsExtension(true, undefined, true)]
    },
    webcrypto
  )
  let issued = 1
  return {
    certificate: certificate.toString('pem'),
    async issue(subject, host) {
      issued += 1
      const serialNumber = issued.toString(16).padStart(2, '0')
      const own = await newKeys()
      const extensions: Extension[] =
        host === undefined
          ? []
          : [
              new SubjectAlternativeNameExtension([
                { type: 'dns', value: 'localhost' },
                { type: 'ip', value: host }
              ])
            ]
      const signed = await X509CertificateGenerator.create(
        {
          ...valid,
          serialNumber,
          subject: `CN=${subject}`,
          issuer,
          publicKey: own.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: algorithm,
          extensions
        },
        webcrypto
      )
      return { key: await pemOf(own.privateKey), certificate: signed.toString('pem'), serialNumber }
    },
    async crl(revoked = [], nextUpdate = valid.notAfter) {
      const list = await X509CrlGenerator.create(
        {
          issuer,
          thisUpdate: valid.notBefore,
          nextUpdate,
          entries: revoked.map(({ serialNumber }) => ({
            serialNumber,
            revocationDate: valid.notBefore,
            reason: X509CrlReason.keyCompromise
          })),
          signingAlgorithm: algorithm,
          signingKey: keys.privateKey
        },
        webcrypto
      )
      // The name that RFC 7468 gives it, and OpenSSL looks for.
      return list.toString('pem').replaceAll(/-(BEGIN|END) CRL-/g, '-$1 X509 CRL-')
    }
  }
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}
