import { join } from 'node:path'
import { type StateDocument, StateFolder } from '../local/state/index.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { RunProgress } from './run-progress.ts'

/** What has to be the same when a run goes on: option -> value, left out where it was not given. */
export type RunOptions = Readonly<Record<string, string>>

/** How a run ended that has carried its whole input. */
export interface CompleteRun {
  readonly exitCode: ExitCode
  /** The summaries that it printed. */
  readonly text: string
  readonly json: string
}

/**
 * The folder of one run: its engines and its progress.
 *
 *     engines/             state folder of the engines
 *     run/options.json     what the run was started with
 *     run/progress-*.log   fates of its lines
 *     run/complete.json    its summary, once it has carried everything
 */
export class RunState {
  readonly #folder: StateFolder
  readonly #complete: StateDocument
  readonly progress: RunProgress

  private constructor(folder: StateFolder) {
    this.#folder = folder
    this.#complete = folder.document('run', 'complete')
    this.progress = new RunProgress(folder)
  }

  /**
   * @throws {StateError} when the folder is in use, damaged, or of another version
   * @throws {UsageError} when its run was started with other options
   */
  static open(path: string, options: RunOptions): RunState {
    const folder = StateFolder.open(path)
    try {
      const document = folder.document('run', 'options')
      const before = document.read() as RunOptions | undefined
      if (before === undefined) document.write(options)
      else checkSame(path, before, options)
      return new RunState(folder)
    } catch (error) {
      folder.close()
      throw error
    }
  }

  get enginesFolder(): string {
    return join(this.#folder.path, 'engines')
  }

  /** undefined while the run is not complete. */
  get complete(): CompleteRun | undefined {
    return this.#complete.read() as CompleteRun | undefined
  }

  finish(run: CompleteRun): void {
    this.#complete.write(run)
  }

  close(): void {
    this.#folder.close()
  }
}

function checkSame(path: string, before: RunOptions, now: RunOptions): void {
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  const changed = [...names].filter(name => before[name] !== now[name])
  if (changed.length === 0) return
  throw new UsageError(
    `--state ${path}: its run was started with another ${changed.join(', ')}. Start it as before, or name another folder`
  )
}
