import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { ClosedError } from '../../core/errors.ts'
import { StateError } from './errors.ts'
import { decodeLines, encodeLine } from './lines.ts'

/** What of a log still matters. */
export interface LiveEntries {
  /** How many entries `entries` would give. */
  count(): number
  /** Entries that say all that the log says, oldest first. */
  entries(): Iterable<unknown>
  /** What every file but a compacted one begins with, so that the files before it can go. @default nothing */
  header?(): readonly unknown[]
  /** Mark of the oldest entry that still matters. @default files go by compaction alone */
  oldestMark?(): number
}

export interface StateLogOptions {
  readonly folder: string
  readonly name: string
  /** Takes every entry that was written, oldest first, while the log is opened. Returns its mark, if it has one. */
  readonly read: (entry: unknown) => number | undefined
  readonly live: LiveEntries
  /** A file that has become larger gets a successor. @default 32 MiB */
  readonly fileBytes?: number
  /** Smaller logs are never compacted. @default 16 MiB */
  readonly compactFromBytes?: number
}

interface LogFile {
  readonly number: number
  readonly path: string
  sizeBytes: number
  entries: number
  /** Largest mark of its entries. */
  lastMark: number
}

/**
 * Entries in files that grow at one end. What a killed process was writing is cut off when the log is opened. Files
 * go when all that they hold is older than what still matters, and when more than half of all entries are dead the
 * living ones are written anew.
 *
 *     <name>-<number>.log        a file; entries of a higher number are younger
 *     <name>-<number>.base.log   the same, with all that mattered of the files before it
 *     <name>-<number>.tmp        such a one, not finished
 */
export class StateLog {
  readonly #options: StateLogOptions
  readonly #fileBytes: number
  readonly #compactFromBytes: number
  #files: LogFile[] = []
  #fd: number | undefined
  #pending: string[] = []
  #pendingMark = Number.NEGATIVE_INFINITY
  #checkAtBytes: number

  private constructor(options: StateLogOptions) {
    this.#options = options
    this.#fileBytes = options.fileBytes ?? 32 * 1024 * 1024
    this.#compactFromBytes = options.compactFromBytes ?? 16 * 1024 * 1024
    this.#checkAtBytes = this.#compactFromBytes
  }

  /** @throws {StateError} when a file is damaged */
  static open(options: StateLogOptions): StateLog {
    const log = new StateLog(options)
    log.#load()
    return log
  }

  get sizeBytes(): number {
    return this.#files.reduce((sum, file) => sum + file.sizeBytes, 0)
  }

  /** Written with the next `flush`. `mark`: the order in which entries stop to matter. */
  append(entry: unknown, mark = Number.NEGATIVE_INFINITY): void {
    this.#pending.push(encodeLine(entry))
    this.#pendingMark = Math.max(this.#pendingMark, mark)
  }

