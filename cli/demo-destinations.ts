import { ErrorCode, isSealstreamError } from '../core/errors.ts'
import type { LocalEngines, LocalOptions } from '../local/index.ts'
import type { PipelinePlan, PlanDestination, ReadingSources } from '../pipeline/index.ts'
import type { DestinationEngines } from './commands/run.ts'

type LocalRedshift = NonNullable<LocalEngines['redshift']>

/** As in any plan of a demo: buffers of one second. */
const bufferIntervalSeconds = 1
/** Four times the work for the engines, all in one process: on a busy machine a lease is renewed late. */
const failoverTimeMs = 4_000
const table = 'flights'
/** Numbers the rows in the order in which they came; no record fills it. */
const orderColumn = 'row_number'
/** One for each member of a flight. */
const columns = {
  id: 'varchar(32)',
  date: 'varchar(16)',
  delay: 'integer',
  distance: 'integer',
  origin: 'varchar(3)',
  destination: 'varchar(3)',
  canary: 'varchar(16)'
}

/**
 * The embedded engines with everything that the demo delivers to, and the plan with the destinations that lead there.
 * Where no PostgreSQL can stand for Redshift, that one is left out, with the reason.
 */
export async function startDemoEngines(
  options: LocalOptions,
  plan: PipelinePlan
): Promise<DestinationEngines> {
  const { local, unavailable } = await startEngines(options)
  const search = local.search!
  const hec = local.hec!
  const { redshift } = local
  if (redshift !== undefined) await makeTable(redshift)
  return {
    local,
    unavailable,
    plan: {
      ...plan,
      consumer: { ...plan.consumer, failoverTimeMs },
      destinations: [
        { kind: 's3', bufferIntervalSeconds },
        { kind: 'elasticsearch', endpoint: search.url, indexName: 'flights', bufferIntervalSeconds },
        ...(redshift === undefined ? [] : [redshiftDestination(redshift)]),
        { kind: 'splunk', endpoint: hec.url, token: hec.token, bufferIntervalSeconds }
      ]
    },
    sources: {
      searchUrl: search.url,
      // Nobody reads these but the ledger, and a long demo should not hold all of them.
      removeDocuments: true,
      takeEvents: () => hec.takeEvents(),
      ...(redshift === undefined ? {} : { rows: rowsOf(redshift) })
    }
  }
}

async function startEngines(
  options: LocalOptions
): Promise<Pick<DestinationEngines, 'local' | 'unavailable'>> {
  const { startLocal } = await import('../local/index.ts')
  try {
    const local = await startLocal({ ...options, receivers: ['search', 'hec', 'redshift'] })
    return { local, unavailable: {} }
  } catch (error) {
    if (!isSealstreamError(error) || error.code !== ErrorCode.engineUnavailable) throw error
    const local = await startLocal({ ...options, receivers: ['search', 'hec'] })
    return { local, unavailable: { redshift: error.message } }
  }
}

async function makeTable({ query }: LocalRedshift): Promise<void> {
  const definitions = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
  await query(`CREATE TABLE ${table} (${[`${orderColumn} bigserial`, ...definitions].join(', ')})`)
}

function redshiftDestination({ jdbcUrl, username, password }: LocalRedshift): PlanDestination {
  return {
    kind: 'redshift',
    jdbcUrl,
    username,
    password,
    table,
    columns: Object.keys(columns),
    bufferIntervalSeconds
  }
}

function rowsOf({ query }: LocalRedshift): NonNullable<ReadingSources['rows']> {
  return { orderColumn, query: (sql, values) => query(sql, values) }
}
