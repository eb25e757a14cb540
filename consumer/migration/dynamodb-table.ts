import {
  type AttributeValue,
  DynamoDBClient as Client,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  type ScanCommandOutput,
  type SSESpecification,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand
} from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock } from '../../core/clock.ts'
import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import { callService, classifyFailure, FailureClass, ServiceError } from '../../core/service-errors.ts'
import { LeaseTableSchemaError } from '../errors.ts'
import { keyOf, pagesOf, wasCarriedOut } from '../leases/dynamodb-calls.ts'
import type { Lease } from '../leases/lease.ts'
import { LeaseAttribute as A } from '../leases/lease-schema.ts'
import { attributesToRemove } from './canonical-row.ts'
import type { LeaseTableAddress, LeaseTableKey } from './migration-options.ts'
import { type Row, readRow, type TableRow, withoutOwner } from './rows.ts'

const activeTimeoutMs = 600_000
const pollMs = 250

/**
 * One of the two tables of a migration. Each write is one under a condition, and says whether it was carried out; one that
 * was, and whose answer was lost, may say that it was not.
 */
export class DynamodbTable {
  readonly tableName: string
  readonly #ownClient: DynamoDBClient | undefined
  readonly #client: DynamoDBClient
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined

  constructor({ tableName, client, clientConfig }: LeaseTableAddress, clock: Clock, signal?: AbortSignal) {
    this.tableName = tableName
    this.#clock = clock
    this.#signal = signal
    this.#ownClient =
      client === undefined
        ? new Client({
            requestHandler: new NodeHttpHandler({
              connectionTimeout: 5_000,
              requestTimeout: 30_000,
              throwOnRequestTimeout: true
            }),
            maxAttempts: 4,
            ...clientConfig
          })
        : undefined
    this.#client = client ?? this.#ownClient!
  }

