// npx vitest run examples/testing        (ENGINE=localstack for a container)
import { test as base, expect } from 'vitest'
import { startEngines } from './engines.js'
import { nextRecords } from './next-records.js'
import { createOrderService } from './order-service.js'

const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's dependencies off its first parameter
  stand: async ({}, use) => {
    const stand = await startEngines()
    await use(stand)
    await stand.engines.close()
  }
})

test('a placed order reaches the readers of the stream', async ({ stand: { engines, keyring } }) => {
  const orders = createOrderService(engines.clientConfig('kinesis'), keyring)
  await orders.place({ id: 'o-1', total: 42 })
  await orders.close()
  expect(await nextRecords(engines, keyring, 1)).toEqual([{ id: 'o-1', total: 42 }])
})
