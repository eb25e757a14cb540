import {
  DynamoDBClient as Client,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type DynamoDBClientConfig
} from '@aws-sdk/client-dynamodb'
import {
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
import { compareSequence, Sentinel } from '../checkpoint/extended-sequence-number.ts'
import { LeaseTableMissingError } from '../errors.ts'
import type { Lease } from './lease.ts'
import { LeaseAttribute as A, leaseEntityType } from './lease-schema.ts'
import type { CheckpointUpdate, LeaseTable } from './lease-table.ts'

export interface DynamodbLeaseTableOptions {
  readonly tableName: string
  readonly createTable: boolean
  /** A client to use as it is; the caller destroys it. */
  readonly client?: DynamoDBClient | undefined
  readonly clientConfig?: DynamoDBClientConfig | undefined
  /** Longest time of one call, in milliseconds. */
  readonly callTimeoutMs: number
  readonly clock: Clock
}

type Item = Record<string, unknown>

const activeTimeoutMs = 120_000
const pollMs = 250

/** Calls for the table itself come before any lease is held: no lease runs out while a slow answer is awaited. */
const tableCallOptions = { requestTimeout: 30_000 }

/** The lease table in DynamoDB, in the layout of the Java KCL 2.x. Attributes that it does not know stay as they are. */
export class DynamodbLeaseTable implements LeaseTable {
  readonly #options: DynamodbLeaseTableOptions
  readonly #ownClient: DynamoDBClient | undefined
  readonly #documents: DynamoDBDocumentClient

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
    this.#documents = DynamoDBDocumentClient.from(client ?? this.#ownClient!)
  }

  async ensure(): Promise<void> {
    const { tableName, createTable, clock } = this.#options
    const deadline = clock.now() + activeTimeoutMs
    let status = await this.#status()
    if (status === undefined) {
      if (!createTable) throw new LeaseTableMissingError(tableName)
      await this.#create()
      status = await this.#status()
    }
    while (status !== 'ACTIVE' && status !== 'UPDATING') {
      if (clock.now() > deadline) {
        throw new SealstreamError(
          ErrorCode.service,
          `lease table ${tableName} is not active: ${status ?? 'missing'}`
        )
      }
      await clock.sleep(pollMs)
      status = await this.#status()
    }
  }

  async list(): Promise<readonly Lease[]> {
    const leases: Lease[] = []
    let ExclusiveStartKey: Item | undefined
    do {
      const page = await call('Scan', () =>
        this.#documents.send(new ScanCommand({ TableName: this.#options.tableName, ExclusiveStartKey }))
      )
      for (const item of page.Items ?? []) if (isLease(item)) leases.push(toLease(item))
      ExclusiveStartKey = page.LastEvaluatedKey
    } while (ExclusiveStartKey !== undefined)
    return leases
  }

  async create(lease: Lease): Promise<boolean> {
    try {
      await this.#documents.send(
        new PutCommand({
          TableName: this.#options.tableName,
          Item: toItem(lease),
          ConditionExpression: `attribute_not_exists(${A.leaseKey})`
        })
      )
      return true
    } catch (cause) {
      if (isConditionFailure(cause)) return false
      throw new ServiceError('dynamodb', 'PutItem', cause)
    }
  }

  // A renewal settles against a take: whoever writes first changes the counter, and the other one fails.
  renew(lease: Lease): Promise<Lease | undefined> {
    const leaseCounter = lease.leaseCounter + 1
    return this.#update(lease, { ...lease, leaseCounter }, { set: {}, remove: [] })
  }

  // Two workers that take the same lease saw the same counter; the first write wins.
  take(lease: Lease, workerId: string): Promise<Lease | undefined> {
    const switches = lease.ownerSwitchesSinceCheckpoint + (lease.leaseOwner === workerId ? 0 : 1)
    return this.#update(
      lease,
      {
        ...lease,
        leaseOwner: workerId,
        leaseCounter: lease.leaseCounter + 1,
        ownerSwitchesSinceCheckpoint: switches
      },
      {
        set: { [A.leaseOwner]: workerId, [A.ownerSwitchesSinceCheckpoint]: switches },
        remove: [A.checkpointOwner]
      }
    )
  }

  // A checkpoint of an owner that has lost its lease fails on the counter; a finished shard stays finished.
  checkpoint(lease: Lease, { checkpoint, childShardIds }: CheckpointUpdate): Promise<Lease | undefined> {
    const children = childShardIds ?? lease.childShardIds
    return this.#update(
      lease,
      {
        ...lease,
        leaseCounter: lease.leaseCounter + 1,
        ownerSwitchesSinceCheckpoint: 0,
        checkpoint,
        childShardIds: children
      },
      {
        set: {
          [A.checkpoint]: checkpoint.sequenceNumber,
          [A.checkpointSubSequenceNumber]: checkpoint.subSequenceNumber,
          [A.ownerSwitchesSinceCheckpoint]: 0,
          ...(children.length === 0 ? {} : { [A.childShardIds]: new Set(children) })
        },
        remove: [A.pendingCheckpoint, A.pendingCheckpointSubSequenceNumber, A.pendingCheckpointState]
      }
    )
  }

  // Settles against a take by another worker that has seen us expire.
  release(lease: Lease): Promise<Lease | undefined> {
    return this.#update(
      lease,
      { ...lease, leaseOwner: undefined, leaseCounter: lease.leaseCounter + 1 },
      { set: {}, remove: [A.leaseOwner] }
    )
  }

  close(): void {
    this.#ownClient?.destroy()
  }

  /** One write under the condition that the counter is still the one that was seen. */
  async #update(
    seen: Lease,
    wanted: Lease,
    change: { readonly set: Item; readonly remove: readonly string[] }
  ): Promise<Lease | undefined> {
    const set = { [A.leaseCounter]: wanted.leaseCounter, ...change.set }
    const names = Object.keys(set)
    const finishedGuard = A.checkpoint in set && set[A.checkpoint] !== Sentinel.shardEnd
    try {
      await this.#documents.send(
        new UpdateCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: seen.leaseKey },
          ConditionExpression: `${A.leaseCounter} = :seen${finishedGuard ? ` AND ${A.checkpoint} <> :end` : ''}`,
          UpdateExpression: `SET ${names.map(name => `${name} = :${name}`).join(', ')}${
            change.remove.length === 0 ? '' : ` REMOVE ${change.remove.join(', ')}`
          }`,
          ExpressionAttributeValues: {
            ':seen': seen.leaseCounter,
            ...(finishedGuard ? { ':end': Sentinel.shardEnd } : {}),
            ...Object.fromEntries(names.map(name => [`:${name}`, set[name as keyof typeof set]]))
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
        })
      )
      return wanted
    } catch (cause) {
      if (!isConditionFailure(cause)) throw new ServiceError('dynamodb', 'UpdateItem', cause)
    }
    // Somebody else was first, or an earlier write of ours got in and its answer was lost.
    const found = await this.#get(seen.leaseKey)
    if (found === undefined) return undefined
    if (found.leaseOwner !== wanted.leaseOwner || found.leaseCounter !== wanted.leaseCounter) return undefined
    if (compareSequence(found.checkpoint, wanted.checkpoint) === 0) return wanted
    // It was another write than this one.
    if (!(A.checkpoint in set)) return found
    return this.#update(found, { ...wanted, leaseCounter: found.leaseCounter + 1 }, change)
  }

  async #get(leaseKey: string): Promise<Lease | undefined> {
    const { Item: item } = await call('GetItem', () =>
      this.#documents.send(
        new GetCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: leaseKey },
          ConsistentRead: true
        })
      )
    )
    return item === undefined ? undefined : toLease(item)
  }

  async #status(): Promise<string | undefined> {
    try {
      const { Table: table } = (await this.#documents.send(
        new DescribeTableCommand({ TableName: this.#options.tableName }) as never,
        tableCallOptions
      )) as { Table?: { TableStatus?: string } }
      return table?.TableStatus
    } catch (cause) {
      if (classifyFailure(cause) === FailureClass.notFound) return undefined
      throw new ServiceError('dynamodb', 'DescribeTable', cause)
    }
  }

  async #create(): Promise<void> {
    try {
      await this.#documents.send(
        new CreateTableCommand({
          TableName: this.#options.tableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: A.leaseKey, AttributeType: 'S' }],
          KeySchema: [{ AttributeName: A.leaseKey, KeyType: 'HASH' }]
        }) as never,
        tableCallOptions
      )
    } catch (cause) {
      // Another worker of the fleet was first.
      if (serviceErrorName(cause) !== 'ResourceInUseException')
        throw new ServiceError('dynamodb', 'CreateTable', cause)
    }
  }
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

