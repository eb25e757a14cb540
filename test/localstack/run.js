// `npm run test:localstack`: the integration and conformance suites on LocalStack, and on our own engines as a container image.
//
// LocalStack is, by what is there: the address in SEALSTREAM_ENDPOINT; a container of the image that
// SEALSTREAM_LOCALSTACK_IMAGE names, or of the pulled default; an image built here (`.ci/localstack/build-image`).
// A Docker engine is started and an image built only with CI=true or SEALSTREAM_CI_DOCKER=1. Without any of them the
// reason is printed, and nothing fails.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  defaultLocalStackImage,
  EngineStartError,
  startLocalContainer,
  startLocalStack
} from 'sealstream/testing'

const root = resolve(import.meta.dirname, '../..')
const tools = join(root, '.ci/localstack')
const [, builtImage = ''] = /^IMAGE=(.+)$/m.exec(readFileSync(join(tools, 'versions.env'), 'utf8')) ?? []
const mayPrepare = process.env.CI === 'true' || process.env.SEALSTREAM_CI_DOCKER === '1'
/** Whoever names an address or an image means it; without either, having none is no failure. */
const isNamed =
  process.env.SEALSTREAM_ENDPOINT !== undefined || process.env.SEALSTREAM_LOCALSTACK_IMAGE !== undefined
/** @type {import('sealstream/testing').EngineStartReason[]} */
const nothingToStart = ['package-missing', 'no-docker', 'image-not-found']

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  if (process.env.SEALSTREAM_ENDPOINT !== undefined)
    return onLocalStack(`endpoint ${process.env.SEALSTREAM_ENDPOINT}`)
  let dockerd
  if (mayPrepare && !hasDocker()) {
    const { status, stdout } = tool('start-docker')
    if (status !== 0) return skip('LocalStack', 'no Docker engine runs, and none could be started')
    dockerd = Number(stdout)
  }
  try {
    const way = chooseImage()
    return (await onLocalStack(way)) || (await onOwnImage())
  } finally {
    if (dockerd !== undefined) process.kill(dockerd)
  }
}

/** Sees to it that there is an image to start, and says where it comes from. */
function chooseImage() {
  if (process.env.SEALSTREAM_LOCALSTACK_IMAGE !== undefined)
    return `container of the image ${process.env.SEALSTREAM_LOCALSTACK_IMAGE}`
  if (!hasDocker() || canHave(defaultLocalStackImage))
    return `container of the pulled image ${defaultLocalStackImage}`
  if (mayPrepare) {
    console.log('LocalStack cannot be pulled: building an image where there is none yet')
    tool('build-image')
  }
  if (isHere(builtImage)) {
    process.env.SEALSTREAM_LOCALSTACK_IMAGE = builtImage
    // What cannot pull LocalStack cannot pull the image that cleans up behind testcontainers either.
    process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  }
  return `container of the image ${builtImage}, built here`
}

/** @param {string} way */
async function onLocalStack(way) {
  let stack
  try {
    // The files leave their streams behind, which come to more shards than the 100 that LocalStack allows.
    stack = await startLocalStack({ environment: { KINESIS_SHARD_LIMIT: '1000' } })
  } catch (error) {
    if (!(error instanceof EngineStartError)) throw error
    if (!isNamed && nothingToStart.includes(error.reason)) return skip('LocalStack', error.message)
    console.error(error.message)
    return 1
  }
  try {
    const { version } = await (await fetch(`${stack.endpoint}/_localstack/health`)).json()
    console.log(`LocalStack ${version}: ${way}`)
    const image = stack.image === undefined ? {} : { SEALSTREAM_TEST_IMAGE: stack.image }
    return (
      suite(
        'localstack',
        stack.endpoint,
        ['test/integration', 'test/localstack', 'test/conformance'],
        image
      ) || fleet(stack.endpoint)
    )
  } finally {
    await stack.close()
  }
}

async function onOwnImage() {
  // Any base with `node` will do; the image that was built here has it.
  const base = [process.env.SEALSTREAM_LOCAL_BASE ?? 'node:22-slim', builtImage].find(canHave)
  if (base === undefined) return skip('our engines as an image', 'no Docker, or no base image with node')
  const image = 'sealstream-ci/local'
  process.env.SEALSTREAM_LOCAL_IMAGE = image
  process.env.SEALSTREAM_LOCAL_BASE = base
  const { status } = spawnSync('node', ['local/build-image.js'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) return 1
  const engines = await startLocalContainer({ image })
  try {
    console.log(`our engines: container of the image ${image}`)
    return suite('container', engines.endpoint, ['test/integration'])
  } finally {
    await engines.close()
  }
}

/**
 * @param {string} engine
 * @param {string} endpoint
 * @param {string[]} folders
 * @param {Record<string, string>} [further] variables
 */
function suite(engine, endpoint, folders, further = {}) {
  const env = { ...process.env, ...further, SEALSTREAM_TEST_ENGINE: engine, SEALSTREAM_ENDPOINT: endpoint }
  return spawnSync('npx', ['vitest', 'run', ...folders], { cwd: root, stdio: 'inherit', env }).status ?? 1
}

/** @param {string} endpoint */
function fleet(endpoint) {
  const env = { ...process.env, SEALSTREAM_ENDPOINT: endpoint }
  return spawnSync('node', ['test/fleet/run.js'], { cwd: root, stdio: 'inherit', env }).status ?? 1
}

/** @param {string} name */
function tool(name) {
  return spawnSync(join(tools, name), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function answers(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function hasDocker() {
  return answers('docker', ['info'])
}

/** @param {string} image */
function isHere(image) {
  return answers('docker', ['image', 'inspect', image])
}

/** @param {string} image */
function canHave(image) {
  return isHere(image) || answers('docker', ['pull', '--quiet', image])
}

/**
 * @param {string} what
 * @param {string} reason
 */
function skip(what, reason) {
  console.log(`skipped: ${what}: ${reason}`)
  return 0
}
