import { expect, it } from 'vitest'
import { DocumentReader } from '../../pipeline/delivered-documents.ts'
import { openLocal } from '../helpers/local.ts'

async function start() {
  const local = await openLocal({ receivers: ['search'] })
  const { url, documents, indices } = local.search!
  return {
    url,
    documents,
    indices,
    async write(index: string, from: number, to: number): Promise<void> {
      const lines = Array.from({ length: to - from }, (_, n) => [
        { index: { _index: index, _id: `${from + n}` } },
        { n: from + n }
      ])
      const body = lines.flat().map(line => `${JSON.stringify(line)}\n`)
      await fetch(`${url}/_bulk`, { method: 'POST', body: body.join('') })
    }
  }
}

async function readNew(reader: DocumentReader): Promise<readonly [string, unknown][]> {
  const found: [string, unknown][] = []
  for await (const { place, records } of reader.readNew()) {
    for (const record of records) found.push([place, (record as { n: number }).n])
  }
  return found
}

const numbers = (index: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => [index, from + n])

it('reads each document once, by pages, and one that is written again once more', async () => {
  const { url, write, documents } = await start()
  const reader = new DocumentReader(`${url}/`, { indexName: 'orders', indexRotation: 'NoRotation' })
  expect(await readNew(reader)).toEqual([])
  await write('orders', 0, 2_500)
  await write('orders-2026-07-13', 0, 1)
  expect(await readNew(reader)).toEqual(numbers('orders', 0, 2_500))
  expect(await readNew(reader)).toEqual([])
  await write('orders', 2_499, 2_502)
  expect(await readNew(reader)).toEqual(numbers('orders', 2_499, 2_502))
  expect(documents('orders')).toHaveLength(2_502)
})

it.each(['2026-07-13-14', '2026-07-13', '2026-07', '2026-w28'])(
  'reads the index %s of a rotation, and none that only begins alike',
  async time => {
    const { url, write } = await start()
    await write(`orders-${time}`, 0, 1)
    for (const other of ['orders', 'orders-2026', `orders-old-${time}`, `orders-${time}-x`]) {
      await write(other, 5, 6)
    }
    const reader = new DocumentReader(url, { indexName: 'orders', indexRotation: 'OneDay' })
    expect(await readNew(reader)).toEqual(numbers(`orders-${time}`, 0, 1))
  }
)

it('passes over what is there, and reads on behind it', async () => {
  const { url, write } = await start()
  await write('orders', 0, 1_500)
  const reader = new DocumentReader(url, { indexName: 'orders', indexRotation: 'NoRotation' })
  await reader.skipExisting()
  await write('orders', 1_500, 1_501)
  expect(await readNew(reader)).toEqual(numbers('orders', 1_500, 1_501))
})

it('removes what it has read when asked to', async () => {
  const { url, write, documents } = await start()
  const index = { indexName: 'orders', indexRotation: 'NoRotation' } as const
  const reader = new DocumentReader(url, index, { remove: true })
  await write('orders', 0, 1_500)
  expect(await readNew(reader)).toEqual(numbers('orders', 0, 1_500))
  expect(documents('orders')).toEqual([])
  await write('orders', 1_500, 1_501)
  expect(await readNew(reader)).toEqual(numbers('orders', 1_500, 1_501))
})

it('says which request failed, and nothing of the answer', async () => {
  const local = await openLocal({
    receivers: ['search'],
    faults: { search: () => ({ kind: 'answer', status: 403, body: 'secret' }) }
  })
  const reader = new DocumentReader(local.search!.url, { indexName: 'o', indexRotation: 'NoRotation' })
  await expect(reader.skipExisting()).rejects.toMatchObject({
    code: 'SEALSTREAM_SERVICE',
    message: 'search index: GET _cat/indices was answered with status 403'
  })
})
