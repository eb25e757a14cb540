import { checkInteger, checkKnownOptions, checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import {
  addKeyStats,
  ContextName,
  type KeyStats,
  noKeyStats,
  type OpenerOptions,
  type RecordOpener,
  type RecordSealer,
  type SealerOptions,
  type SealingKeyring
} from '../../core/record-transform.ts'
import { ContextMismatchError, NoUsableDataKeyError } from '../errors.ts'
import { looksSealed, parseHeader } from '../message-format/header.ts'
import { mostEncryptedDataKeys } from '../options.ts'

export interface TenantKeyringOptions {
  /**
   * The keyring of one tenant, asked for when the tenant is first met and after it was given up. Undefined for a
   * tenant that is not known, or not any more: its records can be neither sealed nor opened.
   */
  readonly keyringOf: (tenant: string) => SealingKeyring | undefined
  /**
   * Tenants whose data keys are kept, in each sealer and opener; the one not used for longest goes first.
   * Range 1 to 100_000.
   * @default 1_000
   */
  readonly maxTenants?: number
}

/**
 * A key per tenant. The tenant is the context pair `tenant` of every message, readable by everyone who sees the
 * stream: use an opaque name. Once a tenant's key is gone, and the age of the data-key caches has passed, its records
 * cannot be opened any more, wherever they lie.
 */
export function tenantKeyring(options: TenantKeyringOptions): SealingKeyring {
  checkKnownOptions('', options, ['keyringOf', 'maxTenants'])
  if (typeof options.keyringOf !== 'function') {
    throw new InvalidOptionError('keyringOf', `expected a function, found ${typeof options.keyringOf}`)
  }
  const maxTenants = checkInteger('maxTenants', options.maxTenants ?? 1_000, 1, 100_000)
  const keyringOf = (tenant: string): SealingKeyring => {
    const keyring = options.keyringOf(tenant)
    if (keyring === undefined) throw new NoUsableDataKeyError('the tenant is not known')
    return keyring
  }
  const ofTenant = <T extends SealerOptions>(shared: T, tenant: string): T => ({
    ...shared,
    context: { ...shared.context, [ContextName.tenant]: tenant }
  })
  return {
    isPerTenant: true,
    createSealer: shared =>
      new TenantSealer(
        new OpenTenants(maxTenants, tenant => keyringOf(tenant).createSealer(ofTenant(shared, tenant)))
      ),
    createOpener: (shared: OpenerOptions) =>
      new TenantOpener(
        new OpenTenants(maxTenants, tenant => keyringOf(tenant).createOpener(ofTenant(shared, tenant)))
      )
  }
}

class TenantSealer implements RecordSealer {
  readonly #tenants: OpenTenants<RecordSealer>

  constructor(tenants: OpenTenants<RecordSealer>) {
    this.#tenants = tenants
  }

  get keyStats(): KeyStats {
    return this.#tenants.keyStats
  }

  seal(plaintext: Uint8Array, tenant?: string): Uint8Array | Promise<Uint8Array> {
    return this.#tenants.get(checkString('tenant', tenant)).seal(plaintext)
  }

  overheadBytes(plaintextBytes: number, tenant?: string): number {
    return this.#tenants.get(checkString('tenant', tenant)).overheadBytes(plaintextBytes)
  }

  close(): void {
    this.#tenants.close()
  }
}

class TenantOpener implements RecordOpener {
  readonly #tenants: OpenTenants<RecordOpener>

  constructor(tenants: OpenTenants<RecordOpener>) {
    this.#tenants = tenants
  }

  get keyStats(): KeyStats {
    return this.#tenants.keyStats
  }

  isSealed(data: Uint8Array): boolean {
    return looksSealed(data)
  }

  open(data: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const message = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const tenant = parseHeader(message, mostEncryptedDataKeys).context.get(ContextName.tenant)
    if (tenant === undefined) throw new ContextMismatchError([ContextName.tenant])
    return this.#tenants.get(tenant).open(data)
  }

  close(): void {
    this.#tenants.close()
  }
}

/** Sealers or openers by tenant, in order of use: the first is the one not used for longest. */
class OpenTenants<T extends { readonly keyStats: KeyStats; close(): void }> {
  readonly #max: number
  readonly #make: (tenant: string) => T
  readonly #open = new Map<string, T>()
  /** Of those that were given up. */
  #former = noKeyStats

  constructor(max: number, make: (tenant: string) => T) {
    this.#max = max
    this.#make = make
  }

  get keyStats(): KeyStats {
    return [...this.#open.values()].reduce((sum, { keyStats }) => addKeyStats(sum, keyStats), this.#former)
  }

  get(tenant: string): T {
    const found = this.#open.get(tenant) ?? this.#make(tenant)
    this.#open.delete(tenant)
    this.#open.set(tenant, found)
    if (this.#open.size > this.#max) this.#giveUp(this.#open.keys().next().value!)
    return found
  }

  close(): void {
    for (const tenant of [...this.#open.keys()]) this.#giveUp(tenant)
  }

  #giveUp(tenant: string): void {
    const found = this.#open.get(tenant)!
    this.#open.delete(tenant)
    found.close()
    this.#former = addKeyStats(this.#former, found.keyStats)
  }
}
