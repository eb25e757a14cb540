import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { CallOptions } from '../../core/aws-ports.ts'
import { checkBoolean, checkInteger, checkKnownOptions, checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import {
  DiagnosticsChannel,
  resolveSurroundings,
  type Surroundings,
  surroundingNames
} from '../../core/surroundings.ts'
import type { CallFailedEvent } from '../call-failed.ts'
import type { TableComparison } from './table-comparison.ts'

/** A table, and how it is reached. */
export interface LeaseTableAddress {
  readonly tableName: string
  /** A client to use as it is, such as one of another account; it stays open. At most one of the two. */
  readonly client?: DynamoDBClient
  readonly clientConfig?: DynamoDBClientConfig
}

/** Key of a table in KMS: the id, ARN or alias of one, or `'aws'` for the one that AWS manages. */
export type LeaseTableKey = 'aws' | { readonly kmsKeyId: string }

export interface MigrateLeaseTableOptions extends CallOptions, Partial<Surroundings<MigrationEvent>> {
  /** Is read, and never written to. */
  readonly from: LeaseTableAddress
  readonly to: LeaseTableAddress
  /** Key of the target. One that is there must have it. @default 'aws' for a table that is made; else whatever it has */
  readonly key?: LeaseTableKey
  /** Makes the target, on demand and with continuous backups, when it is not there. @default true */
  readonly createTable?: boolean
  /** Goes on with a copy that was begun before: without it a target that holds leases is refused. @default false */
  readonly resume?: boolean
  /** Looks at both tables, and writes nothing. @default false */
  readonly dryRun?: boolean
  /** Goes on copying until the workers of the source have stopped, or the signal aborts. @default false */
  readonly follow?: boolean
  /** Between two passes, in milliseconds. Range 10 to 60_000. @default 1_000 */
  readonly intervalMs?: number
  /**
   * The workers of the source have stopped when none of its rows has changed for so long, in milliseconds: more than a
   * third of their failover time. Range 100 to 3_600_000. @default 60_000
   */
  readonly quietMs?: number
}

/** What a migration tells while it works. */
export type MigrationEvent =
  | { readonly type: 'tableCreated'; readonly tableName: string }
  | ({ readonly type: 'passDone'; readonly pass: number } & MigrationWrites)
  /** Workers of both tables hold it: its records come twice until the one of the source stops. Told once. */
  | { readonly type: 'leaseHeldInBoth'; readonly leaseKey: string }
  /** A pass could not be finished and is made again, or a backup could not be started. */
  | CallFailedEvent

/** In rows of the target. */
export interface MigrationWrites {
  readonly created: number
  /** Brought to a later checkpoint, or to what else the source says. */
  readonly movedOn: number
  /** Finished and cleaned up in the source meanwhile. */
  readonly removed: number
  /** Not written: somebody else was first. The next pass looks again. */
  readonly overtaken: number
}

export interface LeaseTableMigration {
  /**
   * `settled`: a pass had nothing to make or to remove. `quiet`: the workers of the source have stopped. `passes`: it did
   * not settle in ten passes.
   */
  readonly endedBy: 'settled' | 'quiet' | 'signal' | 'passes' | 'dryRun'
  readonly passes: number
  /** In all passes; of a dry run what the first would write. */
  readonly writes: MigrationWrites
  /** Both tables as they were found in the end. */
  readonly comparison: TableComparison
}

const names = [
  'from',
  'to',
  'key',
  'createTable',
  'resume',
  'dryRun',
  'follow',
  'intervalMs',
  'quietMs',
  'signal',
  ...surroundingNames
] as const

/** @throws InvalidOptionError */
export function resolveMigration(options: MigrateLeaseTableOptions) {
  checkKnownOptions('', options, names)
  const from = checkAddress('from', options.from)
  const to = checkAddress('to', options.to)
  const isSamePlace =
    from.client === to.client && (from.client !== undefined || from.clientConfig === to.clientConfig)
  if (from.tableName === to.tableName && isSamePlace) {
    throw new InvalidOptionError('to', 'is the table itself: rekeyLeaseTable changes its key in place')
  }
  return {
    from,
    to,
    key: options.key === undefined ? undefined : checkTableKey('key', options.key),
    createTable: checkBoolean('createTable', options.createTable ?? true),
    resume: checkBoolean('resume', options.resume ?? false),
    dryRun: checkBoolean('dryRun', options.dryRun ?? false),
    follow: checkBoolean('follow', options.follow ?? false),
    intervalMs: checkInteger('intervalMs', options.intervalMs ?? 1_000, 10, 60_000),
    quietMs: checkInteger('quietMs', options.quietMs ?? 60_000, 100, 3_600_000),
    signal: options.signal,
    ...resolveSurroundings(options, DiagnosticsChannel.migration, from.tableName)
  }
}

/** @throws InvalidOptionError */
export function checkAddress(option: string, address: unknown): LeaseTableAddress {
  if (typeof address !== 'object' || address === null) {
    throw new InvalidOptionError(option, 'expected a table, such as { tableName }')
  }
  checkKnownOptions(option, address, ['tableName', 'client', 'clientConfig'])
  const { tableName, client, clientConfig } = address as LeaseTableAddress
  checkString(`${option}.tableName`, tableName)
  if (client !== undefined && clientConfig !== undefined) {
    throw new InvalidOptionError(`${option}.clientConfig`, 'cannot stand beside client')
  }
  return address as LeaseTableAddress
}

/** @throws InvalidOptionError */
export function checkTableKey(option: string, key: unknown): LeaseTableKey {
  if (key === 'aws') return key
  if (typeof key !== 'object' || key === null) {
    throw new InvalidOptionError(option, "expected 'aws' or { kmsKeyId }")
  }
  checkKnownOptions(option, key, ['kmsKeyId'])
  const { kmsKeyId } = key as { readonly kmsKeyId?: unknown }
  return { kmsKeyId: checkString(`${option}.kmsKeyId`, kmsKeyId) }
}
