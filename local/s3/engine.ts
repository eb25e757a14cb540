import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizeRequest } from '../authorization.ts'
import { AwsError, type AwsJsonOptions, sendScripted } from '../aws-json.ts'
import { cut, headerOf, type RequestListener, readBody } from '../http-server.ts'
import { createBucket, deleteBucket, headBucket, listBuckets } from './actions/buckets.ts'
import { listObjects } from './actions/list-objects.ts'
import { listParts, listUploads } from './actions/list-uploads.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './actions/object-tags.ts'
import { deleteObject, deleteObjects, getObject, headObject, putObject } from './actions/objects.ts'
import { abortUpload, completeUpload, createUpload, uploadPart } from './actions/uploads.ts'
import { decodeChunkedBody } from './chunked-body.ts'
import type { S3Action, S3Request, S3Response } from './protocol.ts'
import { S3Store, type S3StoreOptions } from './store.ts'
import { xmlDocument } from './xml.ts'

export interface S3EngineOptions extends S3StoreOptions {
  readonly region: string
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
  const actions: Readonly<Record<string, S3Action>> = {
    ListBuckets: listBuckets(store),
    CreateBucket: createBucket(store),
    HeadBucket: headBucket(store, options.region),
    DeleteBucket: deleteBucket(store),
    ListObjectsV2: listObjects(store),
    DeleteObjects: deleteObjects(store),
    PutObject: putObject(store),
    GetObject: getObject(store),
    HeadObject: headObject(store),
    DeleteObject: deleteObject(store),
    PutObjectTagging: putObjectTagging(store),
    GetObjectTagging: getObjectTagging(store),
    DeleteObjectTagging: deleteObjectTagging(store),
    CreateMultipartUpload: createUpload(store),
    UploadPart: uploadPart(store),
    CompleteMultipartUpload: completeUpload(store),
    AbortMultipartUpload: abortUpload(store),
    ListMultipartUploads: listUploads(store),
    ListParts: listParts(store)
  }
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
  await options.authorize?.(operation, request, principalOf(incoming))
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

/** Query members that name a part of S3 which is not here: such a request must not be taken for another one. */
const subresources = [
  'acl',
  'cors',
  'encryption',
  'lifecycle',
  'location',
  'object-lock',
  'policy',
  'publicAccessBlock',
  'tagging',
  'versioning',
  'versions',
  'website'
]

function operationOf({ method, bucket, key, query }: S3Request): string {
  const subresource = subresources.find(name => query.has(name))
  if (subresource === 'tagging' && key !== '') {
    const onTags = { PUT: 'PutObjectTagging', GET: 'GetObjectTagging', DELETE: 'DeleteObjectTagging' }
    return onTags[method as keyof typeof onTags] ?? `${method} ?tagging`
  }
  if (subresource !== undefined) return `${method} ?${subresource}`
  const onUpload = uploadOperationOf(method, key, query)
  if (onUpload !== undefined) return onUpload
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : `${method} /`
  if (key === '') {
    if (method === 'POST' && query.has('delete')) return 'DeleteObjects'
    if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects'
    return { PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' }[method] ?? `${method} bucket`
  }
  const onObject = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }
  return onObject[method as keyof typeof onObject] ?? `${method} object`
}

/** undefined when the request is about no upload in parts. */
function uploadOperationOf(method: string, key: string, query: URLSearchParams): string | undefined {
  if (query.has('uploadId')) {
    const onUpload = {
      PUT: 'UploadPart',
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
      GET: 'ListParts'
    }
    return (key === '' ? undefined : onUpload[method as keyof typeof onUpload]) ?? `${method} ?uploadId`
  }
  if (query.has('uploads')) {
    if (key === '' && method === 'GET') return 'ListMultipartUploads'
    return key !== '' && method === 'POST' ? 'CreateMultipartUpload' : `${method} ?uploads`
  }
  return query.has('partNumber') ? `${method} ?partNumber` : undefined
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
    method: incoming.method ?? 'GET',
    bucket,
    key,
    query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
    header: name => headerOf(incoming, name) ?? trailers[name],
    headers: incoming.headers,
    body: bytes
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
    ...(answer.status === 204 ? {} : { 'content-length': String(body?.length ?? 0) }),
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
  send(incoming, response, incoming.method === 'HEAD' ? { status } : { status, body }, requestId)
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new AwsError('InternalError', `bug in the local engine: ${detail}`, 500)
}
