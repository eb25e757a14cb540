import { backoffDelayMs } from '../core/backoff.ts'
import type { KeyUnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { ProducerEvent } from './types.ts'

/** Backoff while the key cannot be had, in milliseconds. */
const keyBackoff = { baseMs: 200, maxMs: 5_000 }

export interface KeyOutagesOptions {
  readonly random: () => number
  readonly logger: Logger
  readonly onEvent: (event: ProducerEvent) => void
}

/** Which keys cannot be had at the moment, told once per outage; by tenant, or undefined for the one key of all. */
export class KeyOutages {
  readonly #options: KeyOutagesOptions
  /** Failures in a row. */
  readonly #failures = new Map<string | undefined, number>()

  constructor(options: KeyOutagesOptions) {
    this.#options = options
  }

  /** Returns how long to wait before the key is asked for again, in milliseconds. */
  onUnavailable(tenant: string | undefined, { serviceCode }: KeyUnavailableError): number {
    const failures = (this.#failures.get(tenant) ?? 0) + 1
    this.#failures.set(tenant, failures)
    const { onEvent, logger, random } = this.#options
    if (failures === 1) {
      onEvent({ type: 'keyUnavailable', serviceCode })
      logger.warn({ serviceCode }, 'the key cannot be had; records are held')
    }
    return backoffDelayMs(failures - 1, { ...keyBackoff, random })
  }

  onAvailable(tenant: string | undefined): void {
    // Nearly always there is none.
    if (this.#failures.size > 0 && this.#failures.delete(tenant))
      this.#options.onEvent({ type: 'keyAvailable' })
  }
}
