import { isTransient, ServiceError } from '../../core/service-errors.ts'
import { callFailed } from '../call-failed.ts'
import { canonicalRow, digestOfRows } from './canonical-row.ts'
import { DynamodbTable } from './dynamodb-table.ts'
import { MigrationRefusedError } from './errors.ts'
import {
  type LeaseTableMigration,
  type MigrateLeaseTableOptions,
  type MigrationWrites,
  resolveMigration
} from './migration-options.ts'
import type { TableRow } from './rows.ts'
import { compareTables } from './table-comparison.ts'
import { hasKey } from './table-key.ts'
import { judgeRows, type Verdict } from './verdicts.ts'

const maxPasses = 10
const maxFailures = 5
/** Writes of a pass that are under way at a time. */
const writesAtOnce = 8

/**
 * Copies a lease table to another one, of another name, key, region or account, while workers of either work on it. No
 * checkpoint of the target ever goes back: a row is made where there is none, and brought forward as long as nobody holds
 * it there. What a worker of the target holds is its own from then on. The source is read and never written to.
 *
 * It can be called again at any time, with `resume`, and goes on where it was. Workers may use the target when it has
 * settled once.
 * @throws InvalidOptionError; LeaseTableSchemaError and MigrationRefusedError, before anything is written; ServiceError
 */
export async function migrateLeaseTable(options: MigrateLeaseTableOptions): Promise<LeaseTableMigration> {
  const migration = new Migration(options)
  try {
    return await migration.run()
  } finally {
    migration.close()
  }
}

class Migration {
  readonly #options: ReturnType<typeof resolveMigration>
  readonly #source: DynamodbTable
  readonly #target: DynamodbTable
  readonly #writes = { created: 0, movedOn: 0, removed: 0, overtaken: 0 }
  /** Keys that the target had at some time of this call. */
  readonly #onceInTarget = new Set<string>()
  readonly #heldInBoth = new Set<string>()
  #passes = 0
  #lastSource: { readonly digest: string; readonly sinceMs: number } | undefined

  constructor(options: MigrateLeaseTableOptions) {
    this.#options = resolveMigration(options)
    const { from, to, clock, signal } = this.#options
    this.#source = new DynamodbTable(from, clock, signal)
    this.#target = new DynamodbTable(to, clock, signal)
  }

  async run(): Promise<LeaseTableMigration> {
    const { dryRun } = this.#options
    const isTargetThere = await this.#prepare()
    if (dryRun) return this.#result('dryRun', isTargetThere)
    const endedBy = await this.#copy()
    return this.#result(endedBy, true)
  }

  close(): void {
    this.#source.close()
    this.#target.close()
  }

