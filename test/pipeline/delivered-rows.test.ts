import { expect, it } from 'vitest'
import { RowReader } from '../../pipeline/delivered-rows.ts'

/** A table of rows that answers the two queries of the reader, and keeps them. */
function aTable() {
  const rows: Record<string, unknown>[] = []
  const queries: string[] = []
  return {
    rows,
    queries,
    source: {
      orderColumn: 'seq',
      async query(sql: string, [last]: readonly unknown[] = []) {
        queries.push(sql)
        // As the driver has it: a 64-bit number is text.
        if (sql.startsWith('SELECT max')) return [{ last: rows.length === 0 ? null : String(rows.length) }]
        const limit = Number(/LIMIT (\d+)$/.exec(sql)![1])
        return rows.filter(({ seq }) => Number(seq) > Number(last)).slice(0, limit)
      }
    },
    add(count: number): void {
      for (let n = 0; n < count; n += 1) {
        const seq = rows.length + 1
        rows.push({ seq: String(seq), id: `r${seq}`, note: seq % 2 === 0 ? null : 'odd' })
      }
    }
  }
}

async function readNew(reader: RowReader): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { records } of reader.readNew()) found.push(...records)
  return found
}

const expected = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => {
    const seq = from + n
    return { id: `r${seq}`, ...(seq % 2 === 0 ? {} : { note: 'odd' }) }
  })

it('reads each row once, by pages, as the members that its record has', async () => {
  const table = aTable()
  const reader = new RowReader(table.source, { table: 'orders', columns: ['id', 'note'] })
  expect(await readNew(reader)).toEqual([])
  table.add(4_001)
  expect(await readNew(reader)).toEqual(expected(1, 4_002))
  expect(await readNew(reader)).toEqual([])
  table.add(1)
  expect(await readNew(reader)).toEqual(expected(4_002, 4_003))
  expect(table.queries[0]).toBe('SELECT id, note, seq FROM orders WHERE seq > $1 ORDER BY seq LIMIT 2000')
})

it('reads all columns where the plan names none', async () => {
  const table = aTable()
  table.add(1)
  expect(await readNew(new RowReader(table.source, { table: 'orders', columns: [] }))).toEqual(expected(1, 2))
  expect(table.queries[0]).toContain('SELECT * FROM orders')
})

it('passes over what is there', async () => {
  const table = aTable()
  const reader = new RowReader(table.source, { table: 'orders', columns: ['id', 'note'] })
  await reader.skipExisting()
  table.add(2)
  expect(await readNew(reader)).toEqual(expected(1, 3))
  const late = new RowReader(table.source, { table: 'orders', columns: ['id', 'note'] })
  await late.skipExisting()
  table.add(1)
  expect(await readNew(late)).toEqual(expected(3, 4))
})
