import type { IncomingMessage } from 'node:http'
import { headerOf, type RequestListener } from './http-server.ts'
import type { LocalService } from './start.ts'

/** Before the dot of `x-amz-target`, without the date that some services put behind an underscore. */
const targets: Readonly<Record<string, LocalService>> = {
  Kinesis: 'kinesis',
  DynamoDB: 'dynamodb',
  TrentService: 'kms',
  AmazonSQS: 'sqs',
  Firehose: 'firehose'
}
const signed = /Credential=[^/,\s]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/

/** Where health checks of LocalStack's clients ask. */
const healthPath = '/_localstack/health'

/**
 * All services behind one port, told apart by the service in the signature's credential scope, else by the target
 * header; whatever has neither is S3's, where requests may come unsigned or signed in the query.
 */
export function multiplex(
  listeners: Readonly<Record<LocalService, RequestListener>>,
  version: string
): RequestListener {
  const health = JSON.stringify({
    services: Object.fromEntries(Object.keys(listeners).map(service => [service, 'running'])),
    edition: 'sealstream',
    version
  })
  return (request, response) => {
    if (request.url === healthPath) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(health)
      return
    }
    listeners[serviceOf(request, listeners)](request, response)
  }
}

function serviceOf(
  request: IncomingMessage,
  listeners: Readonly<Record<LocalService, RequestListener>>
): LocalService {
  const [, scope] = signed.exec(headerOf(request, 'authorization') ?? '') ?? []
  if (scope !== undefined && Object.hasOwn(listeners, scope)) return scope as LocalService
  const prefix = (headerOf(request, 'x-amz-target') ?? '').split(/[._]/)[0] ?? ''
  return targets[prefix] ?? 's3'
}
