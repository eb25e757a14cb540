import type { LocalOptions } from '../local/index.ts'
import type { DestinationEngines } from './commands/run.ts'

/** As in any plan of a demo: buffers of one second. */
const bufferIntervalSeconds = 1

/** The embedded engines with everything that the demo delivers to, and the destinations that lead there. */
export async function startDemoEngines(options: LocalOptions): Promise<DestinationEngines> {
  const { startLocal } = await import('../local/index.ts')
  const local = await startLocal({ ...options, receivers: ['search', 'hec'] })
  const search = local.search!
  const hec = local.hec!
  return {
    local,
    unavailable: {},
    destinations: [
      { kind: 's3', bufferIntervalSeconds },
      { kind: 'elasticsearch', endpoint: search.url, indexName: 'flights', bufferIntervalSeconds },
      { kind: 'splunk', endpoint: hec.url, token: hec.token, bufferIntervalSeconds }
    ],
    sources: {
      searchUrl: search.url,
      // Nobody reads these but the ledger, and a long demo should not hold all of them.
      removeDocuments: true,
      takeEvents: () => hec.takeEvents()
    }
  }
}
