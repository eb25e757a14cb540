import type { CallOptions } from '../../core/aws-ports.ts'
import { checkBoolean, checkKnownOptions } from '../../core/check-option.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { DynamodbTable } from './dynamodb-table.ts'
import { MigrationRefusedError } from './errors.ts'
import {
  checkAddress,
  checkTableKey,
  type LeaseTableAddress,
  type LeaseTableKey
} from './migration-options.ts'
import { hasKey, keyArnOf } from './table-key.ts'

export interface RekeyLeaseTableOptions extends CallOptions {
  readonly table: LeaseTableAddress
  readonly key: LeaseTableKey
  /** Looks, and changes nothing. @default false */
  readonly dryRun?: boolean
  readonly clock?: Clock
}

export interface RekeyedLeaseTable {
  /** Undefined: a key of DynamoDB's own. */
  readonly previousKeyArn: string | undefined
  /** Of a dry run: as before. */
  readonly keyArn: string | undefined
  /** Whether the key was changed; of a dry run, whether it would be. */
  readonly isChanged: boolean
}

/**
 * Puts a lease table under another key, in place: rows, workers and checkpoints stay as they are. The key that it had
 * must stay enabled for as long as backups need it.
 * @throws InvalidOptionError, LeaseTableSchemaError, MigrationRefusedError when there is no such table, ServiceError
 */
export async function rekeyLeaseTable(options: RekeyLeaseTableOptions): Promise<RekeyedLeaseTable> {
  checkKnownOptions('', options, ['table', 'key', 'dryRun', 'clock', 'signal'])
  const address = checkAddress('table', options.table)
  const key = checkTableKey('key', options.key)
  const dryRun = checkBoolean('dryRun', options.dryRun ?? false)
  const table = new DynamodbTable(address, options.clock ?? systemClock, options.signal)
  try {
    const found = await table.describe()
    if (found === undefined) {
      throw new MigrationRefusedError(address.tableName, 'missing', 'does not exist')
    }
    const previousKeyArn = keyArnOf(found)
    const isSame = hasKey(found, key) === true
    if (dryRun || isSame) return { previousKeyArn, keyArn: previousKeyArn, isChanged: !isSame }
    await table.changeKey(key)
    const keyArn = keyArnOf(await table.untilActive())
    return { previousKeyArn, keyArn, isChanged: keyArn !== previousKeyArn }
  } finally {
    table.close()
  }
}
