import { parseArgs } from 'node:util'
import {
  type LeaseTableAddress,
  type LeaseTableKey,
  type LeaseTableMigration,
  type MigrationEvent,
  migrateLeaseTable,
  rekeyLeaseTable
} from '../../consumer/index.ts'
import { awsEngine, clientConfigOf, endpointEngine } from '../../pipeline/index.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { tellFailure } from '../explain-error.ts'
import { listenForInterrupt } from '../interrupt.ts'
import { count } from '../view.ts'
import { integer, parseOptions } from './run.ts'

export const migrateTableUsage = `sealstream migrate-table --from TABLE --to TABLE [--follow] [--dry-run]

Copies a lease table to another one while workers run; no checkpoint goes back. The old table is read alone. With the same
table as --from and --to, changes its key in place.

  --from TABLE, --to TABLE      names of the tables
  --kms-key KEY                 key of the new table: an id, ARN or alias, or aws for the one that AWS manages; default aws
                                for a table that is made
  --no-create                   the new table is there already
  --resume                      go on with a copy that was begun before
  --follow                      go on until the workers of the old table have stopped; Ctrl-C ends it before
  --quiet SECONDS               they have stopped when no row changed for so long, 1 to 3600; default 60
  --interval MS                 between two passes, 10 to 60000; default 1000
  --from-region NAME, --to-region NAME
  --from-profile NAME, --to-profile NAME
                                of the configuration that the AWS SDK reads: another account
  --from-endpoint URL, --to-endpoint URL
                                any AWS-compatible address
  --dry-run                     look and compare, write nothing
  --json                        print one last line of JSON
  --verbose                     show stack traces`

type Side = 'from' | 'to'

interface Values {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly 'from-region'?: string | undefined
  readonly 'to-region'?: string | undefined
  readonly 'from-profile'?: string | undefined
  readonly 'to-profile'?: string | undefined
  readonly 'from-endpoint'?: string | undefined
  readonly 'to-endpoint'?: string | undefined
}

interface MigrateSettings {
  readonly key: LeaseTableKey | undefined
  readonly createTable: boolean
  readonly resume: boolean
  readonly follow: boolean
  readonly dryRun: boolean
  readonly quietMs: number
  readonly intervalMs: number
  readonly json: boolean
}

