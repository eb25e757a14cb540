import { randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { StateDocument } from './document.ts'
import { StateError } from './errors.ts'
import { StateLog, type StateLogOptions } from './log.ts'

/** What a folder of ours says of itself. */
const format = 'sealstream state, version 1'

/** Folders that this process has: a lock with its own id may be left over from another process with the same id. */
const opened = new Set<string>()

/**
 * A folder that keeps the state of one process at a time, readable for its user alone: key material lies in it.
 *
 *     format      what wrote the folder
 *     lock        id of the process that has it
 *     forgetting  there while its parts are forgotten
 *     <part>/     files of one engine
 */
export class StateFolder {
  readonly path: string
  readonly #lockFile: string
  readonly #forgettingFile: string
  #handles: { readonly part: string; readonly handle: StateLog | StateDocument }[] = []
  #isOpen = true

  private constructor(path: string) {
    this.path = path
    this.#lockFile = join(path, 'lock')
    this.#forgettingFile = join(path, 'forgetting')
  }

  /**
   * Makes the folder when it is not there, and takes it.
   * @throws {StateError} when a living process has it, or when it was written in another format
   */
  static open(path: string): StateFolder {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const folder = new StateFolder(realpathSync(path))
    folder.#lock()
    try {
      folder.#checkFormat()
      // The process that was killed in it was to forget everything.
      if (existsSync(folder.#forgettingFile)) folder.#removeParts([])
      rmSync(folder.#forgettingFile, { force: true })
    } catch (error) {
      folder.close()
      throw error
    }
    return folder
  }

  /** A file for one value. Makes its folder. */
  document(part: string, name: string): StateDocument {
    const document = new StateDocument(join(this.folderOf(part), `${name}.json`))
    this.#handles.push({ part, handle: document })
    return document
  }

  /** Opens a log, which ends with this folder. @throws {StateError} when a file of it is damaged */
  log(part: string, options: Omit<StateLogOptions, 'folder'>): StateLog {
    const log = StateLog.open({ ...options, folder: this.folderOf(part) })
    this.#handles.push({ part, handle: log })
    return log
  }

  /** The folder of one part, made when it is not there. */
  folderOf(part: string): string {
    const path = join(this.path, part)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /**
   * Forgets everything but the parts in `kept`, which `empty` empties before. Logs and documents of the others are
   * closed: whoever has them still writes nothing any more. A process that is killed in the middle has nothing left at
   * its next start.
   */
  async forget(kept: readonly string[], empty: () => Promise<void>): Promise<void> {
    writeFileSync(this.#forgettingFile, '', { mode: 0o600 })
    try {
      await empty()
      this.#close(part => !kept.includes(part))
      this.#removeParts(kept)
    } finally {
      rmSync(this.#forgettingFile, { force: true })
    }
  }

  /** Writes what is left, and lets others have the folder. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      this.#close(() => true)
    } finally {
      opened.delete(this.path)
      rmSync(this.#lockFile, { force: true })
    }
  }

  #close(isEnding: (part: string) => boolean): void {
    const ending = this.#handles.filter(({ part }) => isEnding(part))
    this.#handles = this.#handles.filter(({ part }) => !isEnding(part))
    for (const { handle } of ending) handle.close()
  }

  /** Also those of engines that do not run now. */
  #removeParts(kept: readonly string[]): void {
    for (const entry of readdirSync(this.path, { withFileTypes: true })) {
      if (!entry.isDirectory() || kept.includes(entry.name)) continue
      rmSync(join(this.path, entry.name), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
    }
  }

  #lock(): void {
    // Twice at most: once more when a dead process has left its lock behind.
    for (let attempt = 1; ; attempt += 1) {
      if (this.#tryLock()) return
      const pid = this.#holder()
      if (attempt > 1 || this.#isHeld(pid)) throw StateError.inUse(this.path, this.#lockFile, pid)
      this.#takeAway(pid)
    }
  }

  #tryLock(): boolean {
    // Linked into place, so that nobody ever reads a lock without an id in it.
    const own = `${this.#lockFile}.${randomUUID()}`
    writeFileSync(own, `${process.pid}\n`, { mode: 0o600 })
    try {
      linkSync(own, this.#lockFile)
      opened.add(this.path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    } finally {
      rmSync(own)
    }
  }

  /** Moves a stale lock aside, so that of two processes that found it stale one alone deletes it. */
  #takeAway(pid: number): void {
    const aside = `${this.#lockFile}.${randomUUID()}`
    try {
      renameSync(this.#lockFile, aside)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    const taken = pidIn(aside)
    // The other process was faster, and what was moved is its new lock.
    if (taken !== pid) renameSync(aside, this.#lockFile)
    else rmSync(aside)
  }

  /** 0 when the lock has gone meanwhile, or does not hold an id. */
  #holder(): number {
    try {
      return pidIn(this.#lockFile)
    } catch {
      return 0
    }
  }

  #isHeld(pid: number): boolean {
    if (pid === process.pid) return opened.has(this.path)
    if (pid === 0) return false
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      // It lives, and belongs to somebody else.
      return (error as NodeJS.ErrnoException).code === 'EPERM'
    }
  }

  #checkFormat(): void {
    const file = join(this.path, 'format')
    let found: string
    try {
      found = readFileSync(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      const aside = `${file}.tmp`
      writeFileSync(aside, `${format}\n`, { mode: 0o600 })
      renameSync(aside, file)
      return
    }
    if (found.trim() !== format) throw StateError.unknownFormat(file, `"${format}"`)
  }
}

function pidIn(file: string): number {
  const pid = Number(readFileSync(file, 'utf8').trim())
  return Number.isInteger(pid) ? pid : 0
}
