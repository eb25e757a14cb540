import { Writable } from 'node:stream'
import type { UserRecord } from '../core/user-record.ts'
import type { Producer } from './producer.ts'

/**
 * A `Writable` in object mode over a producer. It asks for the next record when there is room for one of any size;
 * `finish` comes when every record is acknowledged. A record that is refused or handed back destroys it with its error.
 * The producer stays open.
 */
export class RecordWritable extends Writable {
  readonly #producer: Pick<Producer, 'put' | 'ready'>
  readonly #outstanding = new Set<Promise<unknown>>()
  readonly #gone = new AbortController()

  constructor(producer: Pick<Producer, 'put' | 'ready'>) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#producer = producer
  }

  override _write(record: UserRecord, _encoding: string, done: (error?: Error) => void): void {
    this.#producer.ready({ signal: this.#gone.signal }).then(
      () => {
        const put: Promise<unknown> = this.#producer
          .put(record)
          .catch((error: Error) => void this.destroy(error))
          .finally(() => this.#outstanding.delete(put))
        this.#outstanding.add(put)
        done()
      },
      (error: Error) => done(error)
    )
  }

  override _final(done: (error?: Error) => void): void {
    void Promise.all(this.#outstanding).then(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#gone.abort(error ?? new Error('the stream was destroyed'))
    done(error)
  }
}