  /** Undefined when there is none. @throws LeaseTableSchemaError */
  async describe(): Promise<TableDescription | undefined> {
    try {
      const { Table: table } = await this.#client.send(
        new DescribeTableCommand({ TableName: this.tableName })
      )
      const key = keyOf(table!)
      if (key !== `${A.leaseKey} S HASH`) throw new LeaseTableSchemaError(this.tableName, key)
      return table
    } catch (cause) {
      if (cause instanceof SealstreamError) throw cause
      if (classifyFailure(cause) === FailureClass.notFound) return undefined
      throw new ServiceError('dynamodb', 'DescribeTable', cause)
    }
  }

  /** On demand. Resolves when it can be used. */
  async create(key: LeaseTableKey): Promise<void> {
    await callService('dynamodb', 'CreateTable', () =>
      this.#client.send(
        new CreateTableCommand({
          TableName: this.tableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: A.leaseKey, AttributeType: 'S' }],
          KeySchema: [{ AttributeName: A.leaseKey, KeyType: 'HASH' }],
          SSESpecification: encryptionBy(key)
        })
      )
    )
    await this.untilActive()
  }

  async startBackups(): Promise<void> {
    await callService('dynamodb', 'UpdateContinuousBackups', () =>
      this.#client.send(
        new UpdateContinuousBackupsCommand({
          TableName: this.tableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
        })
      )
    )
  }

  /** In place: the table can be used all the while. */
  async changeKey(key: LeaseTableKey): Promise<void> {
    await callService('dynamodb', 'UpdateTable', () =>
      this.#client.send(
        new UpdateTableCommand({ TableName: this.tableName, SSESpecification: encryptionBy(key) })
      )
    )
  }

  /** Until neither the table nor its encryption is being changed. */
  async untilActive(): Promise<TableDescription> {
    const deadline = this.#clock.now() + activeTimeoutMs
    for (;;) {
      const table = await this.describe()
      const encryption = table?.SSEDescription?.Status
      const isEncrypted = encryption === undefined || encryption === 'ENABLED' || encryption === 'DISABLED'
      if (table?.TableStatus === 'ACTIVE' && isEncrypted) return table
      if (this.#clock.now() > deadline) {
        throw new SealstreamError(
          ErrorCode.service,
          `table ${this.tableName} is not active: ${table?.TableStatus ?? 'missing'}, encryption ${encryption ?? 'unknown'}`
        )
      }
      await this.#clock.sleep(pollMs, this.#signal)
    }
  }

  /** Every row. */
  async read(): Promise<readonly TableRow[]> {
    const rows: TableRow[] = []
    const pages = pagesOf<ScanCommandOutput>('Scan', ExclusiveStartKey =>
      this.#client.send(
        new ScanCommand({ TableName: this.tableName, ConsistentRead: true, ExclusiveStartKey })
      )
    )
    for await (const page of pages) for (const row of page.Items ?? []) rows.push(readRow(row))
    return rows
  }

  // A worker of this table may have made the row for itself, or another migration did: it stays as it is.
  async add(row: Row): Promise<boolean> {
    return wasCarriedOut('PutItem', () =>
      this.#client.send(
        new PutItemCommand({
          TableName: this.tableName,
          Item: withoutOwner(row),
          ConditionExpression: `attribute_not_exists(${A.leaseKey})`
        })
      )
    )
  }

  // Settles against a take by a worker of this table, which changes the counter and names an owner. The counter rises,
  // so that a worker that saw the row before it was written does not take it at the old checkpoint.
  async moveOn(seen: Lease, row: Row): Promise<boolean> {
    const { [A.leaseKey]: key, ...attributes } = withoutOwner(row)
    const counter = Math.max(Number(row[A.leaseCounter]?.N ?? 0), seen.leaseCounter + 1)
    const set = Object.entries({ ...attributes, [A.leaseCounter]: { N: String(counter) } })
    const remove = attributesToRemove(row)
    const setting = set.map((_, index) => `#s${index} = :s${index}`).join(', ')
    const removing = remove.map((_, index) => `#r${index}`).join(', ')
    return wasCarriedOut('UpdateItem', () =>
      this.#client.send(
        new UpdateItemCommand({
          TableName: this.tableName,
          Key: { [A.leaseKey]: key! },
          ConditionExpression: untouched,
          UpdateExpression: `SET ${setting}${remove.length === 0 ? '' : ` REMOVE ${removing}`}`,
          ExpressionAttributeNames: Object.fromEntries([
            ...set.map(([name], index) => [`#s${index}`, name]),
            ...remove.map((name, index) => [`#r${index}`, name])
          ]),
          ExpressionAttributeValues: {
            ...Object.fromEntries(set.map(([, value], index) => [`:s${index}`, value])),
            ...valuesOf(seen)
          }
        })
      )
    )
  }

  // Settles against a take, as above.
  async remove(seen: Lease): Promise<boolean> {
    return wasCarriedOut('DeleteItem', () =>
      this.#client.send(
        new DeleteItemCommand({
          TableName: this.tableName,
          Key: { [A.leaseKey]: { S: seen.leaseKey } },
          ConditionExpression: untouched,
          ExpressionAttributeValues: valuesOf(seen)
        })
      )
    )
  }

  close(): void {
    this.#ownClient?.destroy()
  }
}

/** Nobody holds it, and nobody has written to it since it was seen, nor made it anew. */
const untouched = `${A.leaseCounter} = :seen AND ${A.checkpoint} = :checkpoint AND attribute_not_exists(${A.leaseOwner})`

function valuesOf({ leaseCounter, checkpoint }: Lease): Record<string, AttributeValue> {
  return { ':seen': { N: String(leaseCounter) }, ':checkpoint': { S: checkpoint.sequenceNumber } }
}

function encryptionBy(key: LeaseTableKey): SSESpecification {
  return {
    Enabled: true,
    SSEType: 'KMS',
    ...(key === 'aws' ? {} : { KMSMasterKeyId: key.kmsKeyId })
  }
}
