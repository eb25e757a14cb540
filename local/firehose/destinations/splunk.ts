import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../../core/clock.ts'
import type { SplunkSettings } from '../settings.ts'
import {
  type Attempt,
  type AttemptContext,
  type BufferedRecord,
  type Destination,
  type DestinationBackup,
  doublingDelayMs
} from './destination.ts'
import { type HttpAnswer, type HttpSend, HttpSendError, type NoAnswer } from './http-send.ts'

export interface SplunkDestinationOptions {
  readonly settings: SplunkSettings
  readonly backup: DestinationBackup
  readonly send: HttpSend
  readonly clock: Clock
  /** Compresses a batch. @default in a thread of its own */
  readonly compress?: (plain: Buffer) => Promise<Buffer>
}

/** What Splunk advises; Firehose's own is not documented. The first poll is made at once. */
const pollIntervalMs = 10_000

const gzipAsync = promisify(gzip)

/**
 * Splunk's HTTP Event Collector. A batch is one request, its records one after the other with nothing in between; it is
 * delivered when Splunk has acknowledged it, on the channel that it was sent on.
 */
export class SplunkDestination implements Destination {
  readonly #options: SplunkDestinationOptions
  readonly #compress: (plain: Buffer) => Promise<Buffer>
  readonly #channel = randomUUID()
  /** Of a load balancer with sticky sessions: polls have to reach the indexer that has the events. */
  readonly #cookies = new Map<string, string>()
  readonly framingBytes = 0

  constructor(options: SplunkDestinationOptions) {
    this.#options = options
    this.#compress = options.compress ?? gzipAsync
  }

  get bufferSizeMiB(): number {
    return this.#options.settings.bufferSizeMiB
  }

  get bufferIntervalSeconds(): number {
    return this.#options.settings.bufferIntervalSeconds
  }

  get retryDurationMs(): number {
    return this.#options.settings.retrySeconds * 1000
  }

  get backup(): DestinationBackup {
    return this.#options.backup
  }

  /** A guess: how long Firehose waits is not documented. */
  retryDelayMs(attempts: number): number {
    return doublingDelayMs(attempts)
  }

  async deliver(records: readonly BufferedRecord[], context: AttemptContext): Promise<Attempt> {
    const { clock, settings } = this.#options
    const body = await this.#compress(Buffer.concat(records.map(({ data }) => data)))
    const path = settings.endpointType === 'Event' ? 'event' : 'raw'
    const sent = await this.#post(path, body, { 'content-encoding': 'gzip' }, context.signal)
    const ackId = sent instanceof Fault ? sent : ackIdOf(sent)
    if (ackId instanceof Fault) return failed(records, ackId)
    const sentMs = clock.now()
    const isAcknowledged = await this.#waitForAcknowledgement(ackId, sentMs, context)
    // How long Splunk takes to index is not held against the retry duration.
    const uncountedMs = clock.now() - sentMs
    return isAcknowledged
      ? { outcomes: records.map(() => ({ kind: 'delivered' })), uncountedMs }
      : { ...failed(records, new Fault('AckTimeout', ackTimeoutMessage)), uncountedMs }
  }

  async #waitForAcknowledgement(ackId: number, sentMs: number, context: AttemptContext): Promise<boolean> {
    const { clock, settings } = this.#options
    for (;;) {
      const body = Buffer.from(JSON.stringify({ acks: [ackId] }))
      const answer = await this.#post('ack', body, { 'content-type': 'application/json' }, context.signal)
      if (!(answer instanceof Fault) && isAcknowledgedBy(answer, ackId)) return true
      const leftMs = sentMs + settings.ackTimeoutSeconds * 1000 - clock.now()
      if (leftMs <= 0) return false
      await context.wait(Math.min(pollIntervalMs, leftMs))
    }
  }

  async #post(
    path: 'event' | 'raw' | 'ack',
    body: Buffer,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal
  ): Promise<HttpAnswer | Fault> {
    const { send, settings } = this.#options
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    try {
      const answer = await send({
        url: `${settings.endpoint}/services/collector/${path}`,
        headers: {
          authorization: `Splunk ${settings.token}`,
          'x-splunk-request-channel': this.#channel,
          ...(cookie === '' ? {} : { cookie }),
          ...headers
        },
        body,
        signal
      })
      for (const pair of answer.cookies) {
        const equals = pair.indexOf('=')
        this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
      }
      return answer
    } catch (error) {
      if (!(error instanceof HttpSendError)) throw error
      return new Fault(noAnswerCodes[error.reason], error.message)
    }
  }
}

/** Why an attempt has failed; `code` without `Splunk.` before it. */
class Fault {
  readonly code: string
  readonly message: string

  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
}

const ackTimeoutMessage =
  'No acknowledgement came from HEC before its timeout. The data may be indexed all the same.'

const noAnswerCodes: Readonly<Record<NoAnswer, string>> = {
  timeout: 'ConnectionTimeout',
  unknownHost: 'InvalidEndpoint',
  closed: 'ConnectionClosed',
  certificate: 'SSLUnverified',
  handshake: 'SSLHandshake'
}

/** What the numbers in the answers of HEC mean to Firehose; all others are errors of the server. */
const replyCodes: Readonly<Record<number, string>> = {
  1: 'DisabledToken',
  2: 'InvalidToken',
  3: 'InvalidToken',
  4: 'InvalidToken',
  5: 'InvalidDataFormat',
  6: 'InvalidDataFormat',
  7: 'InvalidIndex',
  12: 'InvalidDataFormat',
  13: 'InvalidDataFormat',
  14: 'DisabledAck',
  15: 'InvalidDataFormat'
}

function ackIdOf({ status, body }: HttpAnswer): number | Fault {
  const { code, ackId } = parsed(body) as { code?: unknown; ackId?: unknown }
  if (status === 200 && code === 0) {
    if (typeof ackId === 'number') return ackId
    return new Fault('DisabledAck', 'HEC answered without an id to acknowledge')
  }
  const number = typeof code === 'number' ? code : -1
  return new Fault(
    replyCodes[number] ?? 'ServerError',
    number < 0 ? `HEC answered with status ${status}` : `HEC answered with status ${status}, code ${number}`
  )
}

function isAcknowledgedBy({ status, body }: HttpAnswer, ackId: number): boolean {
  const { acks } = parsed(body) as { acks?: Readonly<Record<string, unknown>> }
  return status === 200 && acks?.[ackId] === true
}

function parsed(body: string): object {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function failed(records: readonly BufferedRecord[], { code, message }: Fault): Attempt {
  return {
    outcomes: records.map(({ id }) => ({
      kind: 'failed',
      errorCode: `Splunk.${code}`,
      errorMessage: message,
      isFinal: false,
      members: { EventId: id }
    }))
  }
}
