// Adds to records what a table knows of them. Rows are kept for a minute, so that a batch costs one query at most.

/**
 * @param {object} given
 * @param {import('pg').Pool} given.pool
 * @param {number} [given.maxAgeMs] how old a row may be that is used
 * @param {number} [given.maxRows] how many are kept; the one that was had first goes first
 * @param {() => number} [given.now] milliseconds
 */
export function createStations({ pool, maxAgeMs = 60_000, maxRows = 10_000, now = () => performance.now() }) {
  /** @type {Map<string, { readonly name: string | undefined, readonly bornMs: number }>} */
  const known = new Map()

  /** @param {readonly string[]} ids */
  async function load(ids) {
    const { rows } = await pool.query('select id, name from stations where id = any($1)', [ids])
    const names = new Map(rows.map(({ id, name }) => [id, name]))
    for (const id of ids) {
      known.delete(id)
      // Those that are not there, too: else every record of them would cost a query.
      known.set(id, { name: names.get(id), bornMs: now() })
    }
  }

  return {
    /**
     * Names of the given stations; undefined for one that is not there.
     * @param {readonly string[]} ids
     */
    async namesOf(ids) {
      const missing = new Set(ids.filter(id => now() - (known.get(id)?.bornMs ?? -Infinity) >= maxAgeMs))
      if (missing.size > 0) await load([...missing])
      const names = new Map(ids.map(id => [id, known.get(id)?.name]))
      for (const id of known.keys()) {
        if (known.size <= maxRows) break
        known.delete(id)
      }
      return names
    }
  }
}

/**
 * A handler for a worker. When the database cannot be had it throws, and the worker tries again: no record is passed over.
 * @param {ReturnType<typeof createStations>} stations
 * @param {(records: readonly object[]) => unknown} store
 * @returns {import('sealstream/consumer').BatchHandler}
 */
export function enriching(stations, store) {
  return async batch => {
    const readings = batch.map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')))
    const names = await stations.namesOf(readings.map(({ station }) => station))
    await store(readings.map(reading => ({ ...reading, stationName: names.get(reading.station) })))
  }
}
