import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
  UpdateCommand
} from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../../../core/clock.ts'
import { FailureClass, ServiceError } from '../../../core/service-errors.ts'
import { isConditionFailure, pagesOf, wasCarriedOut } from '../dynamodb-calls.ts'
import { isFinished, type Lease, ownedBy } from '../lease.ts'
import { type Item, numberOf } from '../lease-item.ts'
import { LeaseAttribute as A, ownerIndex } from '../lease-schema.ts'
import {
  FleetEntity,
  FleetKey,
  type FleetRow,
  type LeaderLock,
  parseFleetRow,
  TableMigration,
  type WorkerRow
} from './fleet-rows.ts'
import type { FleetState, FleetTable } from './fleet-table.ts'

export interface DynamodbFleetTableOptions {
  readonly documents: DynamoDBDocumentClient
  /** The lease table. */
  readonly tableName: string
  /** Names the tables of KCL 3.0 to 3.4. */
  readonly applicationName: string
  /** Rows of the lease table that are no leases, as of its last scan. */
  readonly otherRows: () => readonly Item[]
  /** Reads one lease as it stands. */
  readonly readLease: (leaseKey: string) => Promise<Lease | undefined>
  readonly hasOwnerIndex: () => Promise<boolean>
  /** Least time between two looks at tables of their own, in milliseconds. */
  readonly lookMs: number
  /** Whether the own row goes to the lease table as soon as every worker can read it there. */
  readonly migrateAllEntitiesToLeaseTable: boolean
  readonly clock: Clock
}

/** A table, and the name of its key. */
interface Place {
  readonly tableName: string
  readonly key: string
}

interface OwnTables {
  readonly lookedMs: number
  readonly rows: readonly FleetRow[]
}

/** Features that a reader has to know before something new may be written: 1 is rows in the lease table. */
const supportCode = 1

/**
 * The rows in DynamoDB. Where the tables of KCL 3.0 to 3.4 are, they are in use until the row `TableMigration3.5` says that
 * everything was moved into the lease table; where they are not, everything is in the lease table from the start.
 */
export class DynamodbFleetTable implements FleetTable {
  readonly #options: DynamodbFleetTableOptions
  readonly #leaseTable: Place
  readonly #coordinatorTable: Place
  readonly #metricsTable: Place
  /** Undefined before the first look; null where there are none, or where they are done with. */
  #own: OwnTables | undefined | null

  constructor(options: DynamodbFleetTableOptions) {
    const { tableName, applicationName } = options
    this.#options = options
    this.#leaseTable = { tableName, key: A.leaseKey }
    this.#coordinatorTable = { tableName: `${applicationName}-CoordinatorState`, key: 'key' }
    this.#metricsTable = { tableName: `${applicationName}-WorkerMetricStats`, key: 'wid' }
  }

  async read(): Promise<FleetState> {
    await this.#lookAtOwnTables()
    const inLeaseTable = this.#options.otherRows().flatMap(item => parseFleetRow(item) ?? [])
    const rows = [...inLeaseTable, ...(this.#own?.rows ?? [])]
    const workers = new Map<string, WorkerRow>()
    for (const row of rows) {
      if (row.kind !== 'worker') continue
      const known = workers.get(row.worker.workerId)
      if (known === undefined || known.updatedSeconds < row.worker.updatedSeconds) {
        workers.set(row.worker.workerId, row.worker)
      }
    }
    const locks = this.#own === null ? inLeaseTable : (this.#own?.rows ?? [])
    return {
      lock: locks.find(row => row.kind === 'lock')?.lock,
      clientVersion: rows.find(row => row.kind === 'clientVersion')?.version,
      workers: [...workers.values()]
    }
  }

  // Settles against another worker that saw the same lock run out: the first write changes its version.
  async takeLock(lock: LeaderLock, seen: LeaderLock | undefined): Promise<boolean> {
    const place = await this.#lockPlace()
    const item = {
      [place.key]: FleetKey.lock,
      entityType: FleetEntity.lock,
      ownerName: lock.ownerName,
      leaseDuration: String(lock.leaseDurationMs),
      recordVersionNumber: lock.recordVersionNumber
    }
    return wasCarriedOut('PutItem', () =>
      this.#send(
        new PutCommand({
          TableName: place.tableName,
          Item: item,
          ...(seen === undefined
            ? {
                ConditionExpression: 'attribute_not_exists(#key)',
                ExpressionAttributeNames: { '#key': place.key }
              }
            : {
                ConditionExpression: 'recordVersionNumber = :seen',
                ExpressionAttributeValues: { ':seen': seen.recordVersionNumber }
              })
        })
      )
    )
  }

  // Settles against a worker that saw this lock run out.
  async keepLock(lock: LeaderLock, recordVersionNumber: string): Promise<boolean> {
    const place = await this.#lockPlace()
    return wasCarriedOut('UpdateItem', () =>
      this.#send(
        new UpdateCommand({
          TableName: place.tableName,
          Key: { [place.key]: FleetKey.lock },
          ConditionExpression: 'recordVersionNumber = :seen AND ownerName = :me',
          UpdateExpression: 'SET recordVersionNumber = :next, leaseDuration = :duration',
          ExpressionAttributeValues: {
            ':seen': lock.recordVersionNumber,
            ':me': lock.ownerName,
            ':next': recordVersionNumber,
            ':duration': String(lock.leaseDurationMs)
          }
        })
      )
    )
  }

