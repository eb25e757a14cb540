// `npm run test:conformance`: the suite on every engine that can be had, and what came of it as a table.
//
// Our engines always; kinesis-local from its npm package; LocalStack when SEALSTREAM_ENDPOINT says where it is. With
// `--write` the table of docs/engines.md is written anew; the column of an engine that did not run stays as it was.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
let failures = 0
const page = join(root, 'docs/engines.md')
const folder = mkdtempSync(join(tmpdir(), 'sealstream-conformance-'))

/**
 * How long it takes over changes of a stream's status; half a second each by default. Those of consumers stay: done in a
 * millisecond, some of them are lost.
 */
const durations = [
  'CREATE_STREAM',
  'DELETE_STREAM',
  'MERGE_SHARDS',
  'SPLIT_SHARD',
  'START_STREAM_ENCRYPTION',
  'STOP_STREAM_ENCRYPTION',
  'UPDATE_SHARD_COUNT'
]

/** @typedef {Record<string, { title: string, result: string }>} Results */

try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  /** @type {Record<string, Results | undefined>} */
  const columns = {
    embedded: runSuite('embedded', undefined),
    'kinesis-local': await onKinesisLocal(),
    localstack: process.env.SEALSTREAM_ENDPOINT && runSuite('localstack', process.env.SEALSTREAM_ENDPOINT)
  }
  const table = tableOf(columns)
  console.log(table)
  const text = readFileSync(page, 'utf8')
  const written = text.replace(/(<!-- conformance -->\n)[\s\S]*(<!-- \/conformance -->)/, `$1${table}$2`)
  if (process.argv.includes('--write')) writeFileSync(page, written)
  else if (written !== text) {
    console.error('docs/engines.md says otherwise: npm run test:conformance -- --write')
    failures += 1
  }
  return failures > 0 ? 1 : 0
}

/**
 * @param {string} engine
 * @param {string | undefined} endpoint
 * @returns {Results}
 */
function runSuite(engine, endpoint) {
  const file = join(folder, `${engine}.json`)
  const { SEALSTREAM_ENDPOINT: _, ...rest } = process.env
  const env = {
    ...rest,
    SEALSTREAM_TEST_ENGINE: engine,
    SEALSTREAM_CONFORMANCE_RESULTS: file,
    ...(endpoint === undefined ? {} : { SEALSTREAM_ENDPOINT: endpoint })
  }
  const { status } = spawnSync('npx', ['vitest', 'run', 'test/conformance', '-t', 'conformance of'], {
    cwd: root,
    stdio: 'inherit',
    env
  })
  if (status !== 0) failures += 1
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** Starts the package, runs the suite, and ends it hard: it would wait half a minute to end by itself. */
async function onKinesisLocal() {
  const [tls, plain] = [await freePort(), await freePort()]
  const modules = join(root, 'node_modules/kinesis-local')
  const server = spawn(process.execPath, [join(modules, 'main.js')], {
    stdio: 'ignore',
    env: {
      ...process.env,
      KINESIS_MOCK_CERT_PATH: join(modules, 'server.json'),
      KINESIS_MOCK_TLS_PORT: String(tls),
      KINESIS_MOCK_PLAIN_PORT: String(plain),
      LOG_LEVEL: 'ERROR',
      SHARD_LIMIT: '10000',
      ...Object.fromEntries(durations.map(name => [`${name}_DURATION`, '1ms']))
    }
  })
  const ended = once(server, 'exit')
  try {
    const endpoint = `http://127.0.0.1:${plain}`
    await untilHealthy(`${endpoint}/healthcheck`)
    return runSuite('kinesis-local', endpoint)
  } finally {
    server.kill('SIGKILL')
    await ended
  }
}

/** @param {string} url */
async function untilHealthy(url) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const isHealthy = await fetch(url).then(
      ({ ok }) => ok,
      () => false
    )
    if (isHealthy) return
    await new Promise(done => setTimeout(done, 100))
  }
  throw new Error(`${url} did not answer within 30 s`)
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** @param {Record<string, Results | undefined>} columns */
function tableOf(columns) {
  const before = readFileSync(page, 'utf8')
  const engines = Object.keys(columns)
  const lines = Object.entries(/** @type {Results} */ (columns.embedded)).map(([id, { title }]) => {
    const row = new RegExp(`^\\| \`${id.replaceAll('.', '\\.')}\` \\|(.*)\\|$`, 'm').exec(before)
    const kept = row?.[1]?.split('|').slice(1)
    const cells = engines.map((engine, at) => {
      const results = columns[engine]
      if (results === undefined) return kept?.[at]?.trim() ?? 'not run'
      return results[id]?.result ?? 'no service'
    })
    return `| \`${id}\` | ${title} | ${cells.join(' | ')} |\n`
  })
  return `| case | AWS | ${engines.join(' | ')} |\n|---|---|${engines.map(() => '---|').join('')}\n${lines.join('')}`
}
