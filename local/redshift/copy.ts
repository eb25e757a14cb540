import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { CopyFault } from '../faults/fault.ts'
import { ConnectionCut } from '../receiver.ts'
import type { CopyLog, LoggedCopy } from './copy-log.ts'
import { type CopyFormat, type CopyStatement, parseCopyStatement } from './copy-statement.ts'
import { CopyError, type CopyErrorCode, copyErrorCodes, toCopyError } from './errors.ts'
import { type JsonPath, parseJsonPaths } from './json-paths.ts'
import { loadRows, type Row } from './load-rows.ts'
import { parseManifest } from './manifest.ts'
import { loadPostgres, type Postgres, type PostgresClient } from './postgres-client.ts'
import { RowFault } from './rows.ts'
import type { S3Location } from './s3-location.ts'
import { describeTable } from './table.ts'
import { tableRows } from './table-rows.ts'

/** The part of the S3 engine that a COPY reads from. */
export interface ObjectReader {
  hasBucket(bucket: string): boolean
  /** undefined when there is none. */
  readObject(bucket: string, key: string): Promise<Buffer | undefined>
}

export interface CopyRequest {
  readonly jdbcUrl: string
  readonly username: string
  readonly password: string
  /** As Firehose sends it to a Redshift cluster. */
  readonly statement: string
  /** Ends the connection, and the COPY with it. */
  readonly signal: AbortSignal
}

/** Runs a COPY statement. Rejects with `CopyError`; then nothing is loaded, unless a fault has lost the answer. */
export type RunCopy = (request: CopyRequest) => Promise<void>

/** A COPY before it is run. */
export interface CopyAttempt {
  /** As the statement names it, in lower case unless it stands in quotes; undefined when that cannot be read. */
  readonly table: string | undefined
}

/** Asked before every COPY; what it returns happens to the COPY. */
export type FailCopy = (attempt: CopyAttempt) => CopyFault | undefined | Promise<CopyFault | undefined>

export interface CopyRunnerOptions {
  readonly objects: ObjectReader
  /** Address of the database that a JDBC URL stands for, with user and password; undefined when there is none. */
  connectionString(request: CopyRequest): string | undefined
  readonly fault?: FailCopy | undefined
  /** Told of every COPY that has ended. */
  readonly log?: CopyLog | undefined
}

const gunzipAsync = promisify(gunzip)

/** Rows of a COPY that is committed. */
type CopiedRows = Pick<LoggedCopy, 'rows' | 'refusedRows'>

/** Runs COPY statements of Redshift on PostgreSQL, which knows nothing of S3. */
export function createCopyRunner({ objects, connectionString, fault, log }: CopyRunnerOptions): RunCopy {
  return async request => {
    const statement = parse(request.statement)
    const { table, manifest } = namesOf(statement)
    let copied: CopiedRows = { rows: 0, refusedRows: 0 }
    let failure: CopyError | undefined
    try {
      const found = await unlessAborted(fault?.({ table }), request.signal)
      if (found?.kind === 'error') throw new CopyError(codeOf(found.error.type), found.error.message)
      if (found?.kind === 'reset') throw new ConnectionCut()
      const address = connectionString(request)
      if (address === undefined) {
        throw new CopyError(
          'ConnectionFailed',
          'there is no Redshift: it comes with startLocal({ receivers: ["redshift"] })'
        )
      }
      const postgres = await loadPostgres()
      copied = await inTransaction(postgres.client(address), request.signal, client =>
        copy(statement, { postgres, client, objects })
      )
      if (found?.kind === 'loseAnswer') throw new ConnectionCut()
    } catch (error) {
      failure = toCopyError(error)
      throw failure
    } finally {
      log?.add({ table, manifest, ...copied, errorCode: failure?.code, errorMessage: failure?.message })
    }
  }
}

interface CopyContext {
  readonly postgres: Postgres
  readonly client: PostgresClient
  readonly objects: ObjectReader
}

/** What is wrong with it is told once the connection is there. */
function parse(statement: string): CopyStatement | CopyError {
  try {
    return parseCopyStatement(statement)
  } catch (error) {
    return toCopyError(error)
  }
}

