import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AwsError, type AwsJsonOptions } from '../aws-json.ts'
import { headerOf, type RequestListener, readBody } from '../http-server.ts'
import { checkedInput } from '../wire-types.ts'
import { describeContinuousBackups, updateContinuousBackups } from './actions/backups.ts'
import { wantsFailedItem, withFailedItem } from './actions/conditional-writes.ts'
import { createTable, deleteTable, describeTable, updateTable } from './actions/tables.ts'
import { describeTimeToLive, updateTimeToLive } from './actions/time-to-live.ts'
import { type Answer, type Input, parseJson } from './dynalite.ts'
import { type DynamodbAction, DynamodbStore, type DynamodbStoreOptions } from './store.ts'

import { tableTypes } from './wire-types.ts'

export interface DynamodbEngineOptions extends DynamodbStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
}

export interface DynamodbEngine {
  readonly listener: RequestListener
  /** Every item of every table, as the JSON text that the tables hold. */
  everything(): AsyncGenerator<Uint8Array>
  /** Lets go of the state folder, if there is one. Nothing may be asked any more. */
  close(): Promise<void>
}

const maxBodyBytes = 17 * 1024 * 1024
const jsonType = 'application/x-amz-json-1.0'

/** What `dynalite` cannot do, or forgets. */
const actions: Readonly<Record<string, DynamodbAction>> = {
  CreateTable: createTable,
  DescribeTable: describeTable,
  UpdateTable: updateTable,
  DeleteTable: deleteTable,
  UpdateContinuousBackups: updateContinuousBackups,
  DescribeContinuousBackups: describeContinuousBackups,
  UpdateTimeToLive: updateTimeToLive,
  DescribeTimeToLive: describeTimeToLive
}
/** Of them, those during which no other request may see the tables. */
const aloneActions: readonly string[] = ['CreateTable', 'UpdateTable', 'DeleteTable']

/**
 * DynamoDB by the package `dynalite`, in this process and behind our own port: it never listens itself. The
 * front reads every body, which is where scripted faults come in, and carries out what `dynalite` cannot do.
 */
export async function createDynamodbEngine(options: DynamodbEngineOptions): Promise<DynamodbEngine> {
  const store = await DynamodbStore.open(options)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, maxBodyBytes)
    if (body === undefined) {
      const answer = errorAnswer(new AwsError('RequestEntityTooLargeException', 'request too large', 413))
      response.writeHead(answer.status, answer.headers).end(answer.body)
      return
    }
    const operation = (headerOf(request, 'x-amz-target') ?? '').split('.').at(-1) ?? ''
    const input = parseJson(body)
    const fault = await options.fault?.(operation, input)
    if (fault?.kind === 'reset') {
      request.socket.destroy()
      return
    }
    const answer =
      fault?.kind === 'error'
        ? errorAnswer(fault.error)
        : await answerTo(store, request, operation, input, body)
    // An answer that is lost has been carried out all the same.
    if (fault?.kind === 'loseAnswer') request.socket.destroy()
    else response.writeHead(answer.status, answer.headers).end(answer.body)
  }
  return {
    close: () => store.close(),
    listener: (request, response) => {
      serve(request, response).catch((error: unknown) => {
        // A bug of the front, or a caller that is gone in the middle of its request.
        const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
        const answer = errorAnswer(new AwsError('InternalFailure', `bug in the local engine: ${detail}`, 500))
        if (!response.headersSent) response.writeHead(answer.status, answer.headers).end(answer.body)
      })
    },
    async *everything() {
      const { TableNames: tables } = await store.gate.shared(() => store.dynalite.ask('ListTables', {}))
      for (const table of tables as string[]) {
        let start: unknown
        do {
          const from = start
          const page = await store.gate.shared(() => store.dynalite.page(table, from))
          for (const item of page.items) yield Buffer.from(JSON.stringify(item))
          start = page.next
        } while (start !== undefined)
      }
    }
  }
}

function answerTo(
  store: DynamodbStore,
  request: IncomingMessage,
  operation: string,
  input: Input,
  body: Buffer
): Promise<Answer> {
  const { method, url, headers } = request
  const pass = (): Promise<Answer> => store.dynalite.pass({ method, url, headers, body })
  if (wantsFailedItem(operation, input)) {
    return store.gate.alone(async () => withFailedItem(store, input, await pass()))
  }
  const action = Object.hasOwn(actions, operation) ? actions[operation] : undefined
  if (action === undefined) return store.gate.shared(pass)
  const [, principal] = /Credential=([^/]+)\//.exec(headerOf(request, 'authorization') ?? '') ?? []
  const run = async (): Promise<Answer> => {
    try {
      const output = await action(store, checkedInput(input, tableTypes), principal)
      return ownAnswer(200, output)
    } catch (error) {
      if (error instanceof AwsError) return errorAnswer(error)
      throw error
    } finally {
      store.save()
    }
  }
  return aloneActions.includes(operation) ? store.gate.alone(run) : store.gate.shared(run)
}

function errorAnswer({ type, message, status, members }: AwsError): Answer {
  return ownAnswer(status, { __type: type, message, ...members })
}

function ownAnswer(status: number, output: object): Answer {
  const headers = { 'content-type': jsonType, 'x-amzn-requestid': randomUUID() }
  return { status, headers, body: Buffer.from(JSON.stringify(output)) }
}
