import {
  DynamoDBClient as Client,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type DynamoDBClientConfig,
  type TableDescription,
  UpdateContinuousBackupsCommand
} from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
  UpdateCommand
} from '@aws-sdk/lib-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock } from '../../core/clock.ts'
import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import { classifyFailure, FailureClass, ServiceError, serviceErrorName } from '../../core/service-errors.ts'
import {
  compareSequence,
  type ExtendedSequenceNumber,
  Sentinel
} from '../checkpoint/extended-sequence-number.ts'
import {
  DuplicateWorkerError,
  Kcl3StateError,
  LeaseTableMissingError,
  LeaseTableSchemaError
} from '../errors.ts'
import type { WorkerEvent } from '../types.ts'
import { kcl3Signs } from './kcl3-state.ts'
import type { Lease } from './lease.ts'
import { type Item, parseRow, toItem, toMetaItem } from './lease-item.ts'
import { LeaseAttribute as A } from './lease-schema.ts'
import type { CheckpointUpdate, LeaseTable, LeaseTableUsage, ShardFacts } from './lease-table.ts'

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

export interface DynamodbLeaseTableOptions {
  readonly tableName: string
  /** Names the tables that KCL 3.0 to 3.4 keeps beside the lease table. @default `tableName` */
  readonly applicationName?: string | undefined
  readonly createTable: boolean | CreateLeaseTable
  /** A client to use as it is; the caller destroys it. */
  readonly client?: DynamoDBClient | undefined
  readonly clientConfig?: DynamoDBClientConfig | undefined
  /** Longest time of one call, in milliseconds. */
  readonly callTimeoutMs: number
  readonly clock: Clock
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
}

/** What one conditional write does to a row. */
interface Change {
  /** What was seen may be older than the last write of ours. */
  readonly isFromScan?: true
  readonly wanted: (seen: Lease) => Lease
  readonly set: (wanted: Lease) => Item
  readonly remove?: readonly string[]
}

const activeTimeoutMs = 120_000
const pollMs = 250

/** Calls for the table itself come before any lease is held: no lease runs out while a slow answer is awaited. */
const tableCallOptions = { requestTimeout: 30_000 }
const pendingAttributes = [
  A.pendingCheckpoint,
  A.pendingCheckpointSubSequenceNumber,
  A.pendingCheckpointState
]

/** The lease table in DynamoDB, in the layout of the Java KCL 2.x. Attributes that it does not know stay as they are. */
export class DynamodbLeaseTable implements LeaseTable {
  readonly #options: DynamodbLeaseTableOptions
  readonly #ownClient: DynamoDBClient | undefined
  readonly #documents: DynamoDBDocumentClient
  readonly #usage = { scans: 0, writes: 0, readUnits: 0, writeUnits: 0 }
  /** By lease key, the highest counter that a write of this worker may have left: also one whose answer was lost. */
  readonly #mayBeOurs = new Map<string, number>()
  readonly #corruptKeys = new Set<string>()
  #isKnownFit = false
  #isKcl3Reported = false

