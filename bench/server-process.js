import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * @typedef {object} ServerProcess A server in a process of its own, so that its CPU is not that of what is measured.
 * @property {any} address what it sent first
 * @property {(message: any) => Promise<any>} ask sends a message, and resolves with the answer
 * @property {() => Promise<void>} close
 */

/** What the SDK's clients of a bench have in common. */
export const clientOptions = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' }
}

/**
 * @param {string} script beside this file; sends its address when it listens, and ends when the channel closes
 * @param {readonly string[]} [args]
 * @returns {Promise<ServerProcess>}
 */
export async function startServerProcess(script, args = []) {
  const child = fork(new URL(script, import.meta.url), args, { execArgv: [] })
  const exited = once(child, 'exit')
  const address = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    exited.then(() => reject(new Error('the server ended before it listened')), reject)
  })
  // A bench that fails half-way ends all the same; the child sees the channel close.
  child.unref()
  child.channel?.unref()
  return {
    address,
    async ask(message) {
      const answered = once(child, 'message')
      // Nothing else may be under way that keeps this process.
      child.channel?.ref()
      child.send(message)
      const [answer] = await Promise.race([
        answered,
        exited.then(() => Promise.reject(new Error('the server ended before it answered')))
      ])
      child.channel?.unref()
      return answer
    },
    async close() {
      if (child.connected) child.disconnect()
      child.ref()
      await exited
    }
  }
}
