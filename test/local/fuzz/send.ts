import { type Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type { FuzzRequest } from './callers.ts'

export interface FuzzAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** An engine that says nothing for so long never will. */
const maxSilenceMs = 15_000

/** Sends a request as it is. Undefined when it was cut: nobody waits for an answer then. */
export async function send(request: FuzzRequest, url: string, agent: Agent): Promise<FuzzAnswer | undefined> {
  const { hostname, port } = new URL(url)
  return request.cutAt === undefined
    ? whole(request, hostname, Number(port), agent)
    : cut(request, hostname, Number(port), request.cutAt)
}

function whole(
  { method, path, headers, body }: FuzzRequest,
  host: string,
  port: number,
  agent: Agent
): Promise<FuzzAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host, port, method, path, agent, headers: { ...headers, 'content-length': body.length } },
      response => {
        const { statusCode: status = 0, headers: answered } = response
        // A subscription goes on for minutes; that it began is enough.
        if (answered['content-type'] === 'application/vnd.amazon.eventstream') {
          response.destroy()
          resolve({ status, headers: answered, body: Buffer.from('{}') })
          return
        }
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status, headers: answered, body: Buffer.concat(chunks) }))
        response.on('error', reject)
      }
    )
    outgoing.on('error', reject)
    outgoing.setTimeout(maxSilenceMs, () =>
      outgoing.destroy(
        new Error(
          `no answer to ${method} ${path}: ${JSON.stringify(headers)} ${body.toString('latin1').slice(0, 2_000)}`
        )
      )
    )
    outgoing.end(body)
  })
}

function cut(
  { method, path, headers, body }: FuzzRequest,
  host: string,
  port: number,
  at: number
): Promise<undefined> {
  return new Promise(resolve => {
    const lines = Object.entries({ host, ...headers, 'content-length': body.length }).map(
      ([name, value]) => `${name}: ${value}`
    )
    const socket = connect(port, host)
    socket.on('error', () => {})
    socket.on('close', () => resolve(undefined))
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    socket.end(body.subarray(0, at), () => socket.destroy())
  })
}