  constructor(options: DynamodbLeaseTableOptions) {
    this.#options = options
    const { client, clientConfig, callTimeoutMs } = options
    this.#ownClient =
      client === undefined
        ? new Client({
            requestHandler: new NodeHttpHandler({
              connectionTimeout: callTimeoutMs,
              requestTimeout: callTimeoutMs,
              throwOnRequestTimeout: true
            }),
            maxAttempts: 2,
            ...clientConfig
          })
        : undefined
    this.#documents = DynamoDBDocumentClient.from(client ?? this.#ownClient!, {
      // A number of any size in somebody's row must not make the whole scan fail.
      unmarshallOptions: { wrapNumbers: true }
    })
  }

  get usage(): LeaseTableUsage {
    return { ...this.#usage }
  }

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
      await this.#tolerate('UpdateContinuousBackups', () => this.#startBackups())
    }
    await this.#refuseKcl3Tables()
  }

  async list(): Promise<readonly Lease[]> {
    const leases: Lease[] = []
    const foreign: Item[] = []
    for (const item of await this.#scan(this.#options.tableName)) {
      const row = parseRow(item)
      if (row.kind === 'lease') leases.push(row.lease)
      else if (row.kind === 'foreign') foreign.push(item)
      else if (!this.#corruptKeys.has(row.leaseKey)) {
        this.#corruptKeys.add(row.leaseKey)
        this.#options.onEvent?.({ type: 'leaseRowCorrupt', leaseKey: row.leaseKey, reason: row.reason })
      }
    }
    this.#usage.scans += 1
    this.#checkForeign(foreign)
    return leases
  }

  // Several workers find the same shard without a lease: one row comes of it, whoever writes first.
  async create(lease: Lease): Promise<boolean> {
    try {
      await this.#write(
        new PutCommand({
          TableName: this.#options.tableName,
          Item: toItem(lease),
          ConditionExpression: `attribute_not_exists(${A.leaseKey})`,
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
      return true
    } catch (cause) {
      if (!isConditionFailure(cause)) throw new ServiceError('dynamodb', 'PutItem', cause)
      // The first of several tries may be what made the row.
      const found = attemptsOf(cause) > 1 ? await this.#get(lease.leaseKey) : undefined
      return found !== undefined && found.leaseCounter === 0 && isSame(lease, found)
    }
  }

  // A renewal settles against a take: whoever writes first changes the counter, and the other one fails.
  renew(lease: Lease): Promise<Lease | undefined> {
    return this.#update(lease, lease.leaseOwner, { wanted: counted, set: () => ({}) })
  }

  // Two workers that take the same lease saw the same counter; the first write wins.
  take(lease: Lease, workerId: string): Promise<Lease | undefined> {
    return this.#update(lease, workerId, {
      // A row as it was scanned may be older than our own last write: that it bears our name proves nothing.
      isFromScan: true,
      wanted: seen => ({
        ...counted(seen),
        leaseOwner: workerId,
        ownerSwitchesSinceCheckpoint:
          seen.ownerSwitchesSinceCheckpoint + (seen.leaseOwner === workerId ? 0 : 1)
      }),
      set: wanted => ({
        [A.leaseOwner]: workerId,
        [A.ownerSwitchesSinceCheckpoint]: wanted.ownerSwitchesSinceCheckpoint
      }),
      remove: [A.checkpointOwner]
    })
  }

  // A checkpoint of an owner that has lost its lease fails on the counter; a finished shard stays finished.
  checkpoint(lease: Lease, { checkpoint, childShardIds }: CheckpointUpdate): Promise<Lease | undefined> {
    return this.#update(lease, lease.leaseOwner, {
      wanted: seen => ({
        ...counted(seen),
        ownerSwitchesSinceCheckpoint: 0,
        checkpoint,
        pendingCheckpoint: undefined,
        pendingCheckpointState: undefined,
        childShardIds: childShardIds ?? seen.childShardIds
      }),
      set: wanted => ({
        [A.checkpoint]: checkpoint.sequenceNumber,
        [A.checkpointSubSequenceNumber]: checkpoint.subSequenceNumber,
        [A.ownerSwitchesSinceCheckpoint]: 0,
        ...(wanted.childShardIds.length === 0 ? {} : { [A.childShardIds]: new Set(wanted.childShardIds) })
      }),
      remove: pendingAttributes
    })
  }

  // As a checkpoint: what a former owner prepares late fails on the counter, and a finished shard has nothing to prepare.
  prepareCheckpoint(
    lease: Lease,
    pending: ExtendedSequenceNumber,
    state?: Uint8Array
  ): Promise<Lease | undefined> {
    return this.#update(lease, lease.leaseOwner, {
      wanted: seen => ({
        ...counted(seen),
        pendingCheckpoint: pending,
        pendingCheckpointState: state
      }),
      set: () => ({
        [A.pendingCheckpoint]: pending.sequenceNumber,
        [A.pendingCheckpointSubSequenceNumber]: pending.subSequenceNumber,
        ...(state === undefined ? {} : { [A.pendingCheckpointState]: state })
      }),
      remove: state === undefined ? [A.pendingCheckpointState] : []
    })
  }

  // Settles against a take by another worker that has seen us expire.
  release(lease: Lease): Promise<Lease | undefined> {
    return this.#update(lease, lease.leaseOwner, {
      wanted: seen => ({ ...counted(seen), leaseOwner: undefined }),
      set: () => ({}),
      remove: [A.leaseOwner]
    })
  }

  // Settles against a deletion: a row that is gone must not come back as a fragment.
  async describe(lease: Lease, { childShardIds, hashKeyRange }: ShardFacts): Promise<void> {
    const set = toMetaItem({ childShardIds: childShardIds ?? [], hashKeyRange })
    if (Object.keys(set).length === 0) return
    const update = assignments(set)
    try {
      await this.#write(
        new UpdateCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: lease.leaseKey },
          ConditionExpression: `attribute_exists(${A.leaseKey})`,
          UpdateExpression: `SET ${update.expression}`,
          ExpressionAttributeValues: update.values,
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
    } catch (cause) {
      if (!isConditionFailure(cause)) throw new ServiceError('dynamodb', 'UpdateItem', cause)
    }
  }

  // Settles against every write since the row was seen: above all, against a row that was made anew for the shard.
  async delete(lease: Lease): Promise<boolean> {
    try {
      await this.#write(
        new DeleteCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: lease.leaseKey },
          ConditionExpression: `${A.leaseCounter} = :seen AND ${A.checkpoint} = :checkpoint`,
          ExpressionAttributeValues: {
            ':seen': lease.leaseCounter,
            ':checkpoint': lease.checkpoint.sequenceNumber
          },
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
      return true
    } catch (cause) {
      if (!isConditionFailure(cause)) throw new ServiceError('dynamodb', 'DeleteItem', cause)
      // Somebody else removed it, or an earlier try of ours did.
      return (await this.#item(lease.leaseKey)) === undefined
    }
  }

  close(): void {
    this.#ownClient?.destroy()
  }

  /** One write under the condition that the counter is still the one that was seen. `owner`: ours, for the duration. */
  async #update(seen: Lease, owner: string | undefined, change: Change): Promise<Lease | undefined> {
    const { tableName } = this.#options
    const wanted = change.wanted(seen)
    const set = { ...change.set(wanted), [A.leaseCounter]: wanted.leaseCounter }
    const update = assignments(set)
    const finishedGuard =
      A.pendingCheckpoint in set || (A.checkpoint in set && set[A.checkpoint] !== Sentinel.shardEnd)
    const remove = change.remove ?? []
    try {
      await this.#write(
        new UpdateCommand({
          TableName: tableName,
          Key: { [A.leaseKey]: seen.leaseKey },
          ConditionExpression: `${A.leaseCounter} = :seen${finishedGuard ? ` AND ${A.checkpoint} <> :end` : ''}`,
          UpdateExpression: `SET ${update.expression}${remove.length === 0 ? '' : ` REMOVE ${remove.join(', ')}`}`,
          ExpressionAttributeValues: {
            ':seen': seen.leaseCounter,
            ...(finishedGuard ? { ':end': Sentinel.shardEnd } : {}),
            ...update.values
          },
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
      this.#mayBeOurs.set(seen.leaseKey, wanted.leaseCounter)
      return wanted
    } catch (cause) {
      const isRefused = isConditionFailure(cause)
      // The call that failed, or an earlier try of it, may have been carried out.
      if (!isRefused || attemptsOf(cause) > 1) this.#mayBeOurs.set(seen.leaseKey, wanted.leaseCounter)
      if (!isRefused) throw new ServiceError('dynamodb', 'UpdateItem', cause)
    }
    const found = await this.#get(seen.leaseKey)
    if (found === undefined) return undefined
    const isOurs =
      found.leaseCounter > seen.leaseCounter &&
      found.leaseCounter <= (this.#mayBeOurs.get(seen.leaseKey) ?? -1)
    // Any write of ours has moved the counter, which is all that a renewal is for.
    const isRenewal = Object.keys(set).length === 1 && remove.length === 0
    if (isOurs && isSame(wanted, found)) return found
    if (isOurs && isRenewal && found.leaseOwner === owner) return found
    // Under our name, by a write that was not ours: a second worker with this id.
    if (
      !isOurs &&
      change.isFromScan === undefined &&
      owner !== undefined &&
      found.leaseOwner === owner &&
      found.leaseCounter > seen.leaseCounter
    ) {
      throw new DuplicateWorkerError(owner, seen.leaseKey)
    }
    if (!isOurs || (owner !== undefined && found.leaseOwner !== owner)) return undefined
    // An earlier write of ours whose answer was lost: this one follows it.
    return this.#update(found, owner, change)
  }

  async #write(command: PutCommand | UpdateCommand | DeleteCommand): Promise<void> {
    this.#usage.writes += 1
    const { ConsumedCapacity: consumed } = await this.#documents.send(command as UpdateCommand)
    this.#usage.writeUnits += consumed?.CapacityUnits ?? 0
  }

  async #get(leaseKey: string): Promise<Lease | undefined> {
    const item = await this.#item(leaseKey)
    const row = item && parseRow(item)
    return row?.kind === 'lease' ? row.lease : undefined
  }

  async #item(leaseKey: string): Promise<Item | undefined> {
    const { Item: item, ConsumedCapacity: consumed } = await call('GetItem', () =>
      this.#documents.send(
        new GetCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: leaseKey },
          ConsistentRead: true,
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
    )
    this.#usage.readUnits += consumed?.CapacityUnits ?? 0
    return item
  }

  async #scan(tableName: string): Promise<readonly Item[]> {
    const items: Item[] = []
    let ExclusiveStartKey: Record<string, unknown> | undefined
    do {
      const page = await call('Scan', () =>
        this.#documents.send(
          new ScanCommand({ TableName: tableName, ExclusiveStartKey, ReturnConsumedCapacity: 'TOTAL' })
        )
      )
      items.push(...(page.Items ?? []))
      this.#usage.readUnits += page.ConsumedCapacity?.CapacityUnits ?? 0
      ExclusiveStartKey = page.LastEvaluatedKey
    } while (ExclusiveStartKey !== undefined)
    return items
  }

  /** A KCL 3 that is there at the first look keeps the worker from starting; one that comes later is told. */
  #checkForeign(foreign: readonly Item[]): void {
    const { tableName, clock, onEvent } = this.#options
    const signs = kcl3Signs(foreign, clock.wallTime())
    if (signs.length > 0 && !this.#isKnownFit) throw new Kcl3StateError(tableName, signs)
    this.#isKnownFit = true
    if (signs.length === 0 || this.#isKcl3Reported) return
    this.#isKcl3Reported = true
    onEvent?.({ type: 'kcl3StateSeen', signs: [...new Set(signs)] })
  }

  /** The tables of KCL 3.0 to 3.4, where this worker may read them. */
  async #refuseKcl3Tables(): Promise<void> {
    const { tableName, applicationName = tableName, clock } = this.#options
    const items = await Promise.all(
      ['CoordinatorState', 'WorkerMetricStats'].map(name =>
        this.#tolerate('Scan', () => this.#scan(`${applicationName}-${name}`))
      )
    )
    const signs = kcl3Signs(
      items.flatMap(found => found ?? []),
      clock.wallTime()
    )
    if (signs.length > 0) throw new Kcl3StateError(tableName, signs)
  }

  async #description(): Promise<TableDescription | undefined> {
    try {
      const { Table: table } = (await this.#documents.send(
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
    const { tableName, createTable } = this.#options
    const sse = typeof createTable === 'object' ? createTable.sse : undefined
    try {
      await this.#documents.send(
        new CreateTableCommand({
          TableName: tableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: A.leaseKey, AttributeType: 'S' }],
          KeySchema: [{ AttributeName: A.leaseKey, KeyType: 'HASH' }],
          ...(sse === undefined || sse === false
            ? {}
            : {
                SSESpecification: {
                  Enabled: true,
                  SSEType: 'KMS',
                  ...(sse === true ? {} : { KMSMasterKeyId: sse.kmsKeyId })
                }
              })
        }) as never,
        tableCallOptions
      )
    } catch (cause) {
      // Another worker of the fleet was first.
      if (serviceErrorName(cause) !== 'ResourceInUseException')
        throw new ServiceError('dynamodb', 'CreateTable', cause)
    }
  }

  async #startBackups(): Promise<void> {
    await call('UpdateContinuousBackups', () =>
      this.#documents.send(
        new UpdateContinuousBackupsCommand({
          TableName: this.#options.tableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
        }) as never,
        tableCallOptions
      )
    )
  }

  /** For what is good to have: a failure is told and goes by. What does not exist is no failure. */
  async #tolerate<T>(operation: string, task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      const { service, failure, serviceCode } = error
      if (failure !== FailureClass.notFound) {
        this.#options.onEvent?.({ type: 'callFailed', service, operation, failure, serviceCode })
      }
      return undefined
    }
  }
}

