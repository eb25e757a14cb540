import { clientOptions, startServerProcess } from './server-process.js'

/**
 * Name of a stream that has so many open shards of equal width; its engine keeps no state, so the name says it.
 * @param {number} shardCount
 * @param {string} [kind] tells streams apart that are filled with different records
 */
export function loopbackStream(shardCount, kind) {
  return kind === undefined ? `loopback-${shardCount}` : `loopback-${shardCount}-${kind}`
}

/**
 * Starts the service in a process of its own, so that its CPU is not counted as its client's. It listens on the
 * loopback interface only and ends when it is closed, or when this process does.
 * @returns {Promise<{
 *   readonly clientConfig: import('@aws-sdk/client-kinesis').KinesisClientConfig,
 *   fill(filling: import('./loopback-shards.js').Filling): Promise<number>,
 *   close(): Promise<void>
 * }>} `fill` puts records into the shards of a stream, for readers, and tells how many user records each Kinesis record
 *   holds on average; one at a time
 */
export async function startLoopbackKinesis() {
  const { address, ask, close } = await startServerProcess('loopback-kinesis-server.js')
  return {
    clientConfig: { ...clientOptions, endpoint: address },
    async fill(filling) {
      const { userRecordsPerRecord } = await ask(filling)
      return userRecordsPerRecord
    },
    close
  }
}
