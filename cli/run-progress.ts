import { createHash } from 'node:crypto'
import type { StateFolder, StateLog } from '../local/state/index.ts'
import { UsageError } from './exit-code.ts'

/** What became of a line for good. */
export type LineFate =
  | {
      readonly kind: 'acknowledged'
      readonly sequenceNumber: string
      readonly subSequenceNumber: number
    }
  /** Passed over as bad, or over the record limit. */
  | { readonly kind: 'refused' }
  /** Kept with the dead letters, and never put. */
  | { readonly kind: 'deadLettered' }

/** A Kinesis record that a worker has dead-lettered: all of it, or the named user records. */
export interface WorkerDeadLetter {
  readonly sequenceNumber: string
  readonly subSequenceNumbers?: readonly number[] | undefined
}

type Entry =
  | {
      /** Lines from the start that are decided by now. */
      readonly lines: number
      /** Digest of all of them. */
      readonly digest: string
      readonly sequenceNumbers: readonly string[]
      /** Of the lines since the last entry: refused, dead-lettered, or a place in `sequenceNumbers` and a sub-sequence number. */
      readonly fates: readonly ('r' | 'd' | readonly [number, number])[]
    }
  | { readonly deadLetter: WorkerDeadLetter }

/**
 * How far a run has come: the fates of all lines up to the first one that is not decided. What follows it is put again
 * when the run goes on. Holds digests, numbers and nothing of the lines themselves.
 */
export class RunProgress {
  /** Lines that were decided when the run was interrupted last, contiguous from the start. */
  readonly decidedBefore: number
  readonly deadLetters: readonly WorkerDeadLetter[]
  readonly #log: StateLog
  readonly #before: LineFate[] = []
  readonly #digestBefore: string
  /** Lines that were read and are not written down, oldest first. */
  readonly #open: { readonly digest: Buffer; fate: LineFate | undefined }[] = []
  #decided: number
  #read = 0
  #digest: Buffer = Buffer.alloc(0)

  /** @throws {StateError} when what was written is damaged */
  constructor(state: StateFolder) {
    const deadLetters: WorkerDeadLetter[] = []
    let digest = ''
    this.#log = state.log('run', {
      name: 'progress',
      read: value => {
        const entry = value as Entry
        if ('deadLetter' in entry) {
          deadLetters.push(entry.deadLetter)
        } else {
          digest = entry.digest
          for (const fate of fatesOf(entry)) this.#before.push(fate)
        }
        return undefined
      },
      // All of it matters to the end.
      live: { count: () => Number.POSITIVE_INFINITY, entries: () => [] }
    })
    this.deadLetters = deadLetters
    this.#digestBefore = digest
    this.decidedBefore = this.#before.length
    this.#decided = this.decidedBefore
  }

  /** Lines from the start whose fates are written down. */
  get decided(): number {
    return this.#decided
  }

  /**
   * Takes the next line of the input. Returns its place, for `decide`, or its fate when that was decided before.
   * @throws {UsageError} when the lines that were decided before are not those of this input
   */
  read(line: Uint8Array): number | LineFate {
    const place = this.#read++
    this.#digest = createHash('sha256').update(this.#digest).update(line).digest()
    if (place >= this.decidedBefore) {
      this.#open.push({ digest: this.#digest, fate: undefined })
      return place
    }
    // The last one speaks for all before it; nothing new has been put yet.
    if (place === this.decidedBefore - 1 && this.#digest.toString('hex') !== this.#digestBefore) {
      throw otherInput(this.decidedBefore)
    }
    return this.#before[place]!
  }

  /** The input is at its end. @throws {UsageError} when lines are missing that were decided before */
  end(): void {
    if (this.#read < this.decidedBefore) throw otherInput(this.decidedBefore)
  }

  decide(place: number, fate: LineFate): void {
    this.#open[place - this.#decided]!.fate = fate
  }

  /** Written down at once: no worker tells it again. */
  deadLetter(letter: WorkerDeadLetter): void {
    this.#log.append({ deadLetter: letter } satisfies Entry)
    this.#log.flush()
  }

  /** Writes down what was decided since the last time, as far as it is contiguous. */
  flush(): void {
    const undecided = this.#open.findIndex(({ fate }) => fate === undefined)
    const decided = this.#open.splice(0, undecided < 0 ? this.#open.length : undecided)
    if (decided.length === 0) return
    this.#decided += decided.length
    const digest = decided.at(-1)!.digest.toString('hex')
    const sequenceNumbers = new Map<string, number>()
    const fates = decided.map(({ fate }) => encodeFate(fate!, sequenceNumbers))
    this.#log.append({
      lines: this.#decided,
      digest,
      sequenceNumbers: [...sequenceNumbers.keys()],
      fates
    } satisfies Entry)
    this.#log.flush()
  }
}

function encodeFate(fate: LineFate, places: Map<string, number>): 'r' | 'd' | readonly [number, number] {
  if (fate.kind === 'refused') return 'r'
  if (fate.kind === 'deadLettered') return 'd'
  const { sequenceNumber, subSequenceNumber } = fate
  const place = places.get(sequenceNumber) ?? places.size
  places.set(sequenceNumber, place)
  return [place, subSequenceNumber]
}

function fatesOf({ fates, sequenceNumbers }: Extract<Entry, { lines: number }>): LineFate[] {
  return fates.map(fate => {
    if (fate === 'r') return { kind: 'refused' }
    if (fate === 'd') return { kind: 'deadLettered' }
    const [place, subSequenceNumber] = fate
    return { kind: 'acknowledged', sequenceNumber: sequenceNumbers[place]!, subSequenceNumber }
  })
}

function otherInput(lines: number): UsageError {
  return new UsageError(
    `--state: its run has read another input: the first ${lines} lines are not the same. Give it the same input, or name another folder`
  )
}
