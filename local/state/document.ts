import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { ClosedError } from '../../core/errors.ts'
import { StateError } from './errors.ts'
import { decodeLines, encodeLine } from './lines.ts'

/** One JSON value in a file of its own, written anew as a whole: what is small and changes seldom. */
export class StateDocument {
  readonly file: string
  #isOpen = true
  #written: string | undefined

  constructor(file: string) {
    this.file = file
  }

  /** The folder belongs to others by now, or has forgotten what it held: nothing is written any more. */
  close(): void {
    this.#isOpen = false
  }

  /** undefined when it was never written. @throws {StateError} when the file is damaged */
  read(): unknown {
    let bytes: Buffer
    try {
      bytes = readFileSync(this.file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const values: unknown[] = []
    const { wholeBytes } = decodeLines(this.file, bytes, value => values.push(value))
    // Moved into place as a whole, it never was half there.
    if (values.length !== 1 || wholeBytes !== bytes.length)
      throw StateError.damaged(this.file, 'not one line')
    this.#written = bytes.toString('utf8')
    return values[0]
  }

  /** Says whether there was something to write: the same value is not written twice. */
  write(value: unknown): boolean {
    const text = encodeLine(value)
    if (text === this.#written) return false
    if (!this.#isOpen) throw new ClosedError(`state document ${this.file}`)
    const aside = `${this.file}.tmp`
    writeFileSync(aside, text, { mode: 0o600 })
    renameSync(aside, this.file)
    this.#written = text
    return true
  }
}
