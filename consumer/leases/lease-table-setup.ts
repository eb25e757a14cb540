import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../../core/clock.ts'
import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import {
  callService,
  classifyFailure,
  FailureClass,
  ServiceError,
  serviceErrorName
} from '../../core/service-errors.ts'
import { callFailed } from '../call-failed.ts'
import { LeaseTableMissingError, LeaseTableSchemaError } from '../errors.ts'
import type { WorkerEvent } from '../types.ts'
import { keyOf } from './dynamodb-calls.ts'
import { LeaseAttribute as A, ownerIndex } from './lease-schema.ts'

/** How a lease table is made: on demand, and with what is asked for here. */
export interface CreateLeaseTable {
  /**
   * Encryption at rest under a key in KMS instead of DynamoDB's own: `true` for the key that AWS manages, or the
   * id, ARN or alias of one.
   * @default false
   */
  readonly sse?: boolean | { readonly kmsKeyId: string }
  /** Continuous backups. Where the service cannot do them, an event `callFailed` says so. @default false */
  readonly pointInTimeRecovery?: boolean
}

export interface LeaseTableSetupOptions {
  readonly tableName: string
  readonly createTable: boolean | CreateLeaseTable
  /** Whether the table is to have the owner index of KCL 3. */
  readonly needsOwnerIndex: boolean
  readonly documents: DynamoDBDocumentClient
  readonly clock: Clock
  readonly onEvent: ((event: WorkerEvent) => void) | undefined
}

const activeTimeoutMs = 120_000
const pollMs = 250
/** Time between two looks whether the index is filled, in milliseconds. */
const indexPollMs = 10_000
/** Calls for the table itself come before any lease is held: no lease runs out while a slow answer is awaited. */
const tableCallOptions = { requestTimeout: 30_000 }

const ownerIndexDefinition = {
  IndexName: ownerIndex,
  KeySchema: [
    { AttributeName: A.leaseOwner, KeyType: 'HASH' as const },
    { AttributeName: A.leaseKey, KeyType: 'RANGE' as const }
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' as const }
}
const indexedAttributes = [A.leaseKey, A.leaseOwner].map(AttributeName => ({
  AttributeName,
  AttributeType: 'S' as const
}))

/** Finds, makes and checks the table itself; of its rows it knows nothing. */
export class LeaseTableSetup {
  readonly #options: LeaseTableSetupOptions
  #isIndexActive = false
  #indexLookedMs = Number.NEGATIVE_INFINITY

  constructor(options: LeaseTableSetupOptions) {
    this.#options = options
  }

  /** @throws LeaseTableMissingError, LeaseTableSchemaError, ServiceError */
  async ensure(): Promise<void> {
    const { tableName, createTable, clock } = this.#options
    const deadline = clock.now() + activeTimeoutMs
    let table = await this.#description()
    const isOurs = table === undefined
    if (table === undefined) {
      if (createTable === false) throw new LeaseTableMissingError(tableName)
      await this.#create()
      table = await this.#description()
    }
    while (table?.TableStatus !== 'ACTIVE' && table?.TableStatus !== 'UPDATING') {
      if (clock.now() > deadline) {
        throw new SealstreamError(
          ErrorCode.service,
          `lease table ${tableName} is not active: ${table?.TableStatus ?? 'missing'}`
        )
      }
      await clock.sleep(pollMs)
      table = await this.#description()
    }
    const key = keyOf(table)
    if (key !== `${A.leaseKey} S HASH`) throw new LeaseTableSchemaError(tableName, key)
    if (isOurs && typeof createTable === 'object' && createTable.pointInTimeRecovery === true) {
      await this.tolerate(() => this.#startBackups())
    }
    if (this.#options.needsOwnerIndex && createTable !== false && indexStatus(table) === undefined) {
      await this.tolerate(() => this.#addOwnerIndex(table))
    }
  }

  /** Whether the owner index can be asked: one that was just made is filled first. @throws ServiceError */
  async hasOwnerIndex(): Promise<boolean> {
    const { clock } = this.#options
    if (this.#isIndexActive || clock.now() - this.#indexLookedMs < indexPollMs) return this.#isIndexActive
    this.#indexLookedMs = clock.now()
    this.#isIndexActive = indexStatus(await this.#description()) === 'ACTIVE'
    return this.#isIndexActive
  }

  /** For what is good to have: a failure is told and goes by. What does not exist is no failure. */
  async tolerate<T>(task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      if (error.failure !== FailureClass.notFound) this.#options.onEvent?.(callFailed(error))
      return undefined
    }
  }

  async #description(): Promise<TableDescription | undefined> {
    try {
      const { Table: table } = (await this.#options.documents.send(
        new DescribeTableCommand({ TableName: this.#options.tableName }) as never,
        tableCallOptions
      )) as { Table?: TableDescription }
      return table
    } catch (cause) {
      if (classifyFailure(cause) === FailureClass.notFound) return undefined
      throw new ServiceError('dynamodb', 'DescribeTable', cause)
    }
  }

  async #create(): Promise<void> {
    const { tableName, createTable, needsOwnerIndex, documents } = this.#options
    const sse = typeof createTable === 'object' ? createTable.sse : undefined
    const input: CreateTableCommandInput = {
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: needsOwnerIndex ? indexedAttributes : indexedAttributes.slice(0, 1),
      KeySchema: [{ AttributeName: A.leaseKey, KeyType: 'HASH' }],
      ...(needsOwnerIndex ? { GlobalSecondaryIndexes: [ownerIndexDefinition] } : {}),
      ...(sse === undefined || sse === false
        ? {}
        : {
            SSESpecification: {
              Enabled: true,
              SSEType: 'KMS',
              ...(sse === true ? {} : { KMSMasterKeyId: sse.kmsKeyId })
            }
          })
    }
    try {
      await documents.send(new CreateTableCommand(input) as never, tableCallOptions)
    } catch (cause) {
      // Another worker of the fleet was first.
      if (serviceErrorName(cause) !== 'ResourceInUseException')
        throw new ServiceError('dynamodb', 'CreateTable', cause)
    }
  }

  async #addOwnerIndex(table: TableDescription): Promise<void> {
    const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = table.ProvisionedThroughput ?? {}
    const isProvisioned = ReadCapacityUnits > 0 && WriteCapacityUnits > 0
    const index = isProvisioned
      ? { ...ownerIndexDefinition, ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } }
      : ownerIndexDefinition
    try {
      await this.#options.documents.send(
        new UpdateTableCommand({
          TableName: this.#options.tableName,
          AttributeDefinitions: indexedAttributes,
          GlobalSecondaryIndexUpdates: [{ Create: index }]
        }) as never,
        tableCallOptions
      )
    } catch (cause) {
      // Another worker of the fleet was first.
      if (serviceErrorName(cause) !== 'ResourceInUseException')
        throw new ServiceError('dynamodb', 'UpdateTable', cause)
    }
  }

  async #startBackups(): Promise<void> {
    await callService('dynamodb', 'UpdateContinuousBackups', () =>
      this.#options.documents.send(
        new UpdateContinuousBackupsCommand({
          TableName: this.#options.tableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
        }) as never,
        tableCallOptions
      )
    )
  }
}

/** Undefined where there is no owner index. */
function indexStatus(table: TableDescription | undefined): string | undefined {
  return table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === ownerIndex)?.IndexStatus
}
