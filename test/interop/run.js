// `npm run test:interop`: the originals judge. Without a JDK 17 or newer and Maven the reason is printed, and nothing fails.
// With --write what they found is put into docs/compatibility.md.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const java = join(import.meta.dirname, 'java')
const kclVersion = '2.7.2'
const kcl3Version = '3.5.1'
const esdkVersion = '3.0.2'

/**
 * @typedef {object} Check
 * @property {string} judge
 * @property {string} version
 * @property {string} what
 * @property {string} file
 * @property {readonly string[]} [options] behind the class path
 * @property {string} [kcl] version that the judge is built with, if not the first
 * @property {(result: Record<string, any>) => string} counts
 */

/** @type {readonly Check[]} */
const checks = [
  {
    judge: 'AWS Encryption SDK for Java',
    version: esdkVersion,
    what: 'Sealed messages in both directions: suites 0x0478 and 0x0578, one and two KMS keys, contexts beyond ASCII, 0 bytes to 1 MiB',
    file: 'messages.js',
    counts: ({ oursOpenedByJava, javasOpenedByUs, messages }) =>
      `${oursOpenedByJava} of ${messages} of ours opened, ${javasOpenedByUs} of ${messages} of theirs`
  },
  {
    judge: 'Amazon Kinesis Client Library for Java',
    version: kclVersion,
    what: 'Its workers and ours on one lease table, sealing in mode `record`: kills on both sides, each kind replaced by the other, a split and a merge; what a KCL worker reads is opened by the Encryption SDK for Java',
    file: 'mixed-fleet.js',
    counts: countsOfFleet
  },
  {
    judge: 'Amazon Kinesis Client Library for Java',
    version: kclVersion,
    what: 'The same fleet, the same script, on plain aggregates',
    file: 'mixed-fleet.js',
    options: ['off'],
    counts: countsOfFleet
  },
  ...[kclVersion, kcl3Version].map(version => ({
    judge: 'Amazon Kinesis Client Library for Java',
    version,
    what: 'It alone reads what our producer puts, plain and sealed in mode `record` (opened by the Encryption SDK for Java): explicit hash keys, a split and a merge; keys and places compared with those that our own consumer gives',
    file: 'kcl-readers.js',
    kcl: version,
    counts: countsOfReaders
  }))
]

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  const missing = whatIsMissing()
  if (missing !== undefined) {
    console.log(`interop: skipped, ${missing}`)
    return 0
  }
  const built = [kclVersion, kcl3Version].filter(build)
  /** @type {string[]} */
  const rows = []
  let failed = 0
  for (const check of checks) {
    console.log(`interop: ${check.judge} ${check.version}: ${check.what}`)
    if (!built.includes(check.kcl ?? kclVersion)) {
      console.log(
        'interop: skipped, the judge could not be built: Maven found no repository, or not what it needs'
      )
      continue
    }
    const { code, result } = await run(check)
    const counts = result === undefined ? 'no result' : check.counts(result)
    console.log(`interop: ${code === 0 ? 'passed' : 'FAILED'}: ${counts}`)
    if (code !== 0) failed += 1
    rows.push(
      `| ${check.judge} | ${check.version} | ${check.what} | ${code === 0 ? counts : `**failed**: ${counts}`} |`
    )
  }
  if (process.argv.includes('--write')) write(rows)
  console.log(`interop: ${rows.length - failed} of ${rows.length} judges are content`)
  return failed === 0 ? 0 : 1
}

/** Undefined when everything is there. */
function whatIsMissing() {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  if (status !== 0 || major < 17) return 'there is no JDK 17 or newer'
  return spawnSync('mvn', ['-v']).status === 0 ? undefined : 'there is no Maven'
}

/**
 * Builds the judges, each version of the KCL beside the other.
 * @param {string} version
 */
function build(version) {
  const { status } = spawnSync('mvn', ['-q', '-B', `-Dkcl.version=${version}`, 'package'], {
    cwd: java,
    stdio: 'inherit'
  })
  return status === 0
}

/** @param {Record<string, any>} result */
function countsOfFleet({ put, processed, byTheKcl, lost, takeovers, midAggregateTakeovers, ...table }) {
  return [
    `${processed} of ${put} records processed, ${byTheKcl} of them by the KCL, ${lost} lost`,
    `${takeovers} takeovers, ${midAggregateTakeovers} of them inside an aggregate`,
    `${table.leaseMoves} moves of leases, of one at most ${table.mostMovesOfOneLease} (the script explains ${table.movesAllowed}), ${table.checkpointsBack} checkpoints back`
  ].join('; ')
}

/** @param {Record<string, any>} result */
function countsOfReaders({ plain, sealed }) {
  return Object.entries({ plain, sealed })
    .map(
      ([name, { put, read, altered, insideAggregates, given, samePlace }]) =>
        `${name}: ${read} of ${put} records, ${altered} altered, ${samePlace} of ${given} at the same place, ${insideAggregates} of them inside an aggregate`
    )
    .join('; ')
}

/**
 * Runs one check, whose last line of output is its result.
 * @param {Check} check
 * @returns {Promise<{ code: number | null, result: Record<string, number> | undefined }>}
 */
async function run({ file, options = [], kcl = kclVersion }) {
  const target = join(java, 'target', `kcl-${kcl}`)
  const classpath = [join(target, 'judge.jar'), join(target, 'lib', '*')].join(delimiter)
  const child = spawn(process.execPath, [join(import.meta.dirname, file), classpath, ...options], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
    process.stdout.write(chunk)
  })
  /** @type {number | null} */
  const code = await new Promise(done => child.once('close', done))
  try {
    return { code, result: JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') }
  } catch {
    return { code: code === 0 ? 1 : code, result: undefined }
  }
}

/** @param {readonly string[]} rows */
function write(rows) {
  const file = join(root, 'docs/compatibility.md')
  const text = readFileSync(file, 'utf8')
  const [before, after] = text.split(/<!-- verdicts -->[\s\S]*<!-- end of verdicts -->/)
  const table = ['| judge | version | what it judged | verdict |', '|---|---|---|---|', ...rows].join('\n')
  const day = new Date().toISOString().slice(0, 10)
  writeFileSync(
    file,
    `${before}<!-- verdicts -->\n\nOn ${day}, by \`npm run test:interop -- --write\`:\n\n${table}\n\n<!-- end of verdicts -->${after}`
  )
}
