import { EventEmitter, once } from 'node:events'
import type { Server } from 'node:http'
import { AwsError } from '../aws-json.ts'

/** The part of the package `dynalite` that is used; it ships no types. */
type MakeDynalite = (options: {
  readonly createTableMs: number
  readonly deleteTableMs: number
  readonly updateTableMs: number
  /** Folder of its database. @default memory */
  readonly path?: string
}) => Server

export type Input = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer
}

/** What a request looks like to `dynalite`. */
export interface RawRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** `dynalite` wants a signature to be there; it does not check it. */
const signature =
  'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0'

/** The package `dynalite` in this process: it never listens. */
export class Dynalite {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /**
   * `folder`: of its database; undefined for memory. `prepare`: what has to be done to it before.
   * @throws Error when the package is not installed
   */
  static async load(folder?: string, prepare?: () => Promise<void>): Promise<Dynalite> {
    const name: string = 'dynalite'
    let make: MakeDynalite
    try {
      make = ((await import(name)) as { default: MakeDynalite }).default
    } catch (cause) {
      throw new Error('the embedded DynamoDB needs the package dynalite: npm i -D dynalite', { cause })
    }
    await prepare?.()
    return new Dynalite(
      make({
        createTableMs: 0,
        deleteTableMs: 0,
        updateTableMs: 0,
        ...(folder === undefined ? {} : { path: folder })
      })
    )
  }

  /** Lets go of the folder. */
  async close(): Promise<void> {
    // It closes its database when its server closes, and that only when it listens.
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    await new Promise<void>((resolve, reject) => {
      this.#server.close(error => (error === undefined || error === null ? resolve() : reject(error)))
    })
  }

  /** The whole answer to a request as it came. */
  pass({ method = 'POST', url = '/', headers, body }: RawRequest): Promise<Answer> {
    return new Promise(resolve => {
      const sent: Record<string, string | number> = {}
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: string | number) => {
          sent[name.toLowerCase()] = value
        },
        end: (answer: string | Buffer = '') =>
          resolve({ status: response.statusCode, headers: sent, body: Buffer.from(answer) })
      }
      const request = Object.assign(new EventEmitter(), { method, url, headers, httpVersion: '1.1' })
      this.#server.emit('request', request, response)
      try {
        if (body.length > 0) request.emit('data', body)
        request.emit('end')
      } catch {
        // Its checks stumble over some inputs. Emitted here, what they throw comes here and does not end the process.
        resolve(malformed)
      }
    })
  }

  /** The answer to an operation of ours. @throws AwsError what `dynalite` answers */
  async ask(operation: string, input: Input): Promise<Input> {
    const answer = await this.pass({
      headers: {
        host: 'localhost',
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        authorization: signature,
        'x-amz-date': '0'
      },
      body: Buffer.from(JSON.stringify(input))
    })
    const output = parseJson(answer.body)
    if (answer.status === 200) return output
    const type = errorTypeOf(answer) ?? 'InternalFailure'
    throw new AwsError(type, String(output.message ?? output.Message ?? ''), answer.status)
  }

  /** Items of a table from a position on, and the position of the rest; undefined when there is none. */
  async page(
    tableName: string,
    start: unknown
  ): Promise<{ readonly items: readonly Input[]; readonly next: unknown }> {
    const { Items: items, LastEvaluatedKey: next } = await this.ask('Scan', {
      TableName: tableName,
      ...(start === undefined ? {} : { ExclusiveStartKey: start })
    })
    return { items: items as Input[], next }
  }
}

const malformed: Answer = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: Buffer.from(
    JSON.stringify({ __type: 'com.amazon.coral.service#SerializationException', message: 'malformed input' })
  )
}

/** Name of the error in an answer; undefined when it is none. */
export function errorTypeOf({ status, body }: Answer): string | undefined {
  if (status === 200) return undefined
  const { __type: type } = parseJson(body)
  return typeof type === 'string' ? type.split('#').at(-1) : undefined
}

/** A body as a JSON object; empty when it is none. */
export function parseJson(body: Buffer): Input {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Input) : {}
  } catch {
    return {}
  }
}
