import { ErrorCode, KeyUnavailableError, RecordFaultError } from '../../core/errors.ts'
import type { RecordSealer, SealerOptions, SealingKeyring } from '../../core/record-transform.ts'
import { type KeyringOptions, rawAesKeyring, tenantKeyring } from '../../crypto/index.ts'
import type { FakeClock } from '../helpers/fake-clock.ts'
import type { Seeded } from '../helpers/seeded.ts'

/** A keyring whose keys come and go, and take their time. */
export class SimulatedKeyring implements SealingKeyring {
  readonly isPerTenant: boolean
  /** Tenants whose key cannot be had; the empty name stands for the one key of all. */
  readonly outages = new Set<string>()
  /** Tenants who are no more: nothing can be sealed for them, at once or, without tenants, after a while. */
  readonly broken = new Set<string>()
  /** How often a seal has to wait for its key, 0 to 1. */
  slowness = 0
  /** Timers on the clock that are the keyring's own. */
  ownTimers = 0
  readonly #keyring: SealingKeyring
  readonly #clock: FakeClock
  readonly #random: Seeded

  constructor(isPerTenant: boolean, clock: FakeClock, random: Seeded) {
    this.isPerTenant = isPerTenant
    this.#clock = clock
    this.#random = random
    // Keys that are worn out soon, so that a seal has to wait now and then.
    const options: KeyringOptions = { clock, cache: { maxMessages: 20, maxAgeMs: 5_000 } }
    const ofName = (name: string) =>
      rawAesKeyring({ ...options, namespace: 'simulation', name, key: Buffer.alloc(32, name) })
    this.#keyring = isPerTenant ? tenantKeyring({ keyringOf: ofName }) : ofName('key')
  }

  createOpener(options: SealerOptions) {
    return this.#keyring.createOpener(options)
  }

  createSealer(options: SealerOptions): RecordSealer {
    const sealer = this.#keyring.createSealer(options)
    return {
      seal: (plaintext, tenant) => {
        this.#check(tenant ?? '')
        const isOut = this.outages.has(tenant ?? '')
        if (this.#random.chance(this.slowness)) return this.#slowly(isOut, sealer, plaintext, tenant)
        return isOut ? Promise.reject(unavailable()) : sealer.seal(plaintext, tenant)
      },
      overheadBytes: (bytes, tenant) => {
        if (this.isPerTenant) this.#check(tenant ?? '')
        return sealer.overheadBytes(bytes, tenant)
      },
      get keyStats() {
        return sealer.keyStats
      },
      close: () => sealer.close()
    }
  }

  #check(tenant: string): void {
    if (this.broken.has(tenant)) throw new RecordFaultError(ErrorCode.noUsableDataKey, 'scripted')
  }

  async #slowly(
    isOut: boolean,
    sealer: RecordSealer,
    plaintext: Uint8Array,
    tenant: string | undefined
  ): Promise<Uint8Array> {
    const sealed = isOut ? undefined : await sealer.seal(plaintext, tenant)
    this.ownTimers += 1
    await this.#clock.sleep(this.#random.integer(1, this.#random.pick([20, 2_000])))
    this.ownTimers -= 1
    this.#check(tenant ?? '')
    if (sealed === undefined) throw unavailable()
    return sealed
  }
}

function unavailable(): KeyUnavailableError {
  return new KeyUnavailableError('scripted', { serviceCode: 'AccessDeniedException' })
}
