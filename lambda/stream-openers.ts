import type { OpenOptions } from '../core/open-options.ts'
import { addKeyStats, type KeyStats, noKeyStats, type RecordOpener } from '../core/record-transform.ts'

/**
 * The openers of a function, which live as long as its environment does, so that an invocation finds the data keys of
 * the one before. One for each stream: the stream is part of what every message is bound to, and a function has as many
 * as it has event sources.
 */
export class StreamOpeners {
  readonly #open: Required<OpenOptions> | undefined
  readonly #openers = new Map<string, RecordOpener>()

  constructor(open: Required<OpenOptions> | undefined) {
    this.#open = open
  }

  /** Whether records are opened at all. */
  get areNeeded(): boolean {
    return this.#open !== undefined
  }

  get acceptPlaintext(): boolean {
    return this.#open?.acceptPlaintext ?? false
  }

  /** Undefined when records are handed on as they came. */
  of(streamName: string): RecordOpener | undefined {
    if (this.#open === undefined) return undefined
    const known = this.#openers.get(streamName)
    if (known !== undefined) return known
    const { keyring, context, unstoredContext } = this.#open
    const opener = keyring.createOpener({ streamName, context, unstoredContext })
    this.#openers.set(streamName, opener)
    return opener
  }

  get keyStats(): KeyStats {
    return [...this.#openers.values()].map(({ keyStats }) => keyStats).reduce(addKeyStats, noKeyStats)
  }

  /** Wipes the data keys. */
  close(): void {
    for (const opener of this.#openers.values()) opener.close()
    this.#openers.clear()
  }
}
