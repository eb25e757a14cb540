import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizeRequest } from '../authorization.ts'
import { AwsError, type AwsJsonOptions, sendScripted } from '../aws-json.ts'
import { cut, headerOf, originOf, type RequestListener, readBody } from '../http-server.ts'
import { actionsOf } from './actions/index.ts'
import { decodeChunkedBody } from './chunked-body.ts'
import { operationOf } from './operation.ts'
import type { S3Action, S3Request, S3Response } from './protocol.ts'
import { S3Error } from './s3-error.ts'
import { S3Store, type S3StoreOptions } from './store.ts'
import { xmlDocument } from './xml.ts'

export interface S3EngineOptions extends S3StoreOptions {
  readonly region: string
  readonly accountId: string
  readonly fault?: AwsJsonOptions['fault']
  /** Asked before every action that no fault has answered. @default everybody may do everything */
  readonly authorize?: AuthorizeRequest<S3Request> | undefined
}

export interface S3Engine {
  readonly listener: RequestListener
  readonly store: S3Store
}

const maxBodyBytes = 512 * 1024 * 1024

/** S3 over files: path-style addresses, digests checked, errors as S3 words them. */
export function createS3Engine(options: S3EngineOptions): S3Engine {
  const store = new S3Store(options)
  const actions = actionsOf(store, options)
  return {
    store,
    listener: (request, response) => {
      const requestId = randomUUID()
      serve(options, actions, request, response, requestId).catch((error: unknown) => {
        if (response.headersSent) response.end()
        else sendError(request, response, toAwsError(error), requestId)
      })
    }
  }
}

async function serve(
  options: S3EngineOptions,
  actions: Readonly<Record<string, S3Action>>,
  incoming: IncomingMessage,
  response: ServerResponse,
  requestId: string
): Promise<void> {
  const body = await readBody(incoming, maxBodyBytes)
  if (body === undefined) {
    throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
  }
  const request = parseRequest(incoming, body)
  const operation = operationOf(request)
  const fault = await options.fault?.(operation, { Bucket: request.bucket, Key: request.key })
  if (fault?.kind === 'reset') {
    cut(incoming, response)
    return
  }
  if (fault?.kind === 'error') throw fault.error
  if (fault?.kind === 'answer') {
    sendScripted(response, fault)
    return
  }
  const action = actions[operation]
  if (action === undefined) {
    throw new AwsError('NotImplemented', `${operation} is not implemented by the local engine`, 501)
  }
  await options.authorize?.(operation, request, request.principal)
  const answer = await action(request)
  if (fault?.kind === 'loseAnswer') cut(incoming, response)
  else if (fault?.kind === 'damageAnswer' && fault.how === 'empty')
    response.writeHead(200, { 'content-length': 0 }).end()
  else send(incoming, response, answer, requestId)
}

/** Access key id out of the signature, in a header or, of a presigned address, in the query. */
function principalOf(incoming: IncomingMessage): string | undefined {
  const signed = `${headerOf(incoming, 'authorization') ?? ''} ${incoming.url ?? ''}`
  return /Credential=([^/%]+)(?:\/|%2F)/i.exec(signed)?.[1]
}

function parseRequest(incoming: IncomingMessage, raw: Buffer): S3Request {
  const target = incoming.url ?? '/'
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  // The path is taken as it came: URL would resolve `..` and collapse slashes, and a key may hold both.
  const slash = path.indexOf('/', 1)
  const bucket = decoded(slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = slash < 0 ? '' : decoded(path.slice(slash + 1))
  const isChunked =
    headerOf(incoming, 'content-encoding')?.includes('aws-chunked') ||
    headerOf(incoming, 'x-amz-content-sha256')?.startsWith('STREAMING-')
  const { bytes, trailers } = isChunked
    ? decodeChunkedBody(raw, headerOf(incoming, 'x-amz-decoded-content-length'))
    : { bytes: raw, trailers: {} as Record<string, string> }
  return {
    origin: originOf(incoming),
    method: incoming.method ?? 'GET',
    bucket,
    key,
    query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
    header: name => headerOf(incoming, name) ?? trailers[name],
    headers: incoming.headers,
    body: bytes,
    principal: principalOf(incoming)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.")
  }
}

function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: S3Response,
  requestId: string
): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  response.writeHead(answer.status, {
    'x-amz-request-id': requestId,
    ...(typeof answer.body === 'string' ? { 'content-type': 'application/xml' } : {}),
    ...(answer.status === 204 || answer.status === 304
      ? {}
      : { 'content-length': String(body?.length ?? 0) }),
    ...answer.headers
  })
  response.end(incoming.method === 'HEAD' ? undefined : body)
}

function sendError(
  incoming: IncomingMessage,
  response: ServerResponse,
  error: AwsError,
  requestId: string
): void {
  const { type, message, status, members } = error
  const body = xmlDocument('Error', {
    Code: type,
    Message: message,
    ...(members as Record<string, string>),
    RequestId: requestId
  })
  // An answer to HEAD has no body: the status alone tells.
  const headers = error instanceof S3Error ? error.headers : {}
  send(
    incoming,
    response,
    incoming.method === 'HEAD' ? { status, headers } : { status, headers, body },
    requestId
  )
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new AwsError('InternalError', `bug in the local engine: ${detail}`, 500)
}
