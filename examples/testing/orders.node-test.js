// node --test examples/testing/orders.node-test.js        (ENGINE=localstack for a container)
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startEngines } from './engines.js'
import { nextRecords } from './next-records.js'
import { createOrderService } from './order-service.js'

/** @type {Awaited<ReturnType<typeof startEngines>>} */
let stand
before(async () => {
  stand = await startEngines()
})
after(() => stand.engines.close())

test('a placed order reaches the readers of the stream', async () => {
  const { engines, keyring } = stand
  const orders = createOrderService(engines.clientConfig('kinesis'), keyring)
  await orders.place({ id: 'o-1', total: 42 })
  await orders.close()
  assert.deepEqual(await nextRecords(engines, keyring, 1), [{ id: 'o-1', total: 42 }])
})
