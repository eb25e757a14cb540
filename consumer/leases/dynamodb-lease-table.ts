import {
  DynamoDBClient as Client,
  type DynamoDBClient,
  type DynamoDBClientConfig
} from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
  type ScanCommandOutput,
  UpdateCommand
} from '@aws-sdk/lib-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock } from '../../core/clock.ts'
import { callService, ServiceError } from '../../core/service-errors.ts'
import {
  compareSequence,
  type ExtendedSequenceNumber,
  Sentinel
} from '../checkpoint/extended-sequence-number.ts'
import { DuplicateWorkerError, Kcl3StateError } from '../errors.ts'
import type { WorkerEvent } from '../types.ts'
import { isConditionFailure, pagesOf, wasCarriedOut } from './dynamodb-calls.ts'
import { DynamodbFleetTable } from './kcl3/dynamodb-fleet-table.ts'
import type { LeaseRules } from './kcl3/fleet-member.ts'
import type { FleetTable } from './kcl3/fleet-table.ts'
import { kcl3Signs } from './kcl3/signs.ts'
import { counted, type Lease, ownedBy, workingOwner } from './lease.ts'
import { type Item, parseRow, toItem, toMetaItem } from './lease-item.ts'
import { LeaseAttribute as A } from './lease-schema.ts'
import type { CheckpointUpdate, LeaseTable, LeaseTableUsage, ShardFacts } from './lease-table.ts'
import { type CreateLeaseTable, LeaseTableSetup } from './lease-table-setup.ts'

export interface DynamodbLeaseTableOptions {
  readonly tableName: string
  /** Names the tables that KCL 3.0 to 3.4 keeps beside the lease table. @default `tableName` */
  readonly applicationName?: string | undefined
  readonly createTable: boolean | CreateLeaseTable
  /** @default 'kcl2' */
  readonly leaseProtocol?: LeaseRules | undefined
  /** For KCL 3: whether rows of the tables of 3.0 to 3.4 go to the lease table as soon as all can read them. @default false */
  readonly migrateAllEntitiesToLeaseTable?: boolean | undefined
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
  /** Whether it is not for a lease that is handed over, unless that is known. */
  readonly noticesHandoff?: boolean
  readonly wanted: (seen: Lease) => Lease
  readonly set: (wanted: Lease) => Item
  readonly remove?: (seen: Lease) => readonly string[]
}

const pendingAttributes = [
  A.pendingCheckpoint,
  A.pendingCheckpointSubSequenceNumber,
  A.pendingCheckpointState
]

/** Time between two looks at the tables of KCL 3.0 to 3.4, in milliseconds. */
const fleetLookMs = 5_000