  async giveLockBack(lock: LeaderLock): Promise<void> {
    const place = await this.#lockPlace()
    await wasCarriedOut('DeleteItem', () =>
      this.#send(
        new DeleteCommand({
          TableName: place.tableName,
          Key: { [place.key]: FleetKey.lock },
          ConditionExpression: 'recordVersionNumber = :seen AND ownerName = :me',
          ExpressionAttributeValues: { ':seen': lock.recordVersionNumber, ':me': lock.ownerName }
        })
      )
    )
  }

  // Settles against another worker under the same id: neither knows what the other wrote last.
  async publish(
    workerId: string,
    updatedSeconds: number,
    previousSeconds: number | undefined
  ): Promise<boolean> {
    const place = await this.#ownRowPlace()
    try {
      await this.#send(
        new UpdateCommand({
          TableName: place.tableName,
          Key: { [place.key]: workerId },
          UpdateExpression:
            'SET lut = :now, sts = :none, opr = :none, #sup = :sup, slu = :now, entityType = :type',
          // Undefined means the first row of a life, which replaces what a former one left behind.
          ...(previousSeconds === undefined
            ? {}
            : { ConditionExpression: 'attribute_not_exists(lut) OR lut = :previous' }),
          ExpressionAttributeNames: { '#sup': 'sup' },
          ExpressionAttributeValues: {
            ':now': updatedSeconds,
            ':none': {},
            ':sup': supportCode,
            ':type': FleetEntity.worker,
            ...(previousSeconds === undefined ? {} : { ':previous': previousSeconds })
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
        })
      )
      return true
    } catch (cause) {
      if (!isConditionFailure(cause)) throw new ServiceError('dynamodb', 'UpdateItem', cause)
      // The first of several tries may be what wrote the row.
      return foundSeconds(cause) === updatedSeconds
    }
  }

  async withdraw(workerId: string): Promise<void> {
    const place = await this.#ownRowPlace()
    await wasCarriedOut('DeleteItem', () =>
      this.#send(new DeleteCommand({ TableName: place.tableName, Key: { [place.key]: workerId } }))
    )
  }

  async forget({ workerId, updatedSeconds }: WorkerRow): Promise<void> {
    for (const place of this.#own === null ? [this.#leaseTable] : [this.#metricsTable, this.#leaseTable]) {
      await wasCarriedOut('DeleteItem', () =>
        this.#send(
          new DeleteCommand({
            TableName: place.tableName,
            Key: { [place.key]: workerId },
            ConditionExpression: 'lut = :seen',
            ExpressionAttributeValues: { ':seen': updatedSeconds }
          })
        )
      )
    }
  }

  async declare(clientVersion: string, workerId: string): Promise<void> {
    const place = await this.#lockPlace()
    await wasCarriedOut('PutItem', () =>
      this.#send(
        new PutCommand({
          TableName: place.tableName,
          Item: {
            [place.key]: FleetKey.clientVersion,
            entityType: FleetEntity.clientVersion,
            cv: clientVersion,
            mb: workerId,
            mts: this.#options.clock.wallTime()
          },
          ConditionExpression: 'attribute_not_exists(#key)',
          ExpressionAttributeNames: { '#key': place.key }
        })
      )
    )
  }

  // Settles against its owner's next renewal, and against another leader.
  async assign(lease: Lease, workerId: string): Promise<Lease | undefined> {
    const wanted = ownedBy(lease, workerId)
    const isWon = await this.#lead(lease, {
      condition: `${A.leaseCounter} = :seen`,
      expression:
        `SET ${A.leaseOwner} = :owner, ${A.leaseCounter} = :counter, ` +
        `${A.ownerSwitchesSinceCheckpoint} = :switches REMOVE ${A.checkpointOwner}`,
      values: {
        ':seen': lease.leaseCounter,
        ':owner': workerId,
        ':counter': wanted.leaseCounter,
        ':switches': wanted.ownerSwitchesSinceCheckpoint
      }
    })
    return isWon ? wanted : undefined
  }

  // Settles against another assignment. The counter stays, so that the owner's renewals and checkpoints go on.
  async startHandoff(lease: Lease, workerId: string): Promise<Lease | undefined> {
    const checkpointOwner = lease.leaseOwner!
    const isWon = await this.#lead(lease, {
      condition: `attribute_exists(${A.leaseKey})`,
      expression: `SET ${A.leaseOwner} = :owner, ${A.checkpointOwner} = :checkpointOwner`,
      values: { ':owner': workerId, ':checkpointOwner': checkpointOwner }
    })
    return isWon ? { ...lease, leaseOwner: workerId, checkpointOwner } : undefined
  }

  async findAssigned(workerId: string, known: ReadonlySet<string>): Promise<readonly Lease[] | undefined> {
    const { documents, tableName, readLease, hasOwnerIndex } = this.#options
    if (!(await hasOwnerIndex())) return undefined
    const keys: string[] = []
    const pages = pagesOf<QueryCommandOutput>('Query', ExclusiveStartKey =>
      documents.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: ownerIndex,
          KeyConditionExpression: `${A.leaseOwner} = :owner`,
          ExpressionAttributeValues: { ':owner': workerId },
          ExclusiveStartKey
        })
      )
    )
    for await (const page of pages) {
      keys.push(...(page.Items ?? []).map(item => String(item[A.leaseKey])))
    }
    // The index lags behind the table, which alone says who owns a lease.
    const found = await Promise.all(keys.filter(key => !known.has(key)).map(readLease))
    return found.flatMap(lease => (lease?.leaseOwner === workerId && !isFinished(lease) ? lease : []))
  }

  /** A write to a lease, under the condition that it still has the owners that were seen. */
  #lead(
    { leaseKey, leaseOwner, checkpointOwner }: Lease,
    write: {
      readonly condition: string
      readonly expression: string
      readonly values: Readonly<Record<string, unknown>>
    }
  ): Promise<boolean> {
    const owners = [
      { name: A.leaseOwner, owner: leaseOwner, placeholder: ':seenOwner' },
      { name: A.checkpointOwner, owner: checkpointOwner, placeholder: ':seenCheckpointOwner' }
    ]
    const conditions = owners.map(({ name, owner, placeholder }) =>
      owner === undefined ? `attribute_not_exists(${name})` : `${name} = ${placeholder}`
    )
    const seen = owners.flatMap(({ owner, placeholder }) =>
      owner === undefined ? [] : [[placeholder, owner] as const]
    )
    return wasCarriedOut('UpdateItem', () =>
      this.#send(
        new UpdateCommand({
          TableName: this.#leaseTable.tableName,
          Key: { [A.leaseKey]: leaseKey },
          ConditionExpression: [write.condition, ...conditions].join(' AND '),
          UpdateExpression: write.expression,
          ExpressionAttributeValues: { ...write.values, ...Object.fromEntries(seen) }
        })
      )
    )
  }

  async #lockPlace(): Promise<Place> {
    if (this.#own === undefined) await this.#lookAtOwnTables()
    return this.#own === null ? this.#leaseTable : this.#coordinatorTable
  }

  /** Rows in the lease table are for readers of 3.5; as long as one of before may come back they stay where they were. */
  async #ownRowPlace(): Promise<Place> {
    if (this.#own === undefined) await this.#lookAtOwnTables()
    if (this.#own === null) return this.#leaseTable
    const status = this.#own?.rows.find(row => row.kind === 'tableMigration')?.status
    const isReadable =
      status === TableMigration.pending ||
      (status === TableMigration.deployed && this.#options.migrateAllEntitiesToLeaseTable)
    return isReadable ? this.#leaseTable : this.#metricsTable
  }

  async #lookAtOwnTables(): Promise<void> {
    const { clock, lookMs } = this.#options
    if (this.#own === null || (this.#own !== undefined && clock.now() - this.#own.lookedMs < lookMs)) return
    const lookedMs = clock.now()
    const [coordinator, metrics] = await Promise.all([
      this.#scan(this.#coordinatorTable),
      this.#scan(this.#metricsTable)
    ])
    const rows = [...(coordinator ?? []), ...(metrics ?? [])].flatMap(item => parseFleetRow(item) ?? [])
    const isDone = rows.some(row => row.kind === 'tableMigration' && row.status === TableMigration.complete)
    this.#own = coordinator === undefined || isDone ? null : { lookedMs, rows }
  }

  /** Undefined where there is no such table. */
  async #scan({ tableName }: Place): Promise<readonly Item[] | undefined> {
    const items: Item[] = []
    const pages = pagesOf<ScanCommandOutput>('Scan', ExclusiveStartKey =>
      this.#options.documents.send(
        new ScanCommand({ TableName: tableName, ExclusiveStartKey, ConsistentRead: true })
      )
    )
    try {
      for await (const page of pages) items.push(...(page.Items ?? []))
      return items
    } catch (error) {
      if (error instanceof ServiceError && error.failure === FailureClass.notFound) return undefined
      throw error
    }
  }

  #send(command: PutCommand | UpdateCommand | DeleteCommand): Promise<unknown> {
    return this.#options.documents.send(command as UpdateCommand)
  }
}

/** `lut` of the row that a condition found, as the client gives it: in the notation of the wire. */
function foundSeconds(error: unknown): number | undefined {
  const { Item: item } = error as { readonly Item?: Record<string, { readonly N?: string }> }
  return item?.lut?.N === undefined ? numberOf(item?.lut) : Number(item.lut.N)
}