function counted(lease: Lease): Lease {
  return { ...lease, leaseCounter: lease.leaseCounter + 1 }
}

/** Whether two rows say the same, as far as the writes here change them, but for the counter. */
function isSame(wanted: Lease, found: Lease): boolean {
  return (
    wanted.leaseOwner === found.leaseOwner &&
    compareSequence(wanted.checkpoint, found.checkpoint) === 0 &&
    isSamePending(wanted, found)
  )
}

function isSamePending(wanted: Lease, found: Lease): boolean {
  const [a, b] = [wanted.pendingCheckpoint, found.pendingCheckpoint]
  if (a === undefined || b === undefined) return a === b
  const state = (lease: Lease): Buffer => Buffer.from(lease.pendingCheckpointState ?? [])
  return compareSequence(a, b) === 0 && state(wanted).equals(state(found))
}

/** `a = :a, b = :b` with the values. */
function assignments(set: Item): { readonly expression: string; readonly values: Record<string, unknown> } {
  const names = Object.keys(set)
  return {
    expression: names.map(name => `${name} = :${name}`).join(', '),
    values: Object.fromEntries(names.map(name => [`:${name}`, set[name]]))
  }
}

/** Such as `leaseKey S HASH`. */
function keyOf({ KeySchema: keys = [], AttributeDefinitions: attributes = [] }: TableDescription): string {
  return keys
    .map(({ AttributeName: name, KeyType: type }) => {
      const attribute = attributes.find(({ AttributeName }) => AttributeName === name)
      return `${name} ${attribute?.AttributeType} ${type}`
    })
    .join(', ')
}

async function call<T>(operation: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (cause) {
    throw new ServiceError('dynamodb', operation, cause)
  }
}

function isConditionFailure(error: unknown): boolean {
  return serviceErrorName(error) === 'ConditionalCheckFailedException'
}

/** How often the SDK sent the call. */
function attemptsOf(error: unknown): number {
  return (error as { readonly $metadata?: { readonly attempts?: number } }).$metadata?.attempts ?? 1
}
