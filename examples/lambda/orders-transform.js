// The transformation function of a delivery stream that reads the stream and writes to S3 without dynamic partitioning.
// It needs kms:Decrypt on the key.
import { kmsKeyring } from 'sealstream/crypto'
import { firehoseTransform } from 'sealstream/lambda'

export const handler = firehoseTransform({
  destination: 's3',
  framing: 'ndjson',
  open: { keyring: kmsKeyring({ keyId: process.env.ORDERS_KEY ?? 'alias/orders' }) },
  transform: ({ data }) => {
    const { card, ...order } = JSON.parse(new TextDecoder().decode(data))
    return order.isTest ? 'Dropped' : new TextEncoder().encode(JSON.stringify(order))
  }
})
