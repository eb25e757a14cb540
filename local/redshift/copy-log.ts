import type { Clock } from '../../core/clock.ts'
import type { CopyErrorCode } from './errors.ts'

/** One COPY, and what became of it; nothing of its rows. */
export interface LoggedCopy {
  /** When it ended, on the wall clock of the engines, in milliseconds since 1970. */
  readonly atMs: number
  /** As the statement names it; undefined, as `manifest` is, for one that cannot be read. */
  readonly table: string | undefined
  /** Such as `s3://bucket/manifests/…`. */
  readonly manifest: string | undefined
  /** Rows that are in the table since, also when the answer was lost; 0 for a COPY that failed. */
  readonly rows: number
  /** Rows that were passed over, as MAXERROR allows; 0 for a COPY that failed. */
  readonly refusedRows: number
  /** What whoever sent it was told; undefined when all went well. */
  readonly errorCode: CopyErrorCode | undefined
  readonly errorMessage: string | undefined
}

const maxCopies = 1_000

/** The last 1,000 COPYs, oldest first. */
export class CopyLog {
  readonly #clock: Pick<Clock, 'wallTime'>
  readonly #copies: LoggedCopy[] = []

  constructor(clock: Pick<Clock, 'wallTime'>) {
    this.#clock = clock
  }

  get copies(): readonly LoggedCopy[] {
    return [...this.#copies]
  }

  add(copy: Omit<LoggedCopy, 'atMs'>): void {
    this.#copies.push({ atMs: this.#clock.wallTime(), ...copy })
    if (this.#copies.length > maxCopies) this.#copies.shift()
  }

  clear(): void {
    this.#copies.length = 0
  }
}
