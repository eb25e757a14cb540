import { Writable } from 'node:stream'
import type { SinkRecord } from './types.ts'

export interface SinkWriter {
  /** A promise only when there is no room yet. */
  write(record: SinkRecord | Uint8Array, signal: AbortSignal): Promise<void> | undefined
  /** Resolves when everything written is settled. */
  end(): Promise<void>
  /** Gives up what is left. */
  fail(error: Error): void
}

/**
 * A `Writable` in object mode over a sink, of records or of their bytes alone. It asks for the next one when there is
 * room; `finish` comes when every record is delivered. A record that is not delivered destroys it with its error. The
 * sink stays open.
 */
export class SinkWritable extends Writable {
  readonly #writer: SinkWriter
  readonly #gone = new AbortController()

  constructor(writer: SinkWriter) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#writer = writer
  }

  override _write(record: SinkRecord | Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    try {
      const waiting = this.#writer.write(record, this.#gone.signal)
      if (waiting === undefined) done()
      else waiting.then(() => done(), done)
    } catch (error) {
      done(error as Error)
    }
  }

  override _final(done: (error?: Error) => void): void {
    this.#writer.end().then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = error ?? new Error('the stream was destroyed')
    this.#gone.abort(reason)
    this.#writer.fail(reason)
    done(error)
  }
}
