// `npm run test:interop`: the originals judge. Where a JDK 17 or newer and Maven, or Python 3.10 or newer, are not there,
// the reason is printed, and nothing fails. With --write what they found is put into docs/compatibility.md.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { pinnedVersion, preparePython } from './python-environment.js'

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
 * @property {'java' | 'python'} language
 * @property {(result: Record<string, number>) => string} counts
 */

/** @type {readonly Check[]} */
const checks = [
  {
    judge: 'AWS Encryption SDK for Java',
    version: esdkVersion,
    what: 'Sealed messages in both directions: suites 0x0478 and 0x0578, one and two KMS keys, contexts beyond ASCII, 0 bytes to 1 MiB',
    file: 'messages.js',
    language: 'java',
    counts: countsOfMessages
  },
  {
    judge: 'Amazon Kinesis Client Library for Java',
    version: kclVersion,
    what: 'Its workers and ours on one lease table, sealing in mode `record`: kills on both sides, each kind replaced by the other, a split and a merge; what a KCL worker reads is opened by the Encryption SDK for Java',
    file: 'mixed-fleet.js',
    language: 'java',
    counts: ({ put, processed, lost, takeovers, midAggregateTakeovers }) =>
      `${processed} of ${put} records processed, ${lost} lost; ${takeovers} takeovers, ${midAggregateTakeovers} of them inside an aggregate`
  },
  {
    judge: 'AWS Encryption SDK for Python',
    version: pinnedVersion('aws-encryption-sdk'),
    what: 'Sealed messages in both directions: suites 0x0478 and 0x0578, one and two KMS keys, contexts beyond ASCII, 0 bytes to 256 KiB',
    file: 'python-messages.js',
    language: 'python',
    counts: countsOfMessages
  },
  {
    judge: 'Kinesis aggregation library for Python',
    version: pinnedVersion('aws-kinesis-agg'),
    what: 'Aggregates in both directions: 1 to 500 user records of 0 to 100,000 bytes, with explicit hash keys and without, keys beyond ASCII',
    file: 'python-aggregates.js',
    language: 'python',
    counts: ({ aggregates, oursTakenApart, theirsTakenApart, sameBytes }) =>
      `${oursTakenApart} of ${aggregates} of ours taken apart, ${theirsTakenApart} of ${aggregates} of theirs; ${sameBytes} the same byte for byte`
  },
  {
    judge: 'boto3',
    version: pinnedVersion('boto3'),
    what: 'Every engine, with the defaults of its clients: calls, answers and error codes of Kinesis, DynamoDB, KMS, S3, SQS and Firehose',
    file: 'python-engines.js',
    language: 'python',
    counts: ({ passed, faults, kinesis, dynamodb, kms, s3, sqs, firehose }) =>
      `${passed} of ${passed + faults} checks: Kinesis ${kinesis}, DynamoDB ${dynamodb}, KMS ${kms}, S3 ${s3}, SQS ${sqs}, Firehose ${firehose}`
  }
]

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  const ready = { java: prepareJava(), python: { missing: preparePython() } }
  /** @type {string[]} */
  const rows = []
  let failed = 0
  for (const check of checks) {
    const { missing, classpath = '' } = ready[check.language]
    if (missing !== undefined) {
      console.log(`interop: ${check.judge} skipped, ${missing}`)
      continue
    }
    console.log(`interop: ${check.judge} ${check.version}: ${check.what}`)
    const { code, result } = await run(check.file, classpath)
    const counts = result === undefined ? 'no result' : check.counts(result)
    console.log(`interop: ${code === 0 ? 'passed' : 'FAILED'}: ${counts}`)
    if (code !== 0) failed += 1
    rows.push(
      `| ${check.judge} | ${check.version} | ${check.what} | ${code === 0 ? counts : `**failed**: ${counts}`} |`
    )
  }
  if (process.argv.includes('--write')) {
    // A table without the judges that were not there would say less than the one in the file.
    if (rows.length === checks.length) write(rows)
    else console.log('interop: not written, not all judges are there')
  }
  console.log(`interop: ${rows.length - failed} of ${rows.length} judges are content`)
  return failed === 0 ? 0 : 1
}

/** @returns {{ missing?: string, classpath?: string }} */
function prepareJava() {
  const missing = missingForJava()
  if (missing !== undefined) return { missing }
  const built = spawnSync('mvn', ['-q', '-B', `-Dkcl.version=${kclVersion}`, 'package'], {
    cwd: java,
    stdio: 'inherit'
  })
  if (built.status !== 0) {
    return { missing: 'the judges could not be built: Maven found no repository, or not what it needs' }
  }
  const target = join(java, 'target', `kcl-${kclVersion}`)
  return { classpath: [join(target, 'judge.jar'), join(target, 'lib', '*')].join(delimiter) }
}

/** Undefined when everything is there. */
function missingForJava() {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  if (status !== 0 || major < 17) return 'there is no JDK 17 or newer'
  return spawnSync('mvn', ['-v']).status === 0 ? undefined : 'there is no Maven'
}

/** @param {Record<string, number>} result */
function countsOfMessages({ oursOpened, theirsOpened, messages }) {
  return `${oursOpened} of ${messages} of ours opened, ${theirsOpened} of ${messages} of theirs`
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
