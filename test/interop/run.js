// `npm run test:interop`: the originals judge. Where a JDK 17 or newer and Maven, or Python 3.10 or newer, are not there,
// the reason is printed, and nothing fails. With --write what they found is put into docs/compatibility.md.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { prepareKcl, prepareKpl } from './java-judges.js'
import { pinnedVersion, preparePython } from './python-environment.js'

const root = resolve(import.meta.dirname, '../..')
const kclVersion = '2.7.2'
const kcl3Version = '3.5.1'
/** Of those that keep tables of their own beside the lease table. */
const kcl30Version = '3.4.2'
const kplVersion = '1.0.7'
const esdkVersion = '3.0.2'

/**
 * @typedef {{ readonly missing: string } | { readonly classpath: string } | {}} Prepared what is missing for a judge, or
 *   where it is
 *
 * @typedef {object} Check
 * @property {string} judge
 * @property {string} version
 * @property {string} what
 * @property {string} file
 * @property {readonly string[]} [options] behind the class path
 * @property {() => Prepared} prepare
 * @property {(result: Record<string, any>) => string} counts
 */

const kcl2 = once(() => prepareKcl(kclVersion))
const kcl3 = once(() => prepareKcl(kcl3Version))
const kcl30 = once(() => prepareKcl(kcl30Version))
const kpl = once(() => prepareKpl(kplVersion))
const python = once(() => {
  const missing = preparePython()
  return missing === undefined ? {} : { missing }
})

