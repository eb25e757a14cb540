// `npm run test:interop`: the originals judge. Without a JDK 17 or newer and Maven the reason is printed, and nothing fails.
// With --write what they found is put into docs/compatibility.md.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { kplVersion, prepareKpl } from './prepare-kpl.js'

const root = resolve(import.meta.dirname, '../..')
const java = join(import.meta.dirname, 'java')
const kclVersion = '2.7.2'
const esdkVersion = '3.0.2'

/**
 * @typedef {object} Check
 * @property {string} judge
 * @property {string} version
 * @property {string} what
 * @property {string} file
 * @property {() => { readonly missing?: string, readonly classpath?: string }} [prepare] builds a judge apart from the others
 * @property {(result: Record<string, number>) => string} counts
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
    counts: ({ put, processed, lost, takeovers, midAggregateTakeovers }) =>
      `${processed} of ${put} records processed, ${lost} lost; ${takeovers} takeovers, ${midAggregateTakeovers} of them inside an aggregate`
  },
  {
    judge: 'Amazon Kinesis Producer Library',
    version: kplVersion,
    what: 'Its records over TLS, read by our worker: random explicit hash keys, 4 bytes to 60 KB, two splits and two merges, refused entries, lost answers',
    file: 'kpl.js',
    prepare: prepareKpl,
    counts: ({ put, read, missing, duplicates, strayDuplicates, alone, wrongShard }) =>
      `${read} of ${put} records read, ${missing} missing; bytes and keys equal, but for hash keys of ${alone} sent alone, which Kinesis does not tell; ${duplicates} duplicates, ${strayDuplicates} without a retry (${wrongShard} retries for a wrong shard)`
  }
]

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  const missing = whatIsMissing()
  if (missing !== undefined) {
    console.log(`interop: skipped, ${missing}`)
    return 0
  }
  const built = spawnSync('mvn', ['-q', '-B', `-Dkcl.version=${kclVersion}`, 'package'], {
    cwd: java,
    stdio: 'inherit'
  })
  if (built.status !== 0) {
    console.log(
      'interop: skipped, the judges could not be built: Maven found no repository, or not what it needs'
    )
    return 0
  }
  const target = join(java, 'target', `kcl-${kclVersion}`)
  const classpath = [join(target, 'judge.jar'), join(target, 'lib', '*')].join(delimiter)
  /** @type {string[]} */
  const rows = []
  let failed = 0
  let skipped = 0
  for (const check of checks) {
    console.log(`interop: ${check.judge} ${check.version}: ${check.what}`)
    const prepared = check.prepare?.() ?? { classpath }
    if (prepared.missing !== undefined) {
      console.log(`interop: skipped, ${prepared.missing}`)
      skipped += 1
      continue
    }
    const { code, result } = await run(check.file, prepared.classpath ?? '')
    const counts = result === undefined ? 'no result' : check.counts(result)
    console.log(`interop: ${code === 0 ? 'passed' : 'FAILED'}: ${counts}`)
    if (code !== 0) failed += 1
    rows.push(
      `| ${check.judge} | ${check.version} | ${check.what} | ${code === 0 ? counts : `**failed**: ${counts}`} |`
    )
  }
  if (process.argv.includes('--write')) write(rows)
  console.log(`interop: ${checks.length - skipped - failed} of ${checks.length - skipped} judges are content`)
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
 * Runs one check, whose last line of output is its result.
 * @param {string} file
 * @param {string} classpath
 * @returns {Promise<{ code: number | null, result: Record<string, number> | undefined }>}
 */
async function run(file, classpath) {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), classpath], {
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
