import { setTimeout as sleep } from 'node:timers/promises'
import type { WaitStrategy } from 'testcontainers'
import { endOf, lastLines, logLines, type StartedContainer } from './container-end.ts'
import { EngineStartError } from './errors.ts'

const pollMs = 100

/**
 * Waits for a log line that begins with `Ready`. Other than the strategies of testcontainers it sees when the
 * container ends, and tells why.
 */
export class WaitUntilReady implements WaitStrategy {
  readonly #image: string
  #timeoutMs: number

  constructor(image: string, timeoutMs: number) {
    this.#image = image
    this.#timeoutMs = timeoutMs
  }

  async waitUntilReady(container: StartedContainer): Promise<void> {
    const deadline = Date.now() + this.#timeoutMs
    for (;;) {
      const ended = await endOf(container, this.#image)
      if (ended !== undefined) throw ended
      const lines = await logLines(container)
      if (lines.some(line => line.startsWith('Ready'))) return
      if (Date.now() >= deadline) {
        throw new EngineStartError(
          'not-ready',
          `${this.#image} was not ready after ${this.#timeoutMs} ms (startupTimeoutMs).${lastLines(lines)}`
        )
      }
      await sleep(pollMs)
    }
  }

  withStartupTimeout(startupTimeoutMs: number): this {
    this.#timeoutMs = startupTimeoutMs
    return this
  }

  isStartupTimeoutSet(): boolean {
    return true
  }

  getStartupTimeout(): number {
    return this.#timeoutMs
  }
}
