import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import type { AwsJsonOptions } from '../aws-json.ts'
import { headerOf, type RequestListener, readBody } from '../http-server.ts'

/** The part of the package `dynalite` that is used; it ships no types. */
type Dynalite = (options: {
  readonly createTableMs: number
  readonly deleteTableMs: number
  readonly updateTableMs: number
}) => Server

export interface DynamodbEngineOptions {
  readonly fault?: AwsJsonOptions['fault']
}

export interface DynamodbEngine {
  readonly listener: RequestListener
  /** Every item of every table, as the JSON text that the tables hold. */
  everything(): AsyncGenerator<Uint8Array>
}

const maxBodyBytes = 17 * 1024 * 1024
/** `dynalite` wants a signature to be there; it does not check it. */
const signature =
  'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0'

/**
 * DynamoDB by the package `dynalite`, in this process and behind our own port: it never listens itself. The
 * front reads every body, which is where scripted faults come in.
 */
export async function createDynamodbEngine(options: DynamodbEngineOptions = {}): Promise<DynamodbEngine> {
  const dynalite = (await loadDynalite())({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, maxBodyBytes)
    if (body === undefined) {
      response.writeHead(413).end()
      return
    }
    const operation = (headerOf(request, 'x-amz-target') ?? '').split('.').at(-1) ?? ''
    const fault = await options.fault?.(operation, parse(body))
    if (fault?.kind === 'reset') {
      request.socket.destroy()
    } else if (fault?.kind === 'error') {
      const { type, message, status, members } = fault.error
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(JSON.stringify({ __type: type, message, ...members }))
    } else {
      // What dynalite answers goes nowhere when the answer is to be lost: it has been carried out all the same.
      const answer =
        fault?.kind === 'loseAnswer' ? lostAnswer(response, () => request.socket.destroy()) : response
      dynalite.emit('request', replay(request, body), answer)
    }
  }
  return {
    listener: (request, response) => {
      serve(request, response).catch(() => response.destroy())
    },
    async *everything() {
      const ask = async (operation: string, input: object): Promise<Buffer> => {
        const headers = {
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          authorization: signature,
          'x-amz-date': '0'
        }
        return inProcess(dynalite, headers, Buffer.from(JSON.stringify(input)))
      }
      const { TableNames: tables } = JSON.parse(String(await ask('ListTables', {}))) as {
        TableNames: string[]
      }
      for (const TableName of tables) {
        let ExclusiveStartKey: unknown
        do {
          const page = await ask('Scan', {
            TableName,
            ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey })
          })
          const parsed = JSON.parse(String(page)) as {
            Items: Record<string, unknown>[]
            LastEvaluatedKey?: unknown
          }
          ExclusiveStartKey = parsed.LastEvaluatedKey
          for (const item of parsed.Items) yield Buffer.from(JSON.stringify(item))
        } while (ExclusiveStartKey !== undefined)
      }
    }
  }
}

async function loadDynalite(): Promise<Dynalite> {
  const name: string = 'dynalite'
  try {
    return ((await import(name)) as { default: Dynalite }).default
  } catch (cause) {
    throw new Error('the embedded DynamoDB needs the package dynalite: npm i -D dynalite', { cause })
  }
}

/** The request once more, with a body that was read already. */
function replay(
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'httpVersion'>,
  body: Buffer
): PassThrough {
  const { method, url, headers, httpVersion } = request
  const again = Object.assign(new PassThrough(), { method, url, headers, httpVersion })
  again.end(body)
  return again
}

/** A response whose writer notices nothing; `cut` is called when it has written all. */
function lostAnswer(response: ServerResponse, cut: () => void): object {
  return Object.assign(Object.create(response) as object, {
    writeHead: () => {},
    setHeader: () => {},
    write: () => true,
    end: cut
  })
}

function inProcess(dynalite: Server, headers: Record<string, string>, body: Buffer): Promise<Buffer> {
  return new Promise(resolve => {
    const response = {
      statusCode: 200,
      setHeader: () => {},
      writeHead: () => {},
      end: (answer: string | Buffer) => resolve(Buffer.from(answer))
    }
    const request = {
      method: 'POST',
      url: '/',
      httpVersion: '1.1',
      headers: { host: 'localhost', 'content-type': 'application/x-amz-json-1.0', ...headers }
    }
    dynalite.emit('request', replay(request, body), response)
  })
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}
