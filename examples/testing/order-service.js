// A service like yours: it knows nothing of tests and takes what it needs from outside.
import { Producer } from 'sealstream/producer'

/**
 * @param {import('@aws-sdk/client-kinesis').KinesisClientConfig} clientConfig
 * @param {import('sealstream/crypto').Keyring} keyring
 */
export function createOrderService(clientConfig, keyring) {
  const producer = new Producer({ streamName: 'orders', clientConfig, seal: { keyring } })
  return {
    /** @param {{ readonly id: string, readonly total: number }} order */
    place: order => producer.put({ partitionKey: order.id, data: Buffer.from(JSON.stringify(order)) }),
    close: () => producer.close()
  }
}
