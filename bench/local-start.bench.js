// How long the embedded engines take from nothing: a process of Node of their own, the code loaded, the ports open.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startLocal } from 'sealstream/local'
import { EngineStartError } from 'sealstream/testing'
import { rounded } from './report.js'

const baseline = 'node alone'
const folder = fileURLToPath(new URL('.', import.meta.url))

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  const missing = await whatRedshiftLacks()
  return {
    notes: [
      'starts a second, each in a new process from its birth to its end; in the JSON milliseconds for one',
      `"${baseline}" is a process that does nothing: what is above it is the engines'`,
      '"started before": in a process that has loaded the code, as the second file of tests in a worker',
      missing === undefined
        ? '"redshift": with a PostgreSQL of its own, made and started, up to the answer to its first query'
        : `no "redshift": ${missing}`
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
          ...(missing === undefined
            ? [
                {
                  name: 'all engines, redshift',
                  run: inProcesses(
                    starting("{ receivers: ['redshift'] }", "await redshift.query('select 1')")
                  )
                }
              ]
            : []),
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

/**
 * Why the receiver cannot be started here; undefined when it can.
 * @returns {Promise<string | undefined>}
 */
async function whatRedshiftLacks() {
  try {
    const { close } = await startLocal({ services: ['s3'], receivers: ['redshift'] })
    await close()
    return undefined
  } catch (error) {
    if (error instanceof EngineStartError && error.reason === 'package-missing') return error.message
    throw error
  }
}

/**
 * @param {string} options
 * @param {string} [use] what is done before the end
 */
function starting(options, use = '') {
  return `
    import { startLocal } from 'sealstream/local'
    const { endpoint, redshift, close } = await startLocal(${options})
    if (!endpoint.startsWith('http://')) process.exitCode = 1
    ${use}
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
