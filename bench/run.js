// Usage: npm run bench -- [--suite NAME] [--json] [--soak SECONDS] [--handover RUNS]
// With --json the last line of each suite is JSON. With --soak the suite runs for that long instead of being measured,
// and prints one line of JSON. --handover says how often the suite `consumer` stops and kills a worker.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, measureGroup } from './measure.js'
import { groupLines, machineLines } from './report.js'

const suffix = '.bench.js'
// A sample must span several collections: a case that leaves less garbage would otherwise not pay for its own.
const effort = { samples: 7, sampleMs: 250, warmUpMs: 200 }

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  const usage = readArguments()
  if (usage === undefined) return 2
  const all = readdirSync(import.meta.dirname)
    .filter(file => file.endsWith(suffix))
    .map(file => file.slice(0, -suffix.length))
    .sort()
  const names = all.filter(name => usage.suite === undefined || name === usage.suite)
  if (names.length === 0) {
    console.error(`there is no suite ${usage.suite}; there are: ${all.join(', ')}`)
    return 2
  }
  if (usage.soakSeconds !== undefined) return soak(names, usage.soakSeconds)
  console.log(machineLines(machine(), effort).join('\n'))
  for (const name of names) {
    const suite = await runSuite(name, usage)
    if (usage.json) console.log(JSON.stringify(suite))
  }
  return 0
}

/**
 * @param {string} name
 * @param {import('./measure.js').BenchOptions} options
 */
async function runSuite(name, options) {
  const { prepare } = await import(`./${name}${suffix}`)
  /** @type {import('./measure.js').Bench} */
  const { groups, notes = [], rowOf, summary, finish } = await prepare(options)
  console.log(['', name, ...notes.map(note => `  - ${note}`)].join('\n'))
  const rows = []
  const measured = []
  for (const each of groups) {
    const group = typeof each === 'function' ? await each() : each
    const result = await measureGroup(group, effort)
    rows.push(...[rowOf?.(group, result) ?? result].flat())
    measured.push({ group, result })
    console.log(groupLines(result).join('\n'))
  }
  const summed = await summary?.(measured)
  await finish?.()
  return { suite: name, machine: machine(), rows, ...summed }
}

/**
 * @param {readonly string[]} names
 * @param {number} seconds
 * @returns {Promise<number>} exit code
 */
async function soak(names, seconds) {
  const [name] = names
  const { soak: run } = names.length === 1 ? await import(`./${name}${suffix}`) : {}
  if (run === undefined) {
    console.error('--soak goes with the one --suite that can be soaked')
    return 2
  }
  console.log(JSON.stringify({ suite: name, machine: machine(), soak: await run(seconds) }))
  return 0
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        suite: { type: 'string' },
        soak: { type: 'string' },
        handover: { type: 'string', default: '3' }
      }
    })
    const soakSeconds = values.soak === undefined ? undefined : Number(values.soak)
    if (soakSeconds !== undefined && !(soakSeconds > 0)) throw new Error('--soak: expected seconds above 0')
    const handoverRuns = Number(values.handover)
    if (!(Number.isInteger(handoverRuns) && handoverRuns > 0))
      throw new Error('--handover: expected runs above 0')
    return { ...values, soakSeconds, handoverRuns }
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}\nusage: run.js [--suite NAME] [--json] [--soak SECONDS] [--handover RUNS]`
    )
    return undefined
  }
}