export async function migrateTableCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        'kms-key': { type: 'string' },
        'no-create': { type: 'boolean', default: false },
        resume: { type: 'boolean', default: false },
        follow: { type: 'boolean', default: false },
        quiet: { type: 'string', default: '60' },
        interval: { type: 'string', default: '1000' },
        'from-region': { type: 'string' },
        'to-region': { type: 'string' },
        'from-profile': { type: 'string' },
        'to-profile': { type: 'string' },
        'from-endpoint': { type: 'string' },
        'to-endpoint': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${migrateTableUsage}\n`)
    return ExitCode.ok
  }
  const tables = { from: addressOf(values, 'from'), to: addressOf(values, 'to') }
  const settings: MigrateSettings = {
    key: keyOf(values['kms-key']),
    createTable: !values['no-create'],
    resume: values.resume,
    follow: values.follow,
    dryRun: values['dry-run'],
    quietMs: integer('--quiet', values.quiet, 1, 3_600) * 1_000,
    intervalMs: integer('--interval', values.interval, 10, 60_000),
    json: values.json
  }
  const interrupt = listenForInterrupt(() =>
    process.stderr.write('sealstream: interrupted: comparing what was copied; --resume goes on from here\n')
  )
  try {
    return isSameTable(values)
      ? await rekey(tables.to, settings, interrupt.signal)
      : await migrate(tables, settings, interrupt.signal)
  } catch (error) {
    if (interrupt.signal.aborted) return ExitCode.interrupted
    return tellFailure(error, 'DynamoDB', { isVerbose: values.verbose })
  } finally {
    interrupt.end()
  }
}

async function rekey(
  table: LeaseTableAddress,
  { key, dryRun, json }: MigrateSettings,
  signal: AbortSignal
): Promise<ExitCode> {
  if (key === undefined) {
    throw new UsageError('--from and --to are one table: expected --kms-key, to change its key in place')
  }
  const result = await rekeyLeaseTable({ table, key, dryRun, signal })
  const { previousKeyArn = "DynamoDB's own", keyArn = "DynamoDB's own", isChanged } = result
  show(json, { table: table.tableName, dryRun, ...result }, [
    `--from and --to are one table: its key ${dryRun ? 'would be' : 'is'} changed in place, and nothing is copied`,
    `key before  ${previousKeyArn}`,
    ...(dryRun ? [] : [`key now     ${keyArn}${isChanged ? '' : ' (as before)'}`])
  ])
  return ExitCode.ok
}

async function migrate(
  tables: Readonly<Record<Side, LeaseTableAddress>>,
  { json, ...settings }: MigrateSettings,
  signal: AbortSignal
): Promise<ExitCode> {
  const { key, ...others } = settings
  const result = await migrateLeaseTable({
    ...tables,
    ...others,
    ...(key === undefined ? {} : { key }),
    signal,
    onEvent: event => tell(event)
  })
  const { comparison, endedBy } = result
  show(json, { from: tables.from.tableName, to: tables.to.tableName, ...result }, textOf(result))
  if (endedBy === 'dryRun') return comparison.conflicts > 0 ? ExitCode.findings : ExitCode.ok
  if (comparison.state === 'incomplete') return ExitCode.findings
  return endedBy === 'signal' ? ExitCode.interrupted : ExitCode.ok
}

/** While it works: on standard error, so that the last line of `--json` stands alone. */
function tell(event: MigrationEvent): void {
  const say = (text: string): boolean => process.stderr.write(`${text}\n`)
  switch (event.type) {
    case 'tableCreated':
      say(`made table ${event.tableName}`)
      break
    case 'passDone':
      if (event.pass === 1 || event.created + event.removed > 0) {
        say(
          `pass ${event.pass}  created ${event.created}, moved on ${event.movedOn}, removed ${event.removed}`
        )
      }
      break
    case 'leaseHeldInBoth':
      say(`${event.leaseKey} is held in both tables: its records come twice until the old worker stops`)
      break
    case 'callFailed':
      say(`${event.operation} failed: ${event.serviceCode}; trying again`)
  }
}

const states: Readonly<Record<LeaseTableMigration['comparison']['state'], string>> = {
  equal: 'equal: what is not worked on in the new table says the same in both',
  moving: 'moving: workers of the old table have moved on since; run again with --resume, or --follow',
  incomplete: 'INCOMPLETE'
}

function textOf({ endedBy, passes, writes, comparison }: LeaseTableMigration): readonly string[] {
  const isDryRun = endedBy === 'dryRun'
  return [
    `${isDryRun ? 'would create' : 'created'}  ${count(writes.created)}, move on ${count(writes.movedOn)}, remove ${count(writes.removed)}${isDryRun ? '' : ` (${passes} passes, ended by ${endedBy})`}`,
    `rows       ${count(comparison.rows.source)} old, ${count(comparison.rows.target)} new, of which ${count(comparison.equal)} say the same`,
    `worked     ${count(comparison.worked)} in the new table, ${count(comparison.heldInBoth)} of them held in the old one as well`,
    `left       ${count(comparison.leftBehind)} of leader and metrics, ${count(comparison.cleaned)} finished in the new table, ${count(comparison.foreign)} in the new table alone`,
    `digest     ${comparison.digest.source} old`,
    `           ${comparison.digest.target} new`,
    ...comparison.differences.map(({ leaseKey, is, reason }) => `  ${is}  ${leaseKey}: ${reason}`),
    ...(isDryRun ? [] : [states[comparison.state]])
  ]
}

function show(json: boolean, result: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`)
}

function keyOf(option: string | undefined): LeaseTableKey | undefined {
  if (option === '') throw new UsageError('--kms-key: expected an id, ARN or alias, or aws')
  return option === undefined || option === 'aws' ? option : { kmsKeyId: option }
}

function addressOf(values: Values, side: Side): LeaseTableAddress {
  const tableName = values[side]
  if (tableName === undefined) throw new UsageError(`--${side} is missing: name the table`)
  if (!/^[A-Za-z0-9_.-]{3,255}$/.test(tableName)) {
    throw new UsageError(`--${side}: expected the name of a table, found ${tableName}`)
  }
  const region = values[`${side}-region`]
  const profile = values[`${side}-profile`]
  const endpoint = values[`${side}-endpoint`]
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))) {
    throw new UsageError(`--${side}-endpoint: expected an http or https address, found ${endpoint}`)
  }
  const engine =
    endpoint === undefined ? awsEngine : endpointEngine(endpoint, region === undefined ? {} : { region })
  const { credentials, ...config } = clientConfigOf(engine, 'dynamodb')
  // An address that is one of AWS takes who one is from where the SDK finds it.
  const isKnown = profile !== undefined || process.env.AWS_ACCESS_KEY_ID !== undefined
  return {
    tableName,
    clientConfig: {
      ...config,
      ...(credentials === undefined || isKnown ? {} : { credentials }),
      ...(region === undefined ? {} : { region }),
      ...(profile === undefined ? {} : { profile })
    }
  }
}

/** By all that tells where a table is. */
function isSameTable(values: Values): boolean {
  return (
    values.from === values.to &&
    values['from-region'] === values['to-region'] &&
    values['from-profile'] === values['to-profile'] &&
    values['from-endpoint'] === values['to-endpoint']
  )
}
