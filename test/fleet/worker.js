// One worker of the fleet, in a process of its own. It keeps a log of what its record processors did, line by line, each
// written before the next step, so that a killed process leaves the truth behind.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'sealstream/consumer'
import { kmsKeyring } from 'sealstream/crypto'

const { workerId, plan, clientConfigs, log } = JSON.parse(process.argv[2] ?? '{}')
const file = openSync(log, 'a')
const note = (/** @type {object} */ entry) =>
  void writeSync(file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`)
/** Few enough that checkpoints fall into the middle of aggregates, and slow enough that a kill falls between them. */
const checkpointEvery = 17
const workMs = 15

const worker = new Worker({
  workerId,
  applicationName: plan.consumer.applicationName,
  streamName: plan.stream.name,
  initialPosition: 'TRIM_HORIZON',
  failoverTimeMs: plan.consumer.failoverTimeMs,
  idleTimeBetweenReadsMs: plan.consumer.idleTimeBetweenReadsMs,
  foreignWorkers: plan.consumer.foreignWorkers,
  leaseProtocol: plan.consumer.leaseProtocol,
  createTable: true,
  kinesis: { clientConfig: clientConfigs.kinesis },
  dynamodb: { clientConfig: clientConfigs.dynamodb },
  ...(plan.sealing.mode === 'off'
    ? {}
    : {
        open: {
          keyring: kmsKeyring({ keyId: plan.sealing.keyId, clientConfig: clientConfigs.kms }),
          context: { pipeline: plan.name }
        }
      }),
  onEvent: event => {
    if (event.type === 'leaseLost' || event.type === 'leaseReleased') note(event)
  },
  processor: ({ shardId }) => ({
    initialize: ({ checkpoint }) => note({ type: 'initialize', shardId, ...checkpoint }),
    async processRecords({ records, checkpointer, signal }) {
      for (let from = 0; from < records.length; from += checkpointEvery) {
        signal.throwIfAborted()
        const part = records.slice(from, from + checkpointEvery)
        note({
          type: 'process',
          shardId,
          records: part.map(({ data, sequenceNumber, subSequenceNumber }) => [
            Buffer.from(data).toString('utf8'),
            sequenceNumber,
            subSequenceNumber
          ])
        })
        // The last checkpoint lies inside of an aggregate: whoever takes over now begins there.
        if (from > 0 && records[from - 1].sequenceNumber === part[0].sequenceNumber) process.send?.('inside')
        await sleep(workMs)
        await checkpointer.checkpoint(part.at(-1))
      }
    },
    shutdownRequested: ({ checkpointer }) => checkpointer.checkpoint()
  })
})

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('disconnect', () => process.exit(1))
await worker.run({ signal: stop.signal })
note({ type: 'ended', stats: worker.stats })
process.disconnect?.()
