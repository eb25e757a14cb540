import type { Clock } from '../../../core/clock.ts'

export interface HttpRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  /** The text, at most 64 MiB of it. */
  readonly body: string
  /** `name=value` of every cookie that was set. */
  readonly cookies: readonly string[]
}

/**
 * Posts to a destination. Resolves for every status.
 * @throws {HttpSendError} when there is no answer
 */
export type HttpSend = (request: HttpRequest) => Promise<HttpAnswer>

/** Why there was no answer. */
export type NoAnswer = 'timeout' | 'unknownHost' | 'closed' | 'certificate' | 'handshake'

export class HttpSendError extends Error {
  readonly reason: NoAnswer

  constructor(reason: NoAnswer) {
    super(`no answer from the destination: ${reason}`)
    this.name = 'HttpSendError'
    this.reason = reason
  }
}

/** A guess: three minutes are known for HTTP endpoints, and nothing for the other destinations. */
const timeoutMs = 180_000
const maxAnswerBytes = 64 * 1024 * 1024

/** Over the network. Redirects are not followed. Rejects with `signal.reason` when the signal aborts. */
export function networkSend(clock: Clock): HttpSend {
  return async ({ url, headers, body, signal }) => {
    signal.throwIfAborted()
    const end = new AbortController()
    const onAbort = (): void => end.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const cancel = clock.schedule(onAbort, timeoutMs, { unref: true })
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
        redirect: 'manual',
        signal: end.signal
      })
      return {
        status: response.status,
        body: await textOf(response),
        cookies: response.headers.getSetCookie().map(cookie => cookie.split(';')[0]!)
      }
    } catch (error) {
      signal.throwIfAborted()
      throw new HttpSendError(end.signal.aborted ? 'timeout' : reasonOf(error))
    } finally {
      cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new HttpSendError('closed')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): NoAnswer {
  const code = String((error as { cause?: { code?: unknown } }).cause?.code ?? '')
  if (['ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL'].includes(code)) return 'unknownHost'
  if (['ECONNREFUSED', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH'].includes(code))
    return 'timeout'
  if (code.includes('CERT') || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') return 'certificate'
  return code === 'EPROTO' || code.startsWith('ERR_SSL') ? 'handshake' : 'closed'
}