/** The lease table in DynamoDB, in the layout of the Java KCL. Attributes that it does not know stay as they are. */
export class DynamodbLeaseTable implements LeaseTable {
  readonly #options: DynamodbLeaseTableOptions
  readonly #ownClient: DynamoDBClient | undefined
  readonly #documents: DynamoDBDocumentClient
  readonly #setup: LeaseTableSetup
  readonly #isKcl3: boolean
  readonly fleet: FleetTable | undefined
  readonly #usage = { scans: 0, writes: 0, readUnits: 0, writeUnits: 0 }
  /** By lease key, the highest counter that a write of this worker may have left: also one whose answer was lost. */
  readonly #mayBeOurs = new Map<string, number>()
  readonly #corruptKeys = new Set<string>()
  /** Rows that are no leases, as of the last scan. */
  #otherRows: readonly Item[] = []
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
    const { tableName, applicationName = tableName, createTable, clock, onEvent } = options
    const documents = this.#documents
    this.#isKcl3 = options.leaseProtocol === 'kcl3'
    this.#setup = new LeaseTableSetup({
      tableName,
      createTable,
      needsOwnerIndex: this.#isKcl3,
      documents,
      clock,
      onEvent
    })
    this.fleet = this.#isKcl3
      ? new DynamodbFleetTable({
          documents,
          tableName,
          applicationName,
          otherRows: () => this.#otherRows,
          readLease: leaseKey => this.#get(leaseKey),
          hasOwnerIndex: () => this.#setup.hasOwnerIndex(),
          lookMs: fleetLookMs,
          migrateAllEntitiesToLeaseTable: options.migrateAllEntitiesToLeaseTable ?? false,
          clock
        })
      : undefined
  }

  get usage(): LeaseTableUsage {
    return { ...this.#usage }
  }

  async ensure(): Promise<void> {
    await this.#setup.ensure()
    if (!this.#isKcl3) await this.#refuseKcl3Tables()
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
    this.#otherRows = foreign
    if (!this.#isKcl3) this.#checkForeign(foreign)
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

  // A renewal settles against a take or an assignment: whoever writes first changes the counter, and the other one fails.
  // Against the beginning of a handoff, which leaves the counter as it is, it settles by the second owner.
  renew(lease: Lease): Promise<Lease | undefined> {
    const { throughputKBps } = lease
    return this.#update(lease, workingOwner(lease), {
      noticesHandoff: true,
      wanted: counted,
      set: () => (this.#isKcl3 && throughputKBps !== undefined ? { [A.throughputKBps]: throughputKBps } : {})
    })
  }

  // Two workers that take the same lease saw the same counter; the first write wins.
  take(lease: Lease, workerId: string): Promise<Lease | undefined> {
    return this.#update(lease, workerId, {
      // A row as it was scanned may be older than our own last write: that it bears our name proves nothing.
      isFromScan: true,
      wanted: seen => ownedBy(seen, workerId),
      set: wanted => ({
        [A.leaseOwner]: workerId,
        [A.ownerSwitchesSinceCheckpoint]: wanted.ownerSwitchesSinceCheckpoint
      }),
      remove: () => [A.checkpointOwner]
    })
  }

  // A checkpoint of an owner that has lost its lease fails on the counter; a finished shard stays finished.
  checkpoint(lease: Lease, { checkpoint, childShardIds }: CheckpointUpdate): Promise<Lease | undefined> {
    return this.#update(lease, workingOwner(lease), {
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
      remove: () => pendingAttributes
    })
  }

  // As a checkpoint: what a former owner prepares late fails on the counter, and a finished shard has nothing to prepare.
  prepareCheckpoint(
    lease: Lease,
    pending: ExtendedSequenceNumber,
    state?: Uint8Array
  ): Promise<Lease | undefined> {
    return this.#update(lease, workingOwner(lease), {
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
      remove: () => (state === undefined ? [A.pendingCheckpointState] : [])
    })
  }

  // Settles against a take by another worker that has seen us expire, and against a handoff that begins: then the lease goes
  // to the worker that waits for it.
  release(lease: Lease): Promise<Lease | undefined> {
    return this.#update(lease, workingOwner(lease), {
      noticesHandoff: true,
      wanted: seen =>
        seen.checkpointOwner === undefined
          ? { ...counted(seen), leaseOwner: undefined }
          : ownedBy(seen, seen.leaseOwner),
      set: ({ leaseOwner, ownerSwitchesSinceCheckpoint }) =>
        leaseOwner === undefined ? {} : { [A.ownerSwitchesSinceCheckpoint]: ownerSwitchesSinceCheckpoint },
      remove: seen => [seen.checkpointOwner === undefined ? A.leaseOwner : A.checkpointOwner]
    })
  }

  // Settles against a deletion: a row that is gone must not come back as a fragment.
  async describe(lease: Lease, { childShardIds, hashKeyRange }: ShardFacts): Promise<void> {
    const set = toMetaItem({ childShardIds: childShardIds ?? [], hashKeyRange })
    if (Object.keys(set).length === 0) return
    const update = assignments(set)
    await wasCarriedOut('UpdateItem', () =>
      this.#write(
        new UpdateCommand({
          TableName: this.#options.tableName,
          Key: { [A.leaseKey]: lease.leaseKey },
          ConditionExpression: `attribute_exists(${A.leaseKey})`,
          UpdateExpression: `SET ${update.expression}`,
          ExpressionAttributeValues: update.values,
          ReturnConsumedCapacity: 'TOTAL'
        })
      )
    )
  }

  // Settles against every write since the row was seen: above all, against a row that was made anew for the shard.
  async delete(lease: Lease): Promise<boolean> {
    const isDeleted = await wasCarriedOut('DeleteItem', () =>
      this.#write(
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
    )
    // Somebody else removed it, or an earlier try of ours did.
    return isDeleted || (await this.#item(lease.leaseKey)) === undefined
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
    const remove = change.remove?.(seen) ?? []
    const handoffGuard =
      this.#isKcl3 && change.noticesHandoff === true && seen.checkpointOwner === undefined
        ? ` AND attribute_not_exists(${A.checkpointOwner})`
        : ''
    try {
      await this.#write(
        new UpdateCommand({
          TableName: tableName,
          Key: { [A.leaseKey]: seen.leaseKey },
          ConditionExpression: `${A.leaseCounter} = :seen${finishedGuard ? ` AND ${A.checkpoint} <> :end` : ''}${handoffGuard}`,
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
    const isHandedOver =
      handoffGuard !== '' && found.checkpointOwner === owner && found.leaseCounter === seen.leaseCounter
    if (isHandedOver) return this.#update({ ...found, throughputKBps: seen.throughputKBps }, owner, change)
    const isOurs =
      found.leaseCounter > seen.leaseCounter &&
      found.leaseCounter <= (this.#mayBeOurs.get(seen.leaseKey) ?? -1)
    // Any write of ours has moved the counter, which is all that a renewal is for.
    const isRenewal = Object.keys(set).every(name => name === A.leaseCounter || name === A.throughputKBps)
    if (isOurs && isSame(wanted, found)) return found
    if (isOurs && isRenewal && remove.length === 0 && workingOwner(found) === owner) return found
    // Under our name, by a write that was not ours: a second worker with this id. A leader of KCL 3 writes it, too.
    if (
      !isOurs &&
      !this.#isKcl3 &&
      change.isFromScan === undefined &&
      owner !== undefined &&
      found.leaseOwner === owner &&
      found.leaseCounter > seen.leaseCounter
    ) {
      throw new DuplicateWorkerError(owner, seen.leaseKey)
    }
    if (!isOurs || (owner !== undefined && workingOwner(found) !== owner)) return undefined
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
    const { Item: item, ConsumedCapacity: consumed } = await callService('dynamodb', 'GetItem', () =>
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
    const pages = pagesOf<ScanCommandOutput>('Scan', ExclusiveStartKey =>
      this.#documents.send(
        new ScanCommand({ TableName: tableName, ExclusiveStartKey, ReturnConsumedCapacity: 'TOTAL' })
      )
    )
    for await (const page of pages) {
      items.push(...(page.Items ?? []))
      this.#usage.readUnits += page.ConsumedCapacity?.CapacityUnits ?? 0
    }
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
        this.#setup.tolerate(() => this.#scan(`${applicationName}-${name}`))
      )
    )
    const signs = kcl3Signs(
      items.flatMap(found => found ?? []),
      clock.wallTime()
    )
    if (signs.length > 0) throw new Kcl3StateError(tableName, signs)
  }
}

/** Whether two rows say the same, as far as the writes here change them, but for the counter. */
function isSame(wanted: Lease, found: Lease): boolean {
  return (
    workingOwner(wanted) === workingOwner(found) &&
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

/** How often the SDK sent the call. */
function attemptsOf(error: unknown): number {
  return (error as { readonly $metadata?: { readonly attempts?: number } }).$metadata?.attempts ?? 1
}
