// The function of a Kinesis event source. It needs kms:Decrypt on the key, and FunctionResponseTypes
// ['ReportBatchItemFailures'] at the event source mapping.
import { kmsKeyring } from 'sealstream/crypto'
import { kinesisHandler } from 'sealstream/lambda'

export const handler = kinesisHandler({
  open: { keyring: kmsKeyring({ keyId: process.env.ORDERS_KEY ?? 'alias/orders' }) },
  eachRecord: async (record, { shardId }) => {
    const order = JSON.parse(new TextDecoder().decode(record.data))
    if (order.total < 0) throw new RangeError('total below 0')
    console.log(`order ${record.sequenceNumber}.${record.subSequenceNumber} of ${shardId}`)
  },
  // They were processed, and come again behind a failure inside of their aggregate.
  onComeAgain: records => console.log(`${records.length} come again`)
})