/** @type {readonly Check[]} */
const checks = [
  {
    judge: 'AWS Encryption SDK for Java',
    version: esdkVersion,
    what: 'Sealed messages in both directions: suites 0x0478 and 0x0578, one and two KMS keys, contexts beyond ASCII, 0 bytes to 1 MiB',
    file: 'messages.js',
    prepare: kcl2,
    counts: countsOfMessages
  },
  {
    judge: 'Amazon Kinesis Client Library for Java',
    version: kclVersion,
    what: 'Its workers and ours on one lease table, sealing in mode `record`: kills on both sides, each kind replaced by the other, a split and a merge; what a KCL worker reads is opened by the Encryption SDK for Java',
    file: 'mixed-fleet.js',
    prepare: kcl2,
    counts: countsOfFleet
  },
  {
    judge: 'Amazon Kinesis Client Library for Java',
    version: kclVersion,
    what: 'The same fleet, the same script, on plain aggregates',
    file: 'mixed-fleet.js',
    options: ['kcl2', 'off'],
    prepare: kcl2,
    counts: countsOfFleet
  },
  ...[
    {
      script: 'kcl3-theirs',
      what: 'Its workers and ours on one lease table by the protocol of KCL 3, sealing in mode `record`, under its leader: one of ours killed, leases handed over, a split and a merge; its leader goes, and another takes over'
    },
    {
      script: 'kcl3-theirs',
      version: kcl30Version,
      prepare: kcl30,
      what: 'The same, with its tables beside the lease table: nothing but leases in that'
    },
    {
      script: 'kcl3-ours',
      what: 'The same protocol under our leader: workers of either kind killed, the leader too; a split and a merge'
    },
    {
      script: 'kcl3-migration',
      what: 'In its mode that is compatible with KCL 2: each worker takes its leases, then the leader assigns them, then it is rolled back; kills, a split and a merge meanwhile'
    }
  ].map(({ script, what, version = kcl3Version, prepare = kcl3 }) => ({
    judge: 'Amazon Kinesis Client Library for Java',
    version,
    what,
    file: 'mixed-fleet.js',
    options: [script],
    prepare,
    counts: countsOfFleet
  })),
  ...[
    { version: kclVersion, prepare: kcl2 },
    { version: kcl3Version, prepare: kcl3 }
  ].map(built => ({
    ...built,
    judge: 'Amazon Kinesis Client Library for Java',
    what: 'It alone reads what our producer puts, plain and sealed in mode `record` (opened by the Encryption SDK for Java): explicit hash keys, a split and a merge; keys and places compared with those that our own consumer gives',
    file: 'kcl-readers.js',
    counts: countsOfReaders
  })),
  {
    judge: 'AWS Encryption SDK for Java',
    version: esdkVersion,
    what: `The example for Flink: what our producer puts in mode \`record\`, taken apart by the code of the KCL ${kclVersion} and opened as \`examples/flink\` does`,
    file: 'flink.js',
    prepare: kcl2,
    counts: ({ put, kinesisRecords, missing, refused }) =>
      `${put - missing} of ${put} records out of ${kinesisRecords} of Kinesis; those of another stream ${refused ? '' : 'not '}refused`
  },
  {
    judge: 'Amazon Kinesis Producer Library',
    version: kplVersion,
    what: 'Its records over TLS, read by our worker: random explicit hash keys, 4 bytes to 60 KB, two splits and two merges, refused entries, lost answers',
    file: 'kpl.js',
    prepare: kpl,
    counts: ({ put, read, missing, duplicates, strayDuplicates, alone, wrongShard }) =>
      `${read} of ${put} records read, ${missing} missing; bytes and keys equal, but for hash keys of ${alone} sent alone, which Kinesis does not tell; ${duplicates} duplicates, ${strayDuplicates} without a retry (${wrongShard} retries for a wrong shard)`
  },
  {
    judge: 'AWS Encryption SDK for Python',
    version: pinnedVersion('aws-encryption-sdk'),
    what: 'Sealed messages in both directions: suites 0x0478 and 0x0578, one and two KMS keys, contexts beyond ASCII, 0 bytes to 256 KiB',
    file: 'python-messages.js',
    prepare: python,
    counts: countsOfMessages
  },
  {
    judge: 'Kinesis aggregation library for Python',
    version: pinnedVersion('aws-kinesis-agg'),
    what: 'Aggregates in both directions: 1 to 500 user records of 0 to 100,000 bytes, with explicit hash keys and without, keys beyond ASCII',
    file: 'python-aggregates.js',
    prepare: python,
    counts: ({ aggregates, oursTakenApart, theirsTakenApart, sameBytes }) =>
      `${oursTakenApart} of ${aggregates} of ours taken apart, ${theirsTakenApart} of ${aggregates} of theirs; ${sameBytes} the same byte for byte`
  },
  {
    judge: 'boto3',
    version: pinnedVersion('boto3'),
    what: 'Every engine, with the defaults of its clients: calls, answers and error codes of Kinesis, DynamoDB, KMS, S3, SQS and Firehose',
    file: 'python-engines.js',
    prepare: python,
    counts: ({ passed, faults, kinesis, dynamodb, kms, s3, sqs, firehose }) =>
      `${passed} of ${passed + faults} checks: Kinesis ${kinesis}, DynamoDB ${dynamodb}, KMS ${kms}, S3 ${s3}, SQS ${sqs}, Firehose ${firehose}`
  }
]

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  /** @type {string[]} */
  const rows = []
  /** @type {Map<string, string[]>} by reason */
  const skipped = new Map()
  let failed = 0
  for (const check of checks) {
    const prepared = check.prepare()
    if ('missing' in prepared) {
      skipped.set(prepared.missing, [
        ...(skipped.get(prepared.missing) ?? []),
        `${check.judge} ${check.version}`
      ])
      continue
    }
    console.log(`interop: ${check.judge} ${check.version}: ${check.what}`)
    const { code, result } = await run(check, 'classpath' in prepared ? prepared.classpath : '')
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
  for (const [reason, judges] of skipped) {
    console.log(`interop: ${judges.length} skipped, ${reason}: ${[...new Set(judges)].join('; ')}`)
  }
  console.log(`interop: ${rows.length - failed} of ${rows.length} judges are content`)
  return failed === 0 ? 0 : 1
}

/** @param {Record<string, any>} result */
function countsOfMessages({ oursOpened, theirsOpened, messages }) {
  return `${oursOpened} of ${messages} of ours opened, ${theirsOpened} of ${messages} of theirs`
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
 * Prepares a judge when its first check comes.
 * @param {() => Prepared} prepare
 * @returns {() => Prepared}
 */
function once(prepare) {
  /** @type {Prepared | undefined} */
  let prepared
  return () => {
    prepared ??= prepare()
    return prepared
  }
}

/**
 * Runs one check, whose last line of output is its result.
 * @param {Check} check
 * @param {string} classpath
 * @returns {Promise<{ code: number | null, result: Record<string, any> | undefined }>}
 */
async function run({ file, options = [] }, classpath) {
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
