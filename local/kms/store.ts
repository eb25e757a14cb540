import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

export interface KmsKey {
  readonly id: string
  readonly arn: string
  readonly createdMs: number
  readonly description: string
  state: KeyState
  deletionMs: number | undefined
  /** Every version of the key material; the last one wraps. */
  readonly materials: Buffer[]
}

/** One line of the request log, which stands in for CloudTrail in tests. */
export interface LoggedRequest {
  readonly operation: string
  readonly keyArn: string | undefined
  readonly contextNames: readonly string[]
  readonly error: string | undefined
}

export interface KmsStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
}

const maxLoggedRequests = 10_000
const ivBytes = 12
const tagBytes = 16
/** Blobs are padded with random bytes to the size that the service's blobs have. */
const headBytes = 96

/** Keys, aliases, and the request log, in memory. */
export class KmsStore {
  readonly options: KmsStoreOptions
  readonly aliases = new Map<string, KmsKey>()
  readonly requests: LoggedRequest[] = []
  readonly #keys = new Map<string, KmsKey>()
  #calls = 0

  constructor(options: KmsStoreOptions) {
    this.options = options
  }

  /** Requests so far; the log itself is bounded. */
  get calls(): number {
    return this.#calls
  }

  get keys(): readonly KmsKey[] {
    return [...this.#keys.values()]
  }

  log(request: LoggedRequest): void {
    this.#calls += 1
    this.requests.push(request)
    if (this.requests.length > maxLoggedRequests) this.requests.shift()
  }

  createKey(description: string): KmsKey {
    const id = randomUUID()
    const { region, accountId, clock } = this.options
    const key: KmsKey = {
      id,
      arn: `arn:aws:kms:${region}:${accountId}:key/${id}`,
      createdMs: clock.wallTime(),
      description,
      state: 'Enabled',
      deletionMs: undefined,
      materials: [randomBytes(32)]
    }
    this.#keys.set(id, key)
    return key
  }

  /** The key that an id, ARN, alias or alias ARN names, whatever its state. */
  find(keyId: unknown): KmsKey {
    if (typeof keyId !== 'string' || keyId === '') {
      throw new AwsError(
        'ValidationException',
        "1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null"
      )
    }
    this.#sweep()
    const { region, accountId } = this.options
    const prefix = `arn:aws:kms:${region}:${accountId}:`
    const local = keyId.startsWith(prefix) ? keyId.slice(prefix.length) : keyId
    const key = local.startsWith('alias/')
      ? this.aliases.get(local)
      : this.#keys.get(local.replace(/^key\//, ''))
    if (key !== undefined) return key
    const shown = local.startsWith('alias/') ? `Alias ${prefix}${local}` : `Key '${prefix}key/${local}'`
    throw new AwsError('NotFoundException', `${shown} does not exist`)
  }

  /** The same, for an operation that needs the key to be enabled. */
  findUsable(keyId: unknown): KmsKey {
    const key = this.find(keyId)
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`)
    if (key.state === 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    }
    return key
  }

  /** The same, for an operation that only a key on its way out refuses. */
  findUsableOrDisabled(keyId: unknown): KmsKey {
    const key = this.find(keyId)
    if (key.state === 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    }
    return key
  }

  /**
   * Wraps bytes under the key's newest material, bound to the context. The blob is opaque: whoever reads its
   * layout depends on this engine.
   */
  wrap(key: KmsKey, plaintext: Uint8Array, context: Buffer): Buffer {
    const head = randomBytes(headBytes)
    // Key and version stand masked, so that nobody mistakes the blob for something to parse.
    const name = Buffer.alloc(40)
    name.write(key.id, 0, 'latin1')
    name.writeUInt32BE(key.materials.length - 1, 36)
    for (let at = 0; at < name.length; at += 1) head[at + 40]! = name[at]! ^ head[at]!
    const iv = randomBytes(ivBytes)
    const gcm = createCipheriv('aes-256-gcm', key.materials.at(-1)!, iv)
    gcm.setAAD(Buffer.concat([head, context]))
    return Buffer.concat([head, iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()])
  }

  /** The key that wrapped a blob. @throws AwsError InvalidCiphertextException when it is none of ours */
  keyOf(blob: Buffer): { readonly key: KmsKey; readonly material: Buffer } {
    if (blob.length >= headBytes + ivBytes + tagBytes) {
      const name = Buffer.alloc(40)
      for (let at = 0; at < name.length; at += 1) name[at] = blob[at + 40]! ^ blob[at]!
      const key = this.#keys.get(name.toString('latin1', 0, 36))
      const material = key?.materials[name.readUInt32BE(36)]
      if (key !== undefined && material !== undefined) return { key, material }
    }
    throw invalidCiphertext()
  }

  unwrap(blob: Buffer, material: Buffer, context: Buffer): Buffer {
    const iv = blob.subarray(headBytes, headBytes + ivBytes)
    const gcm = createDecipheriv('aes-256-gcm', material, iv)
    gcm.setAAD(Buffer.concat([blob.subarray(0, headBytes), context]))
    gcm.setAuthTag(blob.subarray(-tagBytes))
    try {
      return Buffer.concat([gcm.update(blob.subarray(headBytes + ivBytes, -tagBytes)), gcm.final()])
    } catch {
      throw invalidCiphertext()
    }
  }

  /** Keys whose waiting period is over are gone for good. */
  #sweep(): void {
    const now = this.options.clock.wallTime()
    for (const key of this.keys) {
      if (key.deletionMs === undefined || key.deletionMs > now) continue
      this.#keys.delete(key.id)
      for (const [alias, target] of this.aliases) if (target === key) this.aliases.delete(alias)
    }
  }
}

function invalidCiphertext(): AwsError {
  // The service answers with an empty message.
  return new AwsError('InvalidCiphertextException', '')
}
