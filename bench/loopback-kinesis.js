import { fork } from 'node:child_process'
import { once } from 'node:events'

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
  const child = fork(new URL('loopback-kinesis-server.js', import.meta.url), { execArgv: [] })
  const exited = once(child, 'exit')
  const endpoint = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    exited.then(() => reject(new Error('the loopback service ended before it listened')), reject)
  })
  // A bench that fails half-way ends all the same; the child sees the channel close.
  child.unref()
  child.channel?.unref()
  return {
    clientConfig: {
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' }
    },
    async fill(filling) {
      const filled = once(child, 'message')
      // Nothing else may be under way that keeps this process.
      child.channel?.ref()
      child.send(filling)
      const [{ userRecordsPerRecord }] = await Promise.race([
        filled,
        exited.then(() => Promise.reject(new Error('the loopback service ended while a stream was filled')))
      ])
      child.channel?.unref()
      return userRecordsPerRecord
    },
    async close() {
      if (child.connected) child.disconnect()
      child.ref()
      await exited
    }
  }
}
