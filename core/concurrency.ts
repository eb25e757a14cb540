/** A promise with its handles outside. Node 20 has no `Promise.withResolvers`. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue
    reject = onReason
  })
  return { promise, resolve, reject }
}

/**
 * A budget of units (bytes, slots) that tasks take and give back.
 * Waiters are served in order; a request larger than the whole budget is let through alone.
 */
export class Semaphore {
  readonly #capacity: number
  readonly #waiters: { units: number; grant: Deferred<void> }[] = []
  #taken = 0
  #waitingUnits = 0
  /** Granted, and the taker has not heard of it. */
  #granted = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Units that are taken now. */
  get taken(): number {
    return this.#taken
  }

  /** Requests that wait, also those that were granted and have not heard of it. */
  get waiting(): number {
    return this.#waiters.length + this.#granted
  }

  /** Units that are waited for. */
  get waitingUnits(): number {
    return this.#waitingUnits
  }

  /** Takes `units` without waiting, or returns false and takes nothing. */
  tryTake(units: number): boolean {
    if (this.waiting > 0 || !this.#fits(units)) return false
    this.#taken += units
    return true
  }

  /**
   * Takes `units`, waiting for room; rejects with `signal.reason` and takes nothing when the signal aborts.
   * Nobody takes anything between a grant and the first reaction to its promise: who waited is not overtaken by whom
   * the release itself called up.
   */
  take(units: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.tryTake(units)) return Promise.resolve()
    const waiter = { units, grant: deferred<void>() }
    this.#waiters.push(waiter)
    this.#waitingUnits += units
    const onAbort = (): void => {
      const index = this.#waiters.indexOf(waiter)
      if (index < 0) return
      this.#waiters.splice(index, 1)
      this.#waitingUnits -= units
      waiter.grant.reject(signal?.reason)
      // The one that left may have been what held up smaller requests behind it.
      this.#serve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const { promise } = waiter.grant
    // The first reaction of all; the taker's own follows it at once.
    promise.then(
      () => {
        signal?.removeEventListener('abort', onAbort)
        this.#granted -= 1
        this.#serve()
      },
      () => {}
    )
    return promise
  }

  /** Takes `units` whether there is room or not, for what is there already: who comes next waits until it fits again. */
  takeAtOnce(units: number): void {
    this.#taken += units
  }

  release(units: number): void {
    this.#taken -= units
    this.#serve()
  }

  #fits(units: number): boolean {
    return this.#taken === 0 || this.#taken + units <= this.#capacity
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const next = this.#waiters[0]!
      if (!this.#fits(next.units)) return
      this.#waiters.shift()
      this.#waitingUnits -= next.units
      this.#taken += next.units
      this.#granted += 1
      next.grant.resolve()
    }
  }
}

/** Runs one task per key at a time; callers that come while it runs share its outcome. */
export class SingleFlight<K, V> {
  readonly #running = new Map<K, Promise<V>>()

  run(key: K, task: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const started = task().finally(() => this.#running.delete(key))
    this.#running.set(key, started)
    return started
  }
}