function namesOf(statement: CopyStatement | CopyError): Pick<LoggedCopy, 'table' | 'manifest'> {
  if (statement instanceof CopyError) return { table: undefined, manifest: undefined }
  const { table, manifest } = statement
  return { table: table.join('.'), manifest: `s3://${manifest.bucket}/${manifest.key}` }
}

/** A code that Firehose does not have comes from a function of the caller. */
function codeOf(type: string): CopyErrorCode {
  return copyErrorCodes.find(code => code === type) ?? 'InternalError'
}

/** A delay ends with the COPY that it is for. */
function unlessAborted<T>(pending: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(pending instanceof Promise)) return pending
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

async function copy(
  statement: CopyStatement | CopyError,
  { postgres, client, objects }: CopyContext
): Promise<CopiedRows> {
  if (statement instanceof CopyError) throw statement
  const table = await describeTable(client, statement.table, statement.columns)
  const paths = await readPaths(statement.format, objects)
  let refusedRows = 0
  // So many end the load.
  const refuse = (error: CopyError): void => {
    refusedRows += 1
    if (refusedRows >= statement.maxErrors) throw error
  }
  const rows: Row[] = []
  for (const bytes of await readSources(statement.manifest, objects)) {
    const plain = statement.isGzip ? await decompress(bytes) : bytes
    for (const row of tableRows({ bytes: plain, statement, columns: table.columns, paths })) {
      if (row instanceof RowFault) refuse(new CopyError('DataLoadFailed', row.message))
      else rows.push(row)
    }
  }
  let loaded = rows.length
  await loadRows({ postgres, client, table }, rows, error => {
    loaded -= 1
    refuse(toCopyError(error))
  })
  return { rows: loaded, refusedRows }
}

async function readPaths(
  format: CopyFormat,
  objects: ObjectReader
): Promise<readonly JsonPath[] | undefined> {
  if (format.kind !== 'json' || typeof format.fields === 'string') return undefined
  return parseJsonPaths((await readNeeded(format.fields, objects)).toString('utf8'))
}

/** What the manifest lists, without what may be missing and is. */
async function readSources(manifest: S3Location, objects: ObjectReader): Promise<readonly Buffer[]> {
  const sources: Buffer[] = []
  for (const entry of parseManifest((await readNeeded(manifest, objects)).toString('utf8'))) {
    const bytes = entry.isMandatory
      ? await readNeeded(entry, objects)
      : await objects.readObject(entry.bucket, entry.key)
    if (bytes !== undefined) sources.push(bytes)
  }
  if (sources.length === 0) throw new CopyError('MissingS3File', 'no object of the manifest is there')
  return sources
}

async function readNeeded({ bucket, key }: S3Location, objects: ObjectReader): Promise<Buffer> {
  if (!objects.hasBucket(bucket)) {
    throw new CopyError('S3BucketAccessDenied', `the bucket ${bucket} is not there`)
  }
  const bytes = await objects.readObject(bucket, key)
  if (bytes === undefined) throw new CopyError('MissingS3File', `the object ${key} is not there`)
  return bytes
}

async function decompress(bytes: Buffer): Promise<Buffer> {
  try {
    return await gunzipAsync(bytes)
  } catch {
    throw new CopyError('DataLoadFailed', 'an object is not compressed with gzip')
  }
}

async function inTransaction<T>(
  client: PostgresClient,
  signal: AbortSignal,
  work: (client: PostgresClient) => Promise<T>
): Promise<T> {
  signal.throwIfAborted()
  // A connection that is lost fails the query under way; without a listener it would end the process as well.
  client.on('error', () => {})
  const end = (): void => {
    client.end().catch(() => {})
  }
  signal.addEventListener('abort', end, { once: true })
  try {
    await client.connect()
    await client.query('begin')
    const done = await work(client)
    await client.query('commit')
    return done
  } finally {
    signal.removeEventListener('abort', end)
    // Without a commit the server takes everything back.
    await client.end().catch(() => {})
  }
}
