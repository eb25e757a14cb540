// `npm run test:localstack`: the integration suite on LocalStack, and on our own engines as a container image.
//
// LocalStack is, by what is there: the address in SEALSTREAM_ENDPOINT; a container of the image that
// SEALSTREAM_LOCALSTACK_IMAGE names, or of the pulled default; an image built here (`.ci/localstack/build-image`).
// A Docker engine is started and an image built only with CI=true or SEALSTREAM_CI_DOCKER=1. Without any of them the
// reason is printed, and nothing fails.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EngineStartError, startLocalContainer, startLocalStack } from 'sealstream/testing'

const root = resolve(import.meta.dirname, '../..')
const tools = join(root, '.ci/localstack')
const builtImage = 'sealstream-ci/localstack:4.14'
const mayPrepare = process.env.CI === 'true' || process.env.SEALSTREAM_CI_DOCKER === '1'

process.exitCode = await main()

/** @returns {Promise<number>} exit code */
async function main() {
  if (process.env.SEALSTREAM_ENDPOINT !== undefined)
    return onLocalStack(`endpoint ${process.env.SEALSTREAM_ENDPOINT}`)
  let dockerd
  if (!answers('docker', ['info']) && mayPrepare) {
    const { status, stdout } = tool('start-docker')
    if (status !== 0) return skip('no Docker engine could be started here')
    dockerd = Number(stdout)
  }
  try {
    const way = prepareImage()
    return (await onLocalStack(way)) || (await onOwnImage())
  } finally {
    if (dockerd !== undefined) process.kill(dockerd)
  }
}

/** Sees to it that there is an image to start, and says where it comes from. */
function prepareImage() {
  if (process.env.SEALSTREAM_LOCALSTACK_IMAGE !== undefined)
    return `container of the image ${process.env.SEALSTREAM_LOCALSTACK_IMAGE}`
  const pulled = 'localstack/localstack:4.14.0'
  if (answers('docker', ['image', 'inspect', pulled]) || answers('docker', ['pull', '--quiet', pulled]))
    return `container of the pulled image ${pulled}`
  if (mayPrepare && answers('docker', ['info'])) {
    console.log('LocalStack cannot be pulled: building an image')
    tool('build-image')
  }
  if (!answers('docker', ['image', 'inspect', builtImage])) return 'container'
  process.env.SEALSTREAM_LOCALSTACK_IMAGE = builtImage
  // What cannot pull LocalStack cannot pull the image that cleans up behind testcontainers either.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  return `container of the image ${builtImage}, built here`
}

/** @param {string} way */
async function onLocalStack(way) {
  let stack
  try {
    stack = await startLocalStack()
  } catch (error) {
    if (!(error instanceof EngineStartError)) throw error
    // Whoever names an address or an image means it; without either, having none is no failure.
    if (process.env.SEALSTREAM_ENDPOINT === undefined && !mayPrepare) return skip(error.message)
    console.error(error.message)
    return 1
  }
  try {
    const { version } = await (await fetch(`${stack.endpoint}/_localstack/health`)).json()
    console.log(`LocalStack ${version}: ${way}`)
    return suite('localstack', stack.endpoint, ['test/integration', 'test/localstack'])
  } finally {
    await stack.close()
  }
}

async function onOwnImage() {
  const image = 'sealstream-ci/local'
  process.env.SEALSTREAM_LOCAL_IMAGE = image
  // Any base with `node` will do; the one that was built here has it.
  if (process.env.SEALSTREAM_LOCALSTACK_IMAGE === builtImage) process.env.SEALSTREAM_LOCAL_BASE ??= builtImage
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
 */
function suite(engine, endpoint, folders) {
  const env = { ...process.env, SEALSTREAM_TEST_ENGINE: engine, SEALSTREAM_ENDPOINT: endpoint }
  return spawnSync('npx', ['vitest', 'run', ...folders], { cwd: root, stdio: 'inherit', env }).status ?? 1
}

/** @param {string} name */
function tool(name) {
  if (!existsSync(join(tools, name))) return { status: 1, stdout: '' }
  return spawnSync(join(tools, name), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function answers(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** @param {string} reason */
function skip(reason) {
  console.log(`skipped: ${reason}`)
  return 0
}
