import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export const arn = (id: string, region = 'eu-west-1', accountId = '111122223333'): string =>
  `arn:aws:kms:${region}:${accountId}:key/${id}`
export const alias = 'alias/orders'

/** The key service as far as a keyring sees it; blobs are bound to key and context. */
export class FakeKms {
  readonly calls: string[] = []
  readonly grantTokens: string[] = []
  /** Error to fail the named operation with. */
  failures: Record<string, Error> = {}
  /** Changes the answer of an operation. */
  alter: Record<string, object> = {}
  readonly #keys = new Map<string, Buffer>()

  readonly send = async (command: { constructor: { name: string }; input: object }): Promise<never> => {
    const operation = command.constructor.name.replace('Command', '')
    const input = command.input as {
      KeyId: string
      EncryptionContext?: object
      Plaintext?: Buffer
      CiphertextBlob?: Buffer
      GrantTokens?: readonly string[]
    }
    this.calls.push(`${operation} ${input.KeyId}`)
    this.grantTokens.push(...(input.GrantTokens ?? []))
    await Promise.resolve()
    if (this.failures[operation] !== undefined) throw this.failures[operation]
    const keyArn = input.KeyId === alias ? arn('orders') : input.KeyId
    const aad = Buffer.from(JSON.stringify(Object.entries(input.EncryptionContext ?? {}).sort()))
    const answer = ((): object => {
      switch (operation) {
        case 'DescribeKey':
          return { KeyMetadata: { Arn: keyArn } }
        case 'GenerateDataKey': {
          const Plaintext = randomBytes(32)
          return { KeyId: keyArn, Plaintext, CiphertextBlob: this.#wrap(keyArn, Plaintext, aad) }
        }
        case 'Encrypt':
          return { KeyId: keyArn, CiphertextBlob: this.#wrap(keyArn, input.Plaintext!, aad) }
        default:
          return { KeyId: keyArn, Plaintext: this.#unwrap(keyArn, input.CiphertextBlob!, aad) }
      }
    })()
    return { ...answer, ...this.alter[operation] } as never
  }

  #key(keyArn: string): Buffer {
    // Replicas of a multi-Region key share their material.
    const name = keyArn.includes(':key/mrk-') ? keyArn.replace(/:kms:[^:]+:/, ':kms::') : keyArn
    const known = this.#keys.get(name) ?? randomBytes(32)
    this.#keys.set(name, known)
    return known
  }

  #wrap(keyArn: string, plaintext: Uint8Array, aad: Buffer): Buffer {
    const iv = randomBytes(12)
    const gcm = createCipheriv('aes-256-gcm', this.#key(keyArn), iv)
    gcm.setAAD(aad)
    return Buffer.concat([iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()])
  }

  #unwrap(keyArn: string, blob: Buffer, aad: Buffer): Buffer {
    try {
      const gcm = createDecipheriv('aes-256-gcm', this.#key(keyArn), blob.subarray(0, 12))
      gcm.setAAD(aad)
      gcm.setAuthTag(blob.subarray(-16))
      return Buffer.concat([gcm.update(blob.subarray(12, -16)), gcm.final()])
    } catch {
      throw named('InvalidCiphertextException')
    }
  }
}

export function named(name: string, httpStatusCode = 400): Error {
  return Object.assign(new Error('service text'), { name, $metadata: { httpStatusCode } })
}
