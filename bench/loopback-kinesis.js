import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Name of a stream that has so many open shards of equal width; its engine keeps no state, so the name says it. */
export function loopbackStream(/** @type {number} */ shardCount) {
  return `loopback-${shardCount}`
}

/**
 * Starts the service in a process of its own, so that its CPU is not counted as the producer's. It listens on the
 * loopback interface only and ends when it is closed, or when this process does.
 * @returns {Promise<{
 *   readonly clientConfig: import('@aws-sdk/client-kinesis').KinesisClientConfig,
 *   close(): Promise<void>
 * }>}
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
    async close() {
      if (child.connected) child.disconnect()
      child.ref()
      await exited
    }
  }
}