  /** Returns whether there is a target: always, but for a dry run. */
  async #prepare(): Promise<boolean> {
    const { from, to, key, createTable, resume, dryRun, onEvent } = this.#options
    if ((await this.#source.describe()) === undefined) {
      throw new MigrationRefusedError(from.tableName, 'missing', 'does not exist')
    }
    const found = await this.#target.describe()
    if (found === undefined) {
      if (!createTable) {
        throw new MigrationRefusedError(to.tableName, 'missing', 'does not exist, and is not to be made')
      }
      if (dryRun) return false
      await this.#target.create(key ?? 'aws')
      onEvent({ type: 'tableCreated', tableName: to.tableName })
      await this.#startBackups()
      return true
    }
    if (key !== undefined && hasKey(found, key) === false) {
      throw new MigrationRefusedError(
        to.tableName,
        'otherKey',
        'is there, under another key: change that first, in place (rekeyLeaseTable, or the table as --from and --to)'
      )
    }
    if (found.TableStatus !== 'ACTIVE') await this.#target.untilActive()
    if (!resume && (await this.#target.read()).some(({ kind }) => kind !== 'live')) {
      throw new MigrationRefusedError(
        to.tableName,
        'notEmpty',
        'holds leases already: resume (--resume) goes on with a copy that was begun before'
      )
    }
    return true
  }

  async #copy(): Promise<LeaseTableMigration['endedBy']> {
    const { follow, intervalMs, quietMs, clock, signal } = this.#options
    for (let failures = 0; signal?.aborted !== true; ) {
      let isSettled = false
      try {
        isSettled = await this.#pass()
        failures = 0
      } catch (error) {
        failures += 1
        this.#tolerate(error, failures)
      }
      if (follow) {
        if (isSettled && clock.now() - this.#lastSource!.sinceMs >= quietMs) return 'quiet'
      } else if (isSettled) return 'settled'
      else if (this.#passes >= maxPasses) return 'passes'
      await clock.sleep(intervalMs * 2 ** failures, signal).catch(() => {})
    }
    return 'signal'
  }

  /** Returns whether nothing was to be made or removed, and nobody was in the way. */
  async #pass(): Promise<boolean> {
    const { onEvent } = this.#options
    const { source, verdicts } = await this.#look()
    this.#noteSource(source)
    for (const verdict of verdicts) this.#tellHeldInBoth(verdict)
    const before = { ...this.#writes }
    for (let from = 0; from < verdicts.length; from += writesAtOnce) {
      await allOf(verdicts.slice(from, from + writesAtOnce).map(verdict => this.#carryOut(verdict)))
    }
    this.#passes += 1
    const writes = since(before, this.#writes)
    onEvent({ type: 'passDone', pass: this.#passes, ...writes })
    return writes.created + writes.removed + writes.overtaken === 0
  }

  /** The source first: what is done in the target meanwhile counts for more than what is done there. */
  async #look(): Promise<{
    readonly source: readonly TableRow[]
    readonly target: readonly TableRow[]
    readonly verdicts: readonly Verdict[]
  }> {
    const source = await this.#source.read()
    const target = await this.#target.read()
    const verdicts = judgeRows(source, target, this.#onceInTarget)
    for (const { key } of target) this.#onceInTarget.add(key)
    return { source, target, verdicts }
  }

  async #carryOut(verdict: Verdict): Promise<void> {
    switch (verdict.is) {
      case 'missing':
        this.#count('created', await this.#target.add(verdict.source.row))
        this.#onceInTarget.add(verdict.key)
        return
      case 'behind':
        this.#count('movedOn', await this.#target.moveOn(verdict.target.lease, verdict.source.row))
        return
      case 'gone':
        this.#count('removed', await this.#target.remove(verdict.target.lease))
        return
      case 'equal':
      case 'worked':
      case 'cleaned':
      case 'foreign':
      case 'conflict':
    }
  }

  #count(name: keyof MigrationWrites, isDone: boolean): void {
    this.#writes[isDone ? name : 'overtaken'] += 1
  }

  /** A living worker renews its leases: rows that stay as they are to the last counter have none. */
  #noteSource(rows: readonly TableRow[]): void {
    const digest = digestOfRows(rows.map(({ row }) => canonicalRow(row, Object.keys(row).sort())))
    if (this.#lastSource?.digest === digest) return
    this.#lastSource = { digest, sinceMs: this.#options.clock.now() }
  }

  #tellHeldInBoth(verdict: Verdict): void {
    if (verdict.is !== 'worked' || !verdict.isHeldInBoth || this.#heldInBoth.has(verdict.key)) return
    this.#heldInBoth.add(verdict.key)
    this.#options.onEvent({ type: 'leaseHeldInBoth', leaseKey: verdict.key })
  }

  async #result(
    endedBy: LeaseTableMigration['endedBy'],
    isTargetThere: boolean
  ): Promise<LeaseTableMigration> {
    const source = await this.#source.read()
    const target = isTargetThere ? await this.#target.read() : []
    const verdicts = judgeRows(source, target, this.#onceInTarget)
    const comparison = compareTables(source, target, verdicts)
    const { missing, behind, gone } = comparison
    const planned = { created: missing, movedOn: behind, removed: gone, overtaken: 0 }
    return {
      endedBy,
      passes: this.#passes,
      writes: endedBy === 'dryRun' ? planned : { ...this.#writes },
      comparison
    }
  }

  async #startBackups(): Promise<void> {
    try {
      await this.#target.startBackups()
    } catch (error) {
      this.#tell(error)
    }
  }

  #tolerate(error: unknown, failures: number): void {
    if (!(error instanceof ServiceError) || !isTransient(error.failure) || failures >= maxFailures)
      throw error
    this.#tell(error)
  }

  #tell(error: unknown): void {
    if (!(error instanceof ServiceError)) throw error
    this.#options.onEvent(callFailed(error))
  }
}

/** All have ended when it settles, whatever became of them. */
async function allOf(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find(({ status }) => status === 'rejected')
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
}

function since(before: MigrationWrites, now: MigrationWrites): MigrationWrites {
  return {
    created: now.created - before.created,
    movedOn: now.movedOn - before.movedOn,
    removed: now.removed - before.removed,
    overtaken: now.overtaken - before.overtaken
  }
}