  /** Hands all that was appended to the operating system: it outlives this process from here on. */
  flush(): void {
    if (this.#pending.length === 0) return
    if (this.#fd === undefined) throw new ClosedError(`state log ${this.#options.name}`)
    const current = this.#current
    this.#write(current, this.#fd, this.#pending)
    current.lastMark = Math.max(current.lastMark, this.#pendingMark)
    this.#pending = []
    this.#pendingMark = Number.NEGATIVE_INFINITY
    if (current.sizeBytes >= this.#fileBytes) this.#rotate()
    if (this.sizeBytes < this.#checkAtBytes) return
    const entries = this.#files.reduce((sum, file) => sum + file.entries, 0)
    if (entries > 2 * this.#options.live.count()) this.#writeAnew(this.#options.live.entries())
    // Not at every write: counting may take a while.
    this.#checkAtBytes = Math.max(this.#compactFromBytes, this.sizeBytes + this.#compactFromBytes / 4)
  }

  /** Forgets every entry, also those that are not written yet. */
  clear(): void {
    if (this.#fd === undefined) throw new ClosedError(`state log ${this.#options.name}`)
    this.#pending = []
    this.#pendingMark = Number.NEGATIVE_INFINITY
    this.#writeAnew([])
  }

  close(): void {
    if (this.#fd === undefined) return
    this.flush()
    closeSync(this.#fd)
    this.#fd = undefined
  }

  get #current(): LogFile {
    return this.#files.at(-1)!
  }

  #load(): void {
    const { folder, name } = this.#options
    const found = readdirSync(folder).flatMap(file => {
      const [, ofLog, digits, kind] = /^(.+)-(\d{8})\.(log|base\.log|tmp)$/.exec(file) ?? []
      return ofLog === name ? [{ file: join(folder, file), number: Number(digits), kind }] : []
    })
    const base = Math.max(0, ...found.filter(({ kind }) => kind === 'base.log').map(({ number }) => number))
    const whole = found
      .filter(({ number, kind }) => kind !== 'tmp' && number >= base)
      .sort((a, b) => a.number - b.number)
    for (const one of found) if (!whole.includes(one)) rmSync(one.file)
    for (const [index, { file, number }] of whole.entries()) {
      this.#files.push(this.#readFile(file, number, index === whole.length - 1))
    }
    if (this.#files.length === 0) this.#begin()
    else this.#fd = openSync(this.#current.path, 'a')
  }

  #readFile(path: string, number: number, isLast: boolean): LogFile {
    const bytes = readFileSync(path)
    let lastMark = Number.NEGATIVE_INFINITY
    const { wholeBytes, count } = decodeLines(path, bytes, entry => {
      lastMark = Math.max(lastMark, this.#options.read(entry) ?? lastMark)
    })
    if (wholeBytes < bytes.length) {
      if (!isLast) throw StateError.damaged(path, 'its end is missing')
      truncateSync(path, wholeBytes)
    }
    return { number, path, sizeBytes: wholeBytes, entries: count, lastMark }
  }

  #begin(): void {
    const number = (this.#files.at(-1)?.number ?? 0) + 1
    const file = this.#newFile(number, 'log')
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = openSync(file.path, 'a', 0o600)
    this.#files.push(file)
    this.#write(file, this.#fd, this.#header())
  }

  #rotate(): void {
    this.#begin()
    const { oldestMark } = this.#options.live
    if (oldestMark === undefined) return
    const oldest = oldestMark()
    // The last one stays: its header says what the others said at their beginning.
    while (this.#files.length > 1 && this.#files[0]!.lastMark < oldest) rmSync(this.#files.shift()!.path)
  }

  #writeAnew(entries: Iterable<unknown>): void {
    const last = this.#current
    const aside = this.#newFile(last.number + 1, 'tmp')
    const fd = openSync(aside.path, 'w', 0o600)
    let lines: string[] = []
    let bytes = 0
    for (const entry of entries) {
      const line = encodeLine(entry)
      lines.push(line)
      bytes += line.length
      if (bytes < 1024 * 1024) continue
      this.#write(aside, fd, lines)
      lines = []
      bytes = 0
    }
    this.#write(aside, fd, lines)
    closeSync(fd)
    const base = { ...this.#newFile(aside.number, 'base.log'), ...sizes(aside), lastMark: last.lastMark }
    renameSync(aside.path, base.path)
    const old = this.#files
    this.#files = [base]
    this.#begin()
    for (const { path } of old) rmSync(path)
  }

  #header(): string[] {
    return (this.#options.live.header?.() ?? []).map(encodeLine)
  }

  #newFile(number: number, extension: string): LogFile {
    const { folder, name } = this.#options
    const path = join(folder, `${name}-${String(number).padStart(8, '0')}.${extension}`)
    return { number, path, sizeBytes: 0, entries: 0, lastMark: Number.NEGATIVE_INFINITY }
  }

  #write(file: LogFile, fd: number, lines: readonly string[]): void {
    const bytes = Buffer.from(lines.join(''))
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    } catch (error) {
      // Half a line in the middle of a file would be damage.
      ftruncateSync(fd, file.sizeBytes)
      throw error
    }
    file.sizeBytes += bytes.length
    file.entries += lines.length
  }
}

function sizes({ sizeBytes, entries }: LogFile): Pick<LogFile, 'sizeBytes' | 'entries'> {
  return { sizeBytes, entries }
}
