import { Worker } from 'sealstream/consumer'

/**
 * Reads the stream `orders` until `count` records have come.
 * @param {import('sealstream/testing').LocalServices} engines
 * @param {import('sealstream/crypto').Keyring} keyring
 * @param {number} count
 * @returns {Promise<unknown[]>} the records, parsed
 */
export async function nextRecords(engines, keyring, count) {
  const done = new AbortController()
  /** @type {unknown[]} */
  const records = []
  const worker = new Worker({
    applicationName: 'orders-test',
    streamName: 'orders',
    initialPosition: 'TRIM_HORIZON',
    idleTimeBetweenReadsMs: 200,
    createTable: true,
    kinesis: { clientConfig: engines.clientConfig('kinesis') },
    dynamodb: { clientConfig: engines.clientConfig('dynamodb') },
    open: { keyring },
    eachBatch: batch => {
      for (const { data } of batch) records.push(JSON.parse(Buffer.from(data).toString('utf8')))
      if (records.length >= count) done.abort()
    }
  })
  await worker.run({ signal: AbortSignal.any([done.signal, AbortSignal.timeout(30_000)]) })
  return records
}
