import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { adminPath } from './admin/routes.ts'
import { headerOf, type RequestListener } from './http-server.ts'
import { type LocalService, localServices } from './services.ts'

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
 * header; whatever has neither is S3's, where requests may come unsigned or signed in the query. Paths of the
 * administration are `admin`'s.
 */
export function multiplex(
  listeners: Readonly<Partial<Record<LocalService, RequestListener>>>,
  admin: RequestListener,
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
    if (request.url?.startsWith(adminPath)) {
      admin(request, response)
      return
    }
    const service = serviceOf(request)
    const listener = listeners[service] ?? notRunning(service, Object.keys(listeners))
    listener(request, response)
  }
}

function serviceOf(request: IncomingMessage): LocalService {
  const [, scope] = signed.exec(headerOf(request, 'authorization') ?? '') ?? []
  if (scope !== undefined && localServices.includes(scope as LocalService)) return scope as LocalService
  const prefix = (headerOf(request, 'x-amz-target') ?? '').split(/[._]/)[0] ?? ''
  return targets[prefix] ?? 's3'
}

/** An error that no client tries again, and that says what to do. */
function notRunning(service: LocalService, running: readonly string[]): RequestListener {
  const type = 'ServiceNotRunningException'
  const message = `${service} does not run here, only ${running.join(', ')}: name it in the option services.`
  return (request, response) => {
    request.resume()
    if (service === 's3') {
      const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${type}</Code><Message>${message}</Message><RequestId>${randomUUID()}</RequestId></Error>`
      response.writeHead(501, { 'content-type': 'application/xml' }).end(body)
      return
    }
    const body = JSON.stringify({ __type: type, message })
    response.writeHead(501, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  }
}
