import { FanOutUnavailableError } from '../errors.ts'
import type { ReadBatch, RecordSource } from './record-source.ts'

export interface FallbackSourceOptions {
  readonly fanOut: RecordSource
  /** Makes the source that takes over, at the position of the first. */
  readonly poll: () => RecordSource
  readonly onFallback: (error: FanOutUnavailableError) => void
}

/** Reads by enhanced fan-out until that turns out to be unavailable, then by polling for the rest of its life. */
export class FallbackSource implements RecordSource {
  readonly #options: FallbackSourceOptions
  #source: RecordSource

  constructor(options: FallbackSourceOptions) {
    this.#options = options
    this.#source = options.fanOut
  }

  async next(signal: AbortSignal): Promise<ReadBatch> {
    try {
      return await this.#source.next(signal)
    } catch (error) {
      // Polling never rejects with it, so this happens once.
      if (!(error instanceof FanOutUnavailableError)) throw error
      await this.#source.close()
      this.#source = this.#options.poll()
      this.#options.onFallback(error)
      return this.#source.next(signal)
    }
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}
