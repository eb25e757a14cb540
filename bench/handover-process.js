// A worker in a process of its own, as a deployment runs it: it tells of every batch, and ends on SIGTERM. Forked by
// handover.js.
import { Worker } from 'sealstream/consumer'

const { clientConfigs, ...settings } = JSON.parse(process.argv[2] ?? '{}')

const worker = new Worker({
  ...settings,
  initialPosition: 'TRIM_HORIZON',
  createTable: true,
  kinesis: { clientConfig: clientConfigs.kinesis },
  dynamodb: { clientConfig: clientConfigs.dynamodb },
  eachBatch: (_, { shardId }) => void process.send?.(shardId)
})

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// Whoever started it is gone.
process.on('disconnect', () => process.exit())
await worker.run({ signal: stop.signal })
process.disconnect?.()