/** Rows of other kinds, and rows that are no lease at all, are passed over. */
function isLease(item: Item): boolean {
  const entityType = item[A.entityType]
  return (
    (entityType === undefined || entityType === leaseEntityType) && typeof item[A.leaseCounter] === 'number'
  )
}

function toLease(item: Item): Lease {
  const start = item[A.startingHashKey]
  const end = item[A.endingHashKey]
  const owner = item[A.leaseOwner]
  return {
    leaseKey: String(item[A.leaseKey]),
    leaseOwner: typeof owner === 'string' ? owner : undefined,
    leaseCounter: Number(item[A.leaseCounter]),
    ownerSwitchesSinceCheckpoint: Number(item[A.ownerSwitchesSinceCheckpoint] ?? 0),
    checkpoint: {
      sequenceNumber: String(item[A.checkpoint] ?? Sentinel.trimHorizon),
      subSequenceNumber: Number(item[A.checkpointSubSequenceNumber] ?? 0)
    },
    parentShardIds: toList(item[A.parentShardId]),
    childShardIds: toList(item[A.childShardIds]),
    hashKeyRange:
      typeof start === 'string' && typeof end === 'string'
        ? { start: BigInt(start), end: BigInt(end) }
        : undefined
  }
}

function toItem(lease: Lease): Item {
  return {
    [A.leaseKey]: lease.leaseKey,
    ...(lease.leaseOwner === undefined ? {} : { [A.leaseOwner]: lease.leaseOwner }),
    [A.leaseCounter]: lease.leaseCounter,
    [A.ownerSwitchesSinceCheckpoint]: lease.ownerSwitchesSinceCheckpoint,
    [A.checkpoint]: lease.checkpoint.sequenceNumber,
    [A.checkpointSubSequenceNumber]: lease.checkpoint.subSequenceNumber,
    ...(lease.parentShardIds.length === 0 ? {} : { [A.parentShardId]: new Set(lease.parentShardIds) }),
    ...(lease.childShardIds.length === 0 ? {} : { [A.childShardIds]: new Set(lease.childShardIds) }),
    ...(lease.hashKeyRange === undefined
      ? {}
      : {
          [A.startingHashKey]: String(lease.hashKeyRange.start),
          [A.endingHashKey]: String(lease.hashKeyRange.end)
        })
  }
}

function toList(value: unknown): readonly string[] {
  return value instanceof Set ? [...(value as Set<string>)].sort() : []
}
