// How long the embedded engines take from nothing: a process of Node of their own, the code loaded, the ports open.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startLocal } from 'sealstream/local'
import { rounded } from './report.js'

const baseline = 'node alone'
const folder = fileURLToPath(new URL('.', import.meta.url))

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  return {
    notes: [
      'starts a second, each in a new process from its birth to its end; in the JSON milliseconds for one',
      `"${baseline}" is a process that does nothing: what is above it is the engines'`,
      '"started before": in a process that has loaded the code, as the second file of tests in a worker'
    ],
    groups: [
      {
        name: 'start of the engines',
        unit: 'starts',
        baseline,
        iterations: 2,
        cases: [
          { name: baseline, run: inProcesses('') },
          { name: 'all engines', run: inProcesses(starting('{}')) },
          {
            name: 'all engines, search and hec',
            run: inProcesses(starting("{ receivers: ['search', 'hec'] }"))
          },
          { name: 'kinesis alone', run: inProcesses(starting("{ services: ['kinesis'] }")) },
          { name: 'started before', run: inThisProcess }
        ]
      }
    ],
    rowOf: (_, { cases }) =>
      cases.map(({ name, opsPerSecond }) => ({
        case: name,
        ms: rounded(1_000 / opsPerSecond.median, 1)
      }))
  }
}

/** @param {string} options */
function starting(options) {
  return `
    import { startLocal } from 'sealstream/local'
    const { endpoint, close } = await startLocal(${options})
    if (!endpoint.startsWith('http://')) process.exitCode = 1
    await close()`
}

/**
 * @param {string} code
 * @returns {(iterations: number) => Promise<void>}
 */
function inProcesses(code) {
  return async iterations => {
    for (let count = 0; count < iterations; count += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
        cwd: folder,
        stdio: 'inherit'
      })
      const [exitCode] = await once(child, 'exit')
      if (exitCode !== 0) throw new Error(`the engines ended with ${exitCode}`)
    }
  }
}

/** @param {number} iterations */
async function inThisProcess(iterations) {
  for (let count = 0; count < iterations; count += 1) {
    const { close } = await startLocal()
    await close()
  }
}
