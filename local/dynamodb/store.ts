import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import type { StateDocument, StateFolder } from '../state/index.ts'
import { Dynalite, type Input } from './dynalite.ts'
import { Gate } from './gate.ts'
import { repairTables } from './repair.ts'
import { isProbe, type Rebuild, rebuildTable, removeTable } from './tables.ts'

export interface DynamodbStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /**
   * ARN of the key that a table is to be encrypted under; asked on behalf of `principal`, an access key id.
   * @throws AwsError when there is no such key
   * @default any id is taken as it is
   */
  readonly keyArnOf?: ((keyId: string, principal: string | undefined) => Promise<string>) | undefined
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

/** What the store keeps itself, as JSON. */
interface SavedTables {
  readonly managedKeyArn: string
  readonly states: readonly (readonly [string, TableState])[]
}

/** What `dynalite` does not keep of a table. */
export interface TableState {
  /** Before the first index was built: a table keeps its id and age however often it is made anew. */
  identity: { readonly TableId: unknown; readonly CreationDateTime: unknown } | undefined
  /** ARN of the key in KMS; undefined for a table under DynamoDB's own key. */
  keyArn: string | undefined
  isDeletionProtected: boolean
  /** Point-in-time recovery; undefined while it is off. */
  pointInTimeRecovery: { readonly sinceMs: number; readonly periodDays: number } | undefined
  /** Attribute that tells when items expire; undefined while nothing does. */
  timeToLiveAttribute: string | undefined
}

/** The tables: items by `dynalite`, and beside them what it does not keep. */
export class DynamodbStore {
  readonly options: DynamodbStoreOptions
  readonly dynalite: Dynalite
  readonly gate = new Gate()
  /** Stands for the key behind `alias/aws/dynamodb`. */
  readonly managedKeyArn: string
  readonly #states: Map<string, TableState>
  readonly #document: StateDocument | undefined
  /** A table that is being made anew; `null` when none is. */
  readonly #rebuild: StateDocument | undefined

  private constructor(options: DynamodbStoreOptions, dynalite: Dynalite) {
    this.options = options
    this.dynalite = dynalite
    this.#document = options.state?.document('dynamodb', 'tables')
    this.#rebuild = options.state?.document('dynamodb', 'rebuild')
    const saved = this.#document?.read() as SavedTables | undefined
    this.managedKeyArn =
      saved?.managedKeyArn ?? `arn:aws:kms:${options.region}:${options.accountId}:key/${randomUUID()}`
    this.#states = new Map(saved?.states ?? [])
  }

  /** @throws {StateError} when the state folder cannot be used */
  static async open(options: DynamodbStoreOptions): Promise<DynamodbStore> {
    if (options.state === undefined) return new DynamodbStore(options, await Dynalite.load())
    const folder = options.state.folderOf('dynamodb/items')
    // Loaded first, for its message when the package is not there.
    const dynalite = await Dynalite.load(folder, () => repairTables(folder))
    const store = new DynamodbStore(options, dynalite)
    await store.#finish()
    return store
  }

  /** Writes what an operation has changed besides items to the state folder, if there is one. */
  save(): void {
    this.#document?.write({ managedKeyArn: this.managedKeyArn, states: [...this.#states] })
  }

  /** Makes a table anew. A killed process finds out, and does it again. */
  async rebuild(rebuild: Rebuild): Promise<void> {
    this.save()
    this.#rebuild?.write(rebuild)
    await rebuildTable(this.dynalite, rebuild)
    this.#rebuild?.write(null)
  }

  async close(): Promise<void> {
    // In memory there is nothing to let go of.
    if (this.options.state !== undefined) await this.gate.alone(() => this.dynalite.close())
  }

  /** What the last process was killed in. */
  async #finish(): Promise<void> {
    const rebuild = this.#rebuild?.read() as Rebuild | null | undefined
    if (rebuild !== undefined && rebuild !== null) await this.rebuild(rebuild)
    const { TableNames: names } = await this.dynalite.ask('ListTables', {})
    for (const name of names as string[]) if (isProbe(name)) await removeTable(this.dynalite, name)
  }

  nowMs(): number {
    return this.options.clock.wallTime()
  }

  /** @throws AwsError ResourceNotFoundException, ValidationException */
  async describe(tableName: unknown): Promise<Input> {
    const { Table: table } = await this.dynalite.ask('DescribeTable', { TableName: tableName })
    return table as Input
  }

  /** State of a table that is there. @throws AwsError, as `describe`; with `errorType` when the table is missing */
  async stateOf(tableName: unknown, errorType = 'ResourceNotFoundException'): Promise<TableState> {
    try {
      await this.describe(tableName)
    } catch (error) {
      if (!(error instanceof AwsError) || error.type !== 'ResourceNotFoundException') throw error
      throw new AwsError(errorType, `Requested resource not found: Table: ${String(tableName)} not found`)
    }
    return this.state(String(tableName))
  }

  state(tableName: string): TableState {
    const known = this.#states.get(tableName)
    if (known !== undefined) return known
    const state: TableState = {
      identity: undefined,
      keyArn: undefined,
      isDeletionProtected: false,
      pointInTimeRecovery: undefined,
      timeToLiveAttribute: undefined
    }
    this.#states.set(tableName, state)
    return state
  }

  forget(tableName: string): void {
    this.#states.delete(tableName)
  }

  /** The description of a table as `dynalite` gives it, with what it does not keep. */
  described(table: Input): Input {
    const { identity, keyArn, isDeletionProtected } = this.state(String(table.TableName))
    return {
      ...table,
      ...identity,
      DeletionProtectionEnabled: isDeletionProtected,
      ...(keyArn === undefined
        ? {}
        : { SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: keyArn } })
    }
  }
}

/** An operation that the front carries out; `principal` is the access key id of the caller. */
export type DynamodbAction = (
  store: DynamodbStore,
  input: Input,
  principal: string | undefined
) => Promise<object>
