import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { Dynalite, type Input } from './dynalite.ts'
import { Gate } from './gate.ts'

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
  readonly #states = new Map<string, TableState>()

  private constructor(options: DynamodbStoreOptions, dynalite: Dynalite) {
    this.options = options
    this.dynalite = dynalite
    this.managedKeyArn = `arn:aws:kms:${options.region}:${options.accountId}:key/${randomUUID()}`
  }

  static async open(options: DynamodbStoreOptions): Promise<DynamodbStore> {
    return new DynamodbStore(options, await Dynalite.load())
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
