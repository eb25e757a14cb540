import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AwsError, type AwsJsonOptions, sendScripted } from '../aws-json.ts'
import { type FailEntry, failEntryOf } from '../faults/fault.ts'
import { cut, headerOf, type RequestListener, readBody } from '../http-server.ts'
import { checkedInput } from '../wire-types.ts'
import { describeContinuousBackups, updateContinuousBackups } from './actions/backups.ts'
import { withoutFailedEntries } from './actions/batch-writes.ts'
import { wantsFailedItem, withFailedItem } from './actions/conditional-writes.ts'
import { createTable, deleteTable, describeTable, updateTable } from './actions/tables.ts'
import { describeTimeToLive, updateTimeToLive } from './actions/time-to-live.ts'
import { type Answer, type Input, parseJson } from './dynalite.ts'
import { type DynamodbAction, DynamodbStore, type DynamodbStoreOptions } from './store.ts'

import { tableTypes } from './wire-types.ts'

export interface DynamodbEngineOptions extends DynamodbStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
  readonly authorize?: AwsJsonOptions['authorize']
}

export interface TableSummary {
  readonly name: string
  readonly status: string
  readonly items: number
  readonly indexes: readonly string[]
}

export interface DynamodbEngine {
  readonly listener: RequestListener
  /** By name. */
  tables(): Promise<readonly TableSummary[]>
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
      cut(request, response)
      return
    }
    if (fault?.kind === 'answer') {
      sendScripted(response, fault)
      return
    }
    const [, principal] = /Credential=([^/]+)\//.exec(headerOf(request, 'authorization') ?? '') ?? []
    const refusal =
      fault?.kind === 'error' ? fault.error : await refusalOf(options.authorize, operation, input, principal)
    const answer =
      refusal !== undefined
        ? errorAnswer(refusal)
        : await answerTo(store, { request, principal, operation, input, body, failEntry: failEntryOf(fault) })
    // An answer that is lost has been carried out all the same.
    if (fault?.kind === 'loseAnswer') cut(request, response)
    else if (fault?.kind === 'damageAnswer' && fault.how === 'empty')
      response.writeHead(200, { 'content-length': 0 }).end()
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
    tables: () =>
      store.gate.shared(async () => Promise.all((await tableNames(store)).map(name => summary(store, name)))),
    async *everything() {
      for (const table of await store.gate.shared(() => tableNames(store))) {
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

async function tableNames(store: DynamodbStore): Promise<readonly string[]> {
  const names: string[] = []
  for (let last: unknown; ; ) {
    const start = last === undefined ? {} : { ExclusiveStartTableName: last }
    const page = await store.dynalite.ask('ListTables', start)
    names.push(...(page.TableNames as string[]))
    last = page.LastEvaluatedTableName
    if (last === undefined) return names
  }
}

async function summary(store: DynamodbStore, name: string): Promise<TableSummary> {
  const table = await store.describe(name)
  const indexes = [table.GlobalSecondaryIndexes, table.LocalSecondaryIndexes].flatMap(list =>
    ((list ?? []) as { readonly IndexName: string }[]).map(({ IndexName }) => IndexName)
  )
  return {
    name,
    status: String(table.TableStatus),
    items: await itemCount(store, name),
    indexes
  }
}

/** Counted: ItemCount is as old as AWS lets it be. */
async function itemCount(store: DynamodbStore, name: string): Promise<number> {
  let count = 0
  for (let last: unknown; ; ) {
    const start = last === undefined ? {} : { ExclusiveStartKey: last }
    const page = await store.dynalite.ask('Scan', { TableName: name, Select: 'COUNT', ...start })
    count += Number(page.Count)
    last = page.LastEvaluatedKey
    if (last === undefined) return count
  }
}

async function refusalOf(
  authorize: DynamodbEngineOptions['authorize'],
  ...asked: Parameters<NonNullable<DynamodbEngineOptions['authorize']>>
): Promise<AwsError | undefined> {
  try {
    await authorize?.(...asked)
    return undefined
  } catch (error) {
    if (error instanceof AwsError) return error
    throw error
  }
}

interface FrontRequest {
  readonly request: IncomingMessage
  readonly principal: string | undefined
  readonly operation: string
  readonly input: Input
  readonly body: Buffer
  readonly failEntry: FailEntry | undefined
}

function answerTo(
  store: DynamodbStore,
  { request, principal, operation, input, body, failEntry }: FrontRequest
): Promise<Answer> {
  const { method, url, headers } = request
  const pass = (): Promise<Answer> => store.dynalite.pass({ method, url, headers, body })
  if (wantsFailedItem(operation, input)) {
    return store.gate.alone(async () => withFailedItem(store, input, await pass()))
  }
  if (failEntry !== undefined) {
    return store.gate.shared(() =>
      withoutFailedEntries(input, failEntry, left => {
        return store.dynalite.pass({ method, url, headers, body: Buffer.from(JSON.stringify(left)) })
      })
    )
  }
  const action = Object.hasOwn(actions, operation) ? actions[operation] : undefined
  if (action === undefined) return store.gate.shared(pass)
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
