// Reads what devices sealed. A device whose key is not given any more is refused: its records are dead-lettered as they
// came, and those of the others go on.
import { Worker } from 'sealstream/consumer'
import { rawAesKeyring, tenantKeyring } from 'sealstream/crypto'

/**
 * @param {object} given
 * @param {(id: string) => Uint8Array | undefined} given.keyOf undefined for a device that is not known, or not any more
 * @param {(id: string, reading: object) => unknown} given.onReading
 * @param {Partial<import('sealstream/consumer').WorkerOptions>} given.options
 */
export function createReadingsWorker({ keyOf, onReading, options }) {
  const keyringOf = (/** @type {string} */ id) => {
    const key = keyOf(id)
    return key === undefined ? undefined : rawAesKeyring({ namespace: 'meters', name: id, key })
  }
  return new Worker({
    applicationName: 'readings',
    streamName: 'readings',
    initialPosition: 'TRIM_HORIZON',
    open: { keyring: tenantKeyring({ keyringOf }), context: { pipeline: 'meters' } },
    eachRecord: ({ partitionKey, data }) =>
      onReading(partitionKey, JSON.parse(new TextDecoder().decode(data))),
    ...options
  })
}
