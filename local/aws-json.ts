import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizeRequest } from './authorization.ts'
import { AwsError } from './aws-error.ts'
import { type CborMembers, cborBody, cborContentType } from './cbor-body.ts'
import { EventStreamOutput, sendEventStream } from './event-stream.ts'
import { type FailEntry, type Fault, failEntryOf, type LocalFault, shortened } from './faults/fault.ts'
import { cut, headerOf, originOf, type RequestListener, readBody } from './http-server.ts'
import { type BodyFormat, jsonBody } from './json-body.ts'
import { checkedInput, type WireTypes } from './wire-types.ts'

export { AwsError }

export interface ActionContext {
  readonly requestId: string
  /** Region out of the signature's credential scope; undefined for an unsigned request. */
  readonly region: string | undefined
  /** Access key out of the signature; undefined for an unsigned request. */
  readonly accessKeyId: string | undefined
  /** The same on every attempt of one SDK call. */
  readonly invocationId: string | undefined
  /** Scheme, host and port that the caller used, such as `http://127.0.0.1:4566`. */
  readonly origin: string
  /** Calls back when the caller is gone, or has its answer: an action that waits may stop. */
  onEnd(callback: () => void): void
  /** Scripted failures of single entries of a batch. */
  readonly failEntry: FailEntry | undefined
}

/**
 * One API action: parsed input in, output members out, or an `EventStreamOutput`. Blobs are base64 strings,
 * timestamps epoch seconds.
 */
export type Action = (
  input: Readonly<Record<string, unknown>>,
  context: ActionContext
) => object | Promise<object>

export interface AwsJsonOptions {
  /** Before the dot of `x-amz-target`, such as `Kinesis_20131202`. */
  readonly targetPrefix: string
  readonly contentType: 'application/x-amz-json-1.0' | 'application/x-amz-json-1.1'
  /** For a service that takes bodies in CBOR as well, and answers them so. */
  readonly cbor?: CborMembers
  readonly actions: Readonly<Record<string, Action>>
  /** Types that members of the input must have: actions see nothing else. */
  readonly types: WireTypes
  /** @default 16 MiB */
  readonly maxBodyBytes?: number
  /** Further headers of an error answer. */
  readonly errorHeaders?: (error: AwsError) => Readonly<Record<string, string>>
  /** Asked before every action; may be slow on purpose. */
  readonly fault?: LocalFault | undefined
  /** Asked before every action that no fault has answered. @default everybody may do everything */
  readonly authorize?: AuthorizeRequest<Readonly<Record<string, unknown>>> | undefined
}

/** A service, and how it speaks in one answer. */
interface Answering extends AwsJsonOptions {
  readonly format: BodyFormat
}

/** The AWS JSON protocol over `actions`: targets, request ids, error bodies. */
export function awsJson(options: AwsJsonOptions): RequestListener {
  const json: Answering = { ...options, format: jsonBody(options.contentType) }
  let cbor: Promise<Answering> | undefined
  const answering = (request: IncomingMessage): Answering | Promise<Answering> => {
    if (options.cbor === undefined || headerOf(request, 'content-type') !== cborContentType) return json
    cbor ??= cborBody(options.cbor).then(format => ({ ...options, format }))
    return cbor
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    serve(await answering(request), request, response)
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      // A bug in an action: the caller sees a 500, as from AWS, and the engine goes on.
      if (!response.headersSent) sendError(json, response, toAwsError(error))
      else response.end()
    })
  }
}

async function serve(options: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID()
  response.setHeader('x-amzn-requestid', requestId)
  const body = await readBody(request, options.maxBodyBytes ?? 16 * 1024 * 1024)
  if (body === undefined) {
    sendError(options, response, new AwsError('RequestEntityTooLargeException', 'request too large', 413))
    return
  }
  const target = headerOf(request, 'x-amz-target') ?? ''
  const dot = target.lastIndexOf('.')
  const operation = target.slice(dot + 1)
  const action =
    target.slice(0, dot) === options.targetPrefix && Object.hasOwn(options.actions, operation)
      ? options.actions[operation]
      : undefined
  if (action === undefined) {
    sendError(options, response, new AwsError('UnknownOperationException', `unknown operation ${operation}`))
    return
  }
  let input: Readonly<Record<string, unknown>>
  try {
    input = checkedInput(body.length === 0 ? {} : options.format.parse(body), options.types)
  } catch (error) {
    sendError(options, response, toAwsError(error))
    return
  }
  const fault = await options.fault?.(operation, input)
  if (fault?.kind === 'reset') {
    cut(request, response)
    return
  }
  if (fault?.kind === 'error') {
    sendError(options, response, fault.error)
    return
  }
  if (fault?.kind === 'answer') {
    sendScripted(response, fault)
    return
  }
  let output: object
  try {
    const context = contextOf(request, response, requestId, failEntryOf(fault))
    await options.authorize?.(operation, input, context.accessKeyId)
    output = await action(input, context)
  } catch (error) {
    sendError(options, response, toAwsError(error))
    return
  }
  if (fault?.kind === 'loseAnswer') {
    cut(request, response)
    return
  }
  if (fault?.kind === 'damageAnswer') {
    if (fault.how === 'empty') response.writeHead(200, { 'content-length': 0 }).end()
    else send(options, response, 200, shortened(output))
    return
  }
  if (output instanceof EventStreamOutput) {
    await sendEventStream(response, output, options.format, error => {
      const { type, message, members } = toAwsError(error)
      return { type, payload: { message, ...members } }
    })
    return
  }
  send(options, response, 200, output)
}

function contextOf(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  failEntry: FailEntry | undefined
): ActionContext {
  const credential = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(headerOf(request, 'authorization') ?? '')
  return {
    requestId,
    region: credential?.[2],
    accessKeyId: credential?.[1],
    invocationId: headerOf(request, 'amz-sdk-invocation-id'),
    origin: originOf(request),
    onEnd: callback => void response.once('close', callback),
    failEntry
  }
}

/** Sends the answer that a fault puts in the place of the service's. */
export function sendScripted(
  response: ServerResponse,
  { status, headers, body }: Extract<Fault, { kind: 'answer' }>
): void {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes)
}

function send(
  { format }: Answering,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {}
): void {
  const bytes = format.serialise(body)
  response.writeHead(status, {
    ...headers,
    'content-type': format.contentType,
    'content-length': bytes.length
  })
  response.end(bytes)
}

function sendError(options: Answering, response: ServerResponse, error: AwsError): void {
  const body = { __type: error.type, message: error.message, ...error.members }
  send(options, response, error.status, body, options.errorHeaders?.(error))
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new AwsError('InternalFailure', `bug in the local engine: ${detail}`, 500)
}
