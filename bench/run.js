// Usage: npm run bench -- [--suite NAME] [--json]; with --json the last line of each suite is JSON
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
  console.log(machineLines(machine(), effort).join('\n'))
  for (const name of names) {
    const suite = await runSuite(name)
    if (usage.json) console.log(JSON.stringify(suite))
  }
  return 0
}

/** @param {string} name */
async function runSuite(name) {
  const { prepare } = await import(`./${name}${suffix}`)
  /** @type {import('./measure.js').Bench} */
  const { groups, notes = [], rowOf, finish } = await prepare()
  console.log(['', name, ...notes.map(note => `  - ${note}`)].join('\n'))
  const rows = []
  for (const each of groups) {
    const group = typeof each === 'function' ? await each() : each
    const result = await measureGroup(group, effort)
    rows.push(rowOf?.(group, result) ?? result)
    console.log(groupLines(result).join('\n'))
  }
  await finish?.()
  return { suite: name, machine: machine(), rows }
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { json: { type: 'boolean', default: false }, suite: { type: 'string' } }
    })
    return values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nusage: run.js [--suite NAME] [--json]`)
    return undefined
  }
}
