import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { constraintError } from '../constraint-error.ts'
import type { StateDocument, StateFolder } from '../state/index.ts'
import type { Grant } from './grants.ts'
import { isPrimary, type KmsKey, newMaterial, newSharedKey, type SharedKey } from './key.ts'
import { decodeKeys, encodeKeys, keyPlace, type SavedKeys } from './saved-keys.ts'
import { BlobSealer } from './sealing.ts'
import { defaultPolicy } from './validations/policy.ts'

/**
 * One line of the request log, which stands in for CloudTrail in tests: who asked for what. It holds the names of
 * encryption context pairs, never their values, and nothing that was sealed or opened.
 */
export interface KmsLoggedRequest {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number
  readonly operation: string
  /** Access key id; undefined for an unsigned request. */
  readonly principal: string | undefined
  readonly region: string
  /** ARNs of the keys that were made, or asked for and found, also when the request was refused. */
  readonly keyArns: readonly string[]
  /** Sorted. */
  readonly contextNames: readonly string[]
  /** The AWS service on whose behalf the caller asked. */
  readonly viaService: string | undefined
  /** Name of the error that was answered. */
  readonly error: string | undefined
}

export interface KmsStoreOptions {
  readonly clock: Clock
  /** Region of requests whose signature names none. */
  readonly region: string
  readonly accountId: string
  /** Where everything but the request log is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

export interface NewKey {
  readonly region: string
  readonly description: string
  readonly policy: string | undefined
  readonly tags: ReadonlyMap<string, string>
}

const dayMs = 86_400_000
const maxLoggedRequests = 10_000
const maxGrantTokens = 10_000

/** Operations that change no key. */
const reads = /^(Get|List|Describe|Decrypt|Encrypt|ReEncrypt|Generate)/

/** Keys and aliases of every region, and the request log, in memory; but the log in the state folder, too. */
export class KmsStore {
  readonly options: KmsStoreOptions
  readonly sealer: BlobSealer
  readonly requests: KmsLoggedRequest[] = []
  /** By `<region>/<id>`. */
  readonly #keys = new Map<string, KmsKey>()
  /** By `<region>/alias/<name>`. */
  readonly #aliases = new Map<string, Alias>()
  /** Tokens that CreateGrant has given out. */
  readonly #grantTokens = new Map<string, { readonly key: KmsKey; readonly grantId: string }>()
  readonly #secret: Buffer
  readonly #document: StateDocument | undefined
  #calls = 0
  /** Whether time alone has changed a key since the last save. */
  #hasSettled = false

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: KmsStoreOptions) {
    this.options = options
    this.#document = options.state?.document('kms', 'keys')
    const saved = this.#document?.read() as SavedKeys | undefined
    const loaded = saved === undefined ? undefined : decodeKeys(saved)
    for (const key of loaded?.keys ?? []) this.#keys.set(keyPlace(key), key)
    for (const alias of loaded?.aliases ?? []) this.#aliases.set(`${alias.key.region}/${alias.name}`, alias)
    for (const [token, grant] of loaded?.grantTokens ?? []) this.#grantTokens.set(token, grant)
    this.#secret = loaded?.secret ?? randomBytes(32)
    this.sealer = new BlobSealer(this.#secret)
    // Blobs may be sealed before a key is changed again.
    this.save('')
  }

  /** Writes what an operation has changed to the state folder, if there is one. */
  save(operation: string): void {
    if (reads.test(operation) && !this.#hasSettled) return
    this.#hasSettled = false
    this.#document?.write(
      encodeKeys({
        secret: this.#secret,
        keys: this.#keys.values(),
        aliases: this.#aliases.values(),
        grantTokens: this.#grantTokens
      })
    )
  }

  /** Requests so far; the log itself is bounded. */
  get calls(): number {
    return this.#calls
  }

  log(request: KmsLoggedRequest): void {
    this.#calls += 1
    this.requests.push(request)
    if (this.requests.length > maxLoggedRequests) this.requests.shift()
  }

  createKey(isMultiRegion: boolean, key: NewKey): KmsKey {
    return this.#add(newSharedKey(key.region, isMultiRegion), key)
  }

  /** @throws AwsError AlreadyExistsException when the region has the key */
  replicate(primary: KmsKey, replica: NewKey): KmsKey {
    this.#settle()
    if (this.#keys.has(`${replica.region}/${primary.id}`)) {
      throw new AwsError(
        'AlreadyExistsException',
        `Key ${primary.id} already exists in region ${replica.region}.`
      )
    }
    return this.#add(primary.shared, replica)
  }

  /** Keys of all regions, oldest first. */
  all(): readonly KmsKey[] {
    this.#settle()
    return [...this.#keys.values()]
  }

  /** Keys of one region, oldest first. */
  keysOf(region: string): readonly KmsKey[] {
    this.#settle()
    return [...this.#keys.values()].filter(key => key.region === region)
  }

  /** The key and its relatives in other regions. */
  siblingsOf(key: KmsKey): readonly KmsKey[] {
    return [...this.#keys.values()].filter(({ shared }) => shared === key.shared)
  }

  /**
   * The key that an id, ARN, alias or alias ARN names, whatever its state. ARNs must be of the region that is asked.
   * @throws AwsError NotFoundException, ValidationException
   */
  find(keyId: unknown, region: string): KmsKey {
    if (typeof keyId !== 'string' || keyId === '') {
      throw constraintError('keyId', 'Member must not be null')
    }
    this.#settle()
    const [, named] = /^arn:aws:kms:([^:]*):/.exec(keyId) ?? []
    if (named !== undefined && named !== region)
      throw new AwsError('NotFoundException', `Invalid arn ${named}`)
    const prefix = this.arn(region, '')
    const local = keyId.startsWith(prefix) ? keyId.slice(prefix.length) : keyId
    if (local.startsWith('alias/')) return this.alias(local, region).key
    const id = local.replace(/^key\//, '')
    const key = this.#keys.get(`${region}/${id}`)
    if (key !== undefined) return key
    throw new AwsError('NotFoundException', `Key '${prefix}key/${id}' does not exist`)
  }

  /** The key behind an id in one region; undefined when there is none, or no longer. */
  keyOf(id: string, region: string): KmsKey | undefined {
    this.#settle()
    return this.#keys.get(`${region}/${id}`)
  }

  hasAlias(name: string, region: string): boolean {
    return this.#aliases.has(`${region}/${name}`)
  }

  /** @throws AwsError NotFoundException */
  alias(name: string, region: string): Alias {
    const alias = this.#aliases.get(`${region}/${name}`)
    if (alias !== undefined) return alias
    throw new AwsError('NotFoundException', `Alias ${this.arn(region, name)} is not found.`)
  }

  setAlias(name: string, key: KmsKey): void {
    const at = `${key.region}/${name}`
    const now = this.options.clock.wallTime()
    this.#aliases.set(at, { name, key, createdMs: this.#aliases.get(at)?.createdMs ?? now, updatedMs: now })
  }

  deleteAlias({ name, key }: Alias): void {
    this.#aliases.delete(`${key.region}/${name}`)
  }

  /** Aliases of one region, in order of their names' code points. */
  aliasesOf(region: string): readonly Alias[] {
    this.#settle()
    return [...this.#aliases.values()]
      .filter(({ key }) => key.region === region)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** A token for a grant, good as long as the grant is. */
  issueGrantToken(key: KmsKey, grantId: string): string {
    const token = Buffer.from(`${randomUUID()}${randomUUID()}`).toString('base64')
    this.#grantTokens.set(token, { key, grantId })
    if (this.#grantTokens.size > maxGrantTokens) {
      this.#grantTokens.delete(this.#grantTokens.keys().next().value!)
    }
    return token
  }

  /** @throws AwsError InvalidGrantTokenException for a token that was never given out, or whose grant is gone */
  grantOfToken(token: string): { readonly key: KmsKey; readonly grant: Grant } {
    const { key, grantId } = this.#grantTokens.get(token) ?? {}
    const grant = grantId === undefined ? undefined : key?.grants.get(grantId)
    if (key !== undefined && grant !== undefined) return { key, grant }
    throw new AwsError('InvalidGrantTokenException', 'The grant token is not valid.')
  }

  /** Grants of one region that a principal may retire. */
  retirableGrantsOf(
    principal: string,
    region: string
  ): readonly { readonly key: KmsKey; readonly grant: Grant }[] {
    return this.keysOf(region).flatMap(key =>
      [...key.grants.values()]
        .filter(({ retiringPrincipal }) => retiringPrincipal === principal)
        .map(grant => ({ key, grant }))
    )
  }

  arn(region: string, resource: string): string {
    return `arn:aws:kms:${region}:${this.options.accountId}:${resource}`
  }

  /** Enables a key; of the rotations that it missed meanwhile one is made up for, and the schedule starts anew. */
  enable(key: KmsKey): void {
    key.state = 'Enabled'
    const now = this.options.clock.wallTime()
    const { rotation, materials } = key.shared
    if (rotation === undefined || !isPrimary(key) || rotation.nextMs > now) return
    materials.push(newMaterial({ type: 'AUTOMATIC', dateMs: now }))
    rotation.nextMs = now + rotation.periodDays * dayMs
  }

  /** Starts the waiting period of a key; of a primary key, once its last replica is gone. */
  scheduleDeletion(key: KmsKey, days: number): void {
    const hasReplicas =
      key.shared.isMultiRegion && isPrimary(key) && this.siblingsOf(key).some(other => other !== key)
    key.pendingDays = days
    key.state = hasReplicas ? 'PendingReplicaDeletion' : 'PendingDeletion'
    key.deletionMs = hasReplicas ? undefined : this.options.clock.wallTime() + days * dayMs
  }

  #add(shared: SharedKey, { region, description, policy, tags }: NewKey): KmsKey {
    const key: KmsKey = {
      id: shared.id,
      region,
      arn: this.arn(region, `key/${shared.id}`),
      createdMs: this.options.clock.wallTime(),
      shared,
      description,
      policy: policy ?? defaultPolicy(this.options.accountId),
      state: 'Enabled',
      deletionMs: undefined,
      pendingDays: undefined,
      tags: new Map(tags),
      grants: new Map()
    }
    this.#keys.set(`${region}/${key.id}`, key)
    return key
  }

  /** Catches up with the clock: keys whose waiting period is over go for good, and due rotations are made. */
  #settle(): void {
    const now = this.options.clock.wallTime()
    // A replica that goes starts the waiting period of its primary key, which may be over as well.
    for (;;) {
      const gone = [...this.#keys.values()].find(
        ({ deletionMs }) => deletionMs !== undefined && deletionMs <= now
      )
      if (gone === undefined) break
      this.#remove(gone)
      this.#hasSettled = true
    }
    for (const key of this.#keys.values()) {
      const { rotation, materials } = key.shared
      if (rotation === undefined || !isPrimary(key) || key.state !== 'Enabled') continue
      for (; rotation.nextMs <= now; rotation.nextMs += rotation.periodDays * dayMs) {
        materials.push(newMaterial({ type: 'AUTOMATIC', dateMs: rotation.nextMs }))
        this.#hasSettled = true
      }
    }
  }

  #remove(key: KmsKey): void {
    this.#keys.delete(`${key.region}/${key.id}`)
    for (const [at, alias] of this.#aliases) if (alias.key === key) this.#aliases.delete(at)
    const rest = this.siblingsOf(key)
    const [primary] = rest
    if (rest.length === 1 && primary?.state === 'PendingReplicaDeletion') {
      primary.state = 'PendingDeletion'
      primary.deletionMs = key.deletionMs! + primary.pendingDays! * dayMs
    }
  }
}

export interface Alias {
  /** With `alias/`. */
  readonly name: string
  readonly key: KmsKey
  readonly createdMs: number
  readonly updatedMs: number
}
