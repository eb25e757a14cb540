import { setTimeout as sleep } from 'node:timers/promises'
import type { WaitStrategy } from 'testcontainers'
import { EngineStartError } from './errors.ts'

const pollMs = 100
const shownLines = 15
/** How LocalStack ends when it wants a token, or refuses the one it was given. */
const tokenExitCode = 55

type Container = Parameters<WaitStrategy['waitUntilReady']>[0]

/**
 * Waits for a log line that begins with `Ready`. Other than the strategies of testcontainers it sees when the
 * container ends, and tells why: by its exit code and its last log lines.
 */
export class WaitUntilReady implements WaitStrategy {
  readonly #image: string
  #timeoutMs: number

  constructor(image: string, timeoutMs: number) {
    this.#image = image
    this.#timeoutMs = timeoutMs
  }

  async waitUntilReady(container: Container): Promise<void> {
    const deadline = Date.now() + this.#timeoutMs
    for (;;) {
      const { State } = await container.inspect()
      const lines = await logLines(container)
      if (lines.some(line => line.startsWith('Ready'))) return
      const last = lines.slice(-shownLines).map(line => `\n  ${line}`)
      if (!State.Running) throw await this.#ended(container, State.ExitCode, last.join(''))
      if (Date.now() >= deadline) {
        throw new EngineStartError(
          'not-ready',
          `${this.#image} was not ready after ${this.#timeoutMs} ms (startupTimeoutMs). Its last log lines:${last.join('')}`
        )
      }
      await sleep(pollMs)
    }
  }

  async #ended(container: Container, exitCode: number, last: string): Promise<EngineStartError> {
    await container.remove({ force: true })
    return exitCode === tokenExitCode
      ? new EngineStartError(
          'token-refused',
          `${this.#image} wants a token, or refused the one it was given (exit code 55): set LOCALSTACK_AUTH_TOKEN, ` +
            'or name an image that starts without one, such as localstack/localstack:4.14.0, by SEALSTREAM_LOCALSTACK_IMAGE'
        )
      : new EngineStartError(
          'exited',
          `${this.#image} ended with exit code ${exitCode} before it was ready. Its last log lines:${last}`
        )
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

/** What the container wrote so far. Docker puts 8 bytes before every piece: stream (1), zeros (3), length (4). */
async function logLines(container: Container): Promise<string[]> {
  const raw = (await container.logs({ stdout: true, stderr: true, follow: false })) as unknown as Buffer
  const pieces: Buffer[] = []
  for (let at = 0; at + 8 <= raw.length; ) {
    const end = at + 8 + raw.readUInt32BE(at + 4)
    pieces.push(raw.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(pieces)
    .toString('utf8')
    .split(/\r?\n/)
    .filter(line => line.trim() !== '')
}
