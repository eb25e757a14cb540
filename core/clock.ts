import { performance } from 'node:perf_hooks'

/** Cancels a scheduled call; does nothing when the call was made already. */
export type CancelTimer = () => void

/** The only source of time in sealstream, so that tests and simulations can bring their own. */
export interface Clock {
  /** Monotonic milliseconds, with an arbitrary origin. Differences only; never stored, never sent. */
  now(): number
  /** Milliseconds since 1970, for values that leave the process. */
  wallTime(): number
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Calls `callback` once after `ms` milliseconds.
   * `unref: true` is for housekeeping that must not keep a process alive.
   */
  schedule(callback: () => void, ms: number, options?: { readonly unref?: boolean }): CancelTimer
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
  schedule(callback, ms, options) {
    const timer = setTimeout(callback, ms)
    if (options?.unref) timer.unref()
    return () => clearTimeout(timer)
  }
}
