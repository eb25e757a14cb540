import type { WaitStrategy } from 'testcontainers'
import { EngineStartError } from './errors.ts'

const shownLines = 15
/** How LocalStack ends when it wants a token, or refuses the one it was given. */
const tokenExitCode = 55

export type StartedContainer = Parameters<WaitStrategy['waitUntilReady']>[0]

/** Why the container is no longer running, in its own words; undefined while it runs, or when it never did. */
export async function endOf(
  container: StartedContainer,
  image: string
): Promise<EngineStartError | undefined> {
  const { State } = await container.inspect()
  // One that was made and could not be started has no end.
  if (State.Running || State.Status === 'created') return undefined
  if (State.ExitCode === tokenExitCode) {
    return new EngineStartError(
      'token-refused',
      `${image} wants a token, or refused the one it was given (exit code 55): set LOCALSTACK_AUTH_TOKEN, ` +
        'or name an image that starts without one, such as localstack/localstack:4.14.0, by SEALSTREAM_LOCALSTACK_IMAGE'
    )
  }
  return new EngineStartError(
    'exited',
    `${image} ended with exit code ${State.ExitCode} before it was ready.${lastLines(await logLines(container))}`
  )
}

/** For the end of a message. */
export function lastLines(lines: readonly string[]): string {
  const shown = lines.slice(-shownLines).map(line => `\n  ${line}`)
  return ` Its last log lines:${shown.join('')}`
}

/** What the container wrote so far. Docker puts 8 bytes before every piece: stream (1), zeros (3), length (4). */
export async function logLines(container: StartedContainer): Promise<string[]> {
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
