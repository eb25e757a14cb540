import { execFile } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import { startLocalStack } from '../../local/testing/index.ts'

// Only where a container was started for this run; then there is an engine, and the image is here.
const image = process.env.SEALSTREAM_TEST_IMAGE
const endpoint = process.env.SEALSTREAM_ENDPOINT

/** Starts another container, whatever address this run uses. */
async function start(options: Parameters<typeof startLocalStack>[0]) {
  delete process.env.SEALSTREAM_ENDPOINT
  try {
    return await startLocalStack({ image: image!, ...options })
  } finally {
    if (endpoint !== undefined) process.env.SEALSTREAM_ENDPOINT = endpoint
  }
}

describe.skipIf(image === undefined)('a LocalStack container', () => {
  it('serves the port it was given, and is gone after close', async () => {
    const port = await freePort()
    const stack = await start({ port })
    expect(new URL(stack.endpoint).port).toBe(String(port))
    const kinesis = createKinesisClient(stack.clientConfig('kinesis'))
    onTestFinished(() => kinesis.destroy())
    // Whoever comes behind the first call, while Kinesis is still starting, gets an error.
    const lists = await Promise.all(
      [0, 200, 400].map(async delayMs => {
        await new Promise(resolve => setTimeout(resolve, delayMs))
        return kinesis.send(new ListStreamsCommand({}))
      })
    )
    expect(lists.map(({ StreamNames }) => StreamNames)).toEqual([[], [], []])
    await stack.close()
    await expect(fetch(stack.endpoint)).rejects.toThrow()
  }, 120_000)

  it('is started, used and removed by the main job', async () => {
    const bin = fileURLToPath(new URL('../../bin/sealstream.js', import.meta.url))
    const { SEALSTREAM_ENDPOINT: _, ...env } = process.env
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [bin, 'run', '--engine', 'localstack', '--json'],
      { env: { ...env, SEALSTREAM_LOCALSTACK_IMAGE: image } }
    )
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      accepted: 20_000,
      delivered: 20_000,
      lost: 0,
      inFlight: 0
    })
  }, 120_000)

  it('says that a port is taken', async () => {
    const server = createServer().listen(0, '0.0.0.0')
    onTestFinished(() => void server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await expect(start({ port })).rejects.toMatchObject({
      reason: 'port-taken',
      message: expect.stringContaining(`port ${port} is taken`)
    })
  }, 60_000)

  it('says that the token was refused when the container ends with exit code 55', async () => {
    const environment = { LOCALSTACK_SUPERVISOR_COMMAND: 'sh -c "exit 55"' }
    await expect(start({ environment })).rejects.toMatchObject({
      reason: 'token-refused',
      message: expect.stringContaining('LOCALSTACK_AUTH_TOKEN')
    })
  }, 60_000)

  it('shows the last log lines of a container that ended, and of one that never gets ready', async () => {
    const ended = { LOCALSTACK_SUPERVISOR_COMMAND: 'sh -c "echo no such luck; exit 3"' }
    await expect(start({ environment: ended })).rejects.toMatchObject({
      reason: 'exited',
      message: expect.stringMatching(/exit code 3[\s\S]*no such luck/)
    })
    const stuck = { LOCALSTACK_SUPERVISOR_COMMAND: 'sh -c "echo still thinking; sleep 60"' }
    await expect(start({ environment: stuck, startupTimeoutMs: 2_000 })).rejects.toMatchObject({
      reason: 'not-ready',
      message: expect.stringMatching(/2000 ms[\s\S]*still thinking/)
    })
  }, 60_000)

  it('says that an image does not exist', async () => {
    await expect(start({ image: 'sealstream-ci/no-such-image:0' })).rejects.toMatchObject({
      reason: 'image-not-found'
    })
  }, 60_000)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
