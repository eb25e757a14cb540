// Usage: npm run bench -- [part of a file's name] [--json]
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, measureGroup } from './measure.js'
import { groupLines, machineLines } from './report.js'

const suffix = '.bench.js'
const effort = { samples: 15, sampleMs: 40, warmUpMs: 200 }

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
  const names = all.filter(name => usage.parts.length === 0 || usage.parts.some(part => name.includes(part)))
  if (names.length === 0) {
    console.error(`no bench is named like ${usage.parts.join(', ')}; there are: ${all.join(', ')}`)
    return 2
  }
  const say = usage.json
    ? () => {}
    : (/** @type {readonly string[]} */ lines) => console.log(lines.join('\n'))
  const report = { machine: machine(), effort, benches: /** @type {object[]} */ ([]), elapsedMs: 0 }
  say(machineLines(report.machine, effort))
  const from = performance.now()
  for (const name of names) report.benches.push(await runBench(name, say))
  report.elapsedMs = Math.round(performance.now() - from)
  say(['', `${(report.elapsedMs / 1_000).toFixed(1)} s`])
  if (usage.json) console.log(JSON.stringify(report))
  return 0
}

/**
 * @param {string} name
 * @param {(lines: readonly string[]) => void} say
 */
async function runBench(name, say) {
  const { prepare } = await import(`./${name}${suffix}`)
  /** @type {import('./measure.js').Bench} */
  const { groups, notes = [], finish } = await prepare()
  say(['', name, ...notes.map(note => `  - ${note}`)])
  const results = []
  for (const group of groups) {
    const result = await measureGroup(group, effort)
    results.push(result)
    say(groupLines(result))
  }
  await finish?.()
  return { name, notes, groups: results }
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true
    })
    return { json: values.json, parts: positionals }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nusage: run.js [name ...] [--json]`)
    return undefined
  }
}
