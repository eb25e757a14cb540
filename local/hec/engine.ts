import type { RequestListener } from '../http-server.ts'
import {
  type FailReceiverRequest,
  type ReceiverHandler,
  type ReceiverRequest,
  type ReceiverResponse,
  receiverListener,
  withFaults
} from '../receiver.ts'
import type { StateFolder } from '../state/index.ts'
import { parseEvents, parseRaw } from './events.ts'
import { HecError, type HecReply, replies } from './replies.ts'
import { type AcknowledgementQuestion, HecStore } from './store.ts'

/** A token and what it allows. */
export interface HecToken {
  readonly token: string
  /** Whether requests have to name a channel and are acknowledged on it. @default true */
  readonly useAck?: boolean
  /** @default true */
  readonly isEnabled?: boolean
  /** Indexes that events may name. @default all */
  readonly indexes?: readonly string[]
}

export interface HecEngineOptions {
  readonly tokens: readonly HecToken[]
  /** Asked at every poll for every request that is not acknowledged yet. @default always at once */
  readonly acknowledge?: ((question: AcknowledgementQuestion) => boolean) | undefined
  readonly fault?: FailReceiverRequest | undefined
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

export interface HecEngine {
  readonly listener: RequestListener
  /** The same without a network. */
  readonly handle: ReceiverHandler
  readonly store: HecStore
}

/** Splunk's is 800 MB by default; batches of Firehose are at most 5 MiB and a record. */
const maxBodyBytes = 64 * 1024 * 1024

/** The HTTP Event Collector of Splunk: events, raw lines, acknowledgements by channel, health. */
export function createHecEngine(options: HecEngineOptions): HecEngine {
  const store = new HecStore(options.acknowledge ?? (() => true), options.state)
  const handle = withFaults(request => {
    try {
      return answer(store, options.tokens, request)
    } finally {
      store.save()
    }
  }, options.fault)
  return { store, handle, listener: receiverListener(handle, maxBodyBytes) }
}

const channelPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function answer(store: HecStore, tokens: readonly HecToken[], request: ReceiverRequest): ReceiverResponse {
  const path = request.path.replace(/\/1\.0$/, '')
  try {
    if (request.method === 'GET' && path === '/services/collector/health') return toResponse(replies.healthy)
    if (request.method !== 'POST') return notFound
    switch (path) {
      case '/services/collector':
      case '/services/collector/event':
        return take(store, tokens, request, 'event')
      case '/services/collector/raw':
        return take(store, tokens, request, 'raw')
      case '/services/collector/ack':
        return poll(store, tokens, request)
      default:
        return notFound
    }
  } catch (error) {
    if (!(error instanceof HecError)) throw error
    return toResponse(error.reply, error.members)
  }
}

function take(
  store: HecStore,
  tokens: readonly HecToken[],
  request: ReceiverRequest,
  endpoint: 'event' | 'raw'
): ReceiverResponse {
  const { useAck = true, indexes } = authorize(tokens, request)
  const channel = channelOf(request, useAck || endpoint === 'raw')
  const events = endpoint === 'event' ? parseEvents(request.body) : parseRaw(request.body)
  const wrongIndex = events.findIndex(
    ({ index }) => index !== undefined && indexes !== undefined && !indexes.includes(String(index))
  )
  if (wrongIndex >= 0) throw new HecError(replies.incorrectIndex, { 'invalid-event-number': wrongIndex })
  const ackId = store.add(events, request.body.length, { endpoint, channel, useAck })
  return toResponse(replies.success, ackId === undefined ? {} : { ackId })
}

function poll(store: HecStore, tokens: readonly HecToken[], request: ReceiverRequest): ReceiverResponse {
  const { useAck = true } = authorize(tokens, request)
  if (!useAck) throw new HecError(replies.acknowledgementDisabled)
  const channel = channelOf(request, true)!
  let acks: unknown
  try {
    acks = (JSON.parse(request.body.toString('utf8')) as { acks?: unknown } | null)?.acks
  } catch {
    throw new HecError(replies.invalidDataFormat)
  }
  if (!Array.isArray(acks) || !acks.every(ackId => Number.isInteger(ackId))) {
    throw new HecError(replies.invalidDataFormat)
  }
  return { status: 200, body: { acks: store.poll(channel, acks as number[]) } }
}

function authorize(tokens: readonly HecToken[], request: ReceiverRequest): HecToken {
  const authorization = request.header('authorization')
  if (authorization === undefined) throw new HecError(replies.tokenRequired)
  const given = /^Splunk (.+)$/.exec(authorization)?.[1]
  if (given === undefined) throw new HecError(replies.invalidAuthorization)
  const token = tokens.find(one => one.token === given)
  if (token === undefined) throw new HecError(replies.invalidToken)
  if (token.isEnabled === false) throw new HecError(replies.tokenDisabled)
  return token
}

/** In the header, or in the query. */
function channelOf(request: ReceiverRequest, isNeeded: boolean): string | undefined {
  const channel = request.header('x-splunk-request-channel') ?? request.query.get('channel') ?? undefined
  if (channel === undefined && isNeeded) throw new HecError(replies.channelMissing)
  if (channel !== undefined && !channelPattern.test(channel)) throw new HecError(replies.invalidChannel)
  return channel?.toLowerCase()
}

const notFound: ReceiverResponse = {
  status: 404,
  body: { text: 'The requested URL was not found on this server.', code: 404 }
}

function toResponse(reply: HecReply, members: Readonly<Record<string, unknown>> = {}): ReceiverResponse {
  const { status, text, code } = reply
  return { status, body: { text, code, ...members } }
}
