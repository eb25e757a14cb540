import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type FailEntry, failEntryOf, type ReceiverFault, shortened } from './faults/fault.ts'
import { cut, headerOf, type RequestListener, readBody } from './http-server.ts'

/** A request to a service that is not AWS's, its body without its content encoding. */
export interface ReceiverRequest {
  readonly method: string
  /** Without the query; segments as they came, percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  /** Value of a header by its name in lower case; undefined when it is absent. */
  header(name: string): string | undefined
  readonly body: Buffer
  /** Scripted failures of single entries of a batch. */
  readonly failEntry?: FailEntry | undefined
}

export interface ReceiverResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text goes out as it is, everything else as JSON. */
  readonly body: unknown
}

/** Asked before every request of a receiver; what it returns happens to the request. */
export type FailReceiverRequest = (
  request: ReceiverRequest
) => ReceiverFault | undefined | Promise<ReceiverFault | undefined>

/** Answers a request. Rejects with `ConnectionCut` where a caller over the network sees its connection end. */
export type ReceiverHandler = (request: ReceiverRequest) => Promise<ReceiverResponse>

export class ConnectionCut extends Error {
  readonly code = 'ECONNRESET'

  constructor() {
    super('connection cut by a scripted fault')
    this.name = 'ConnectionCut'
  }
}

const gunzipAsync = promisify(gunzip)

/** `handle`, with faults on the way. */
export function withFaults(
  handle: (request: ReceiverRequest) => ReceiverResponse,
  fault: FailReceiverRequest | undefined
): ReceiverHandler {
  return async request => {
    const scripted = await fault?.(request)
    if (scripted?.kind === 'answer') return scripted
    if (scripted?.kind === 'reset') throw new ConnectionCut()
    const failEntry = failEntryOf(scripted)
    const response = handle(failEntry === undefined ? request : { ...request, failEntry })
    if (scripted?.kind === 'loseAnswer') throw new ConnectionCut()
    if (scripted?.kind === 'damageAnswer') return damaged(response, scripted.how)
    return response
  }
}

function damaged(response: ReceiverResponse, how: 'empty' | 'short'): ReceiverResponse {
  if (how === 'empty') return { status: 200, body: '' }
  return { ...response, body: shortened(response.body as object) }
}

/**
 * Serves `handle` over HTTP. Bodies above `maxBodyBytes`, as sent or without their gzip, are answered 413, broken ones
 * 400.
 */
export function receiverListener(handle: ReceiverHandler, maxBodyBytes: number): RequestListener {
  return (request, response) => {
    serve(handle, maxBodyBytes, request, response).catch((error: unknown) => {
      if (error instanceof ConnectionCut || response.headersSent) cut(request, response)
      else send(response, { status: 500, body: { error: 'bug in the local engine' } }, true)
    })
  }
}

async function serve(
  handle: ReceiverHandler,
  maxBodyBytes: number,
  incoming: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const hasBody = incoming.method !== 'HEAD'
  const sent = await readBody(incoming, maxBodyBytes)
  if (sent === undefined) {
    send(response, { status: 413, body: { error: 'request too large' } }, hasBody)
    return
  }
  let body = sent
  if (headerOf(incoming, 'content-encoding') === 'gzip') {
    try {
      body = await gunzipAsync(sent, { maxOutputLength: maxBodyBytes })
    } catch (error) {
      const status = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 413 : 400
      send(response, { status, body: { error: 'body cannot be decompressed' } }, hasBody)
      return
    }
  }
  const target = incoming.url ?? '/'
  if (!URL.canParse(target, 'http://localhost')) {
    send(response, { status: 400, body: { error: 'request target is not a path' } }, hasBody)
    return
  }
  const url = new URL(target, 'http://localhost')
  const answer = await handle({
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    header: name => headerOf(incoming, name),
    body
  })
  send(response, answer, hasBody)
}

function send(response: ServerResponse, { status, headers, body }: ReceiverResponse, hasBody: boolean): void {
  const isText = typeof body === 'string'
  const bytes = Buffer.from(isText ? body : JSON.stringify(body))
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; charset=UTF-8' : 'application/json',
    'content-length': bytes.length,
    ...headers
  })
  response.end(hasBody ? bytes : undefined)
}
