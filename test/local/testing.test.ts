import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startFailure } from '../../local/testing/container.ts'
import { EngineStartError, startLocalContainer, startLocalStack } from '../../local/testing/index.ts'

// Real containers are started in test/localstack.
const runtime = vi.hoisted(() => ({
  get: async (): Promise<unknown> => {
    throw new Error('Could not find a working container runtime strategy')
  }
}))
vi.mock('testcontainers', () => ({
  getContainerRuntimeClient: () => runtime.get(),
  ImageName: { fromString: (name: string) => name }
}))

beforeEach(() => {
  vi.stubEnv('SEALSTREAM_ENDPOINT', undefined)
  vi.stubEnv('SEALSTREAM_LOCALSTACK_IMAGE', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('starting an engine for tests', () => {
  it('says what to do without a container engine', async () => {
    for (const start of [startLocalStack, startLocalContainer]) {
      const error = await start().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(EngineStartError)
      expect(error).toMatchObject({ reason: 'no-docker', code: 'SEALSTREAM_ENGINE_UNAVAILABLE' })
      expect((error as Error).message).toMatch(/start Docker.*SEALSTREAM_ENDPOINT.*embedded engines/)
    }
  })

  it('names the image that is neither here nor can be pulled', async () => {
    const asked: string[] = []
    const get = vi.spyOn(runtime, 'get').mockResolvedValue({
      image: {
        exists: async () => false,
        pull: async (name: string) => {
          asked.push(name)
          throw new Error('no route to the registry')
        }
      }
    })
    onTestFinished(() => get.mockRestore())
    await expect(startLocalStack()).rejects.toMatchObject({
      reason: 'image-not-found',
      message: expect.stringContaining('localstack/localstack:4.14.0')
    })
    vi.stubEnv('SEALSTREAM_LOCALSTACK_IMAGE', 'mine:1')
    await expect(startLocalStack()).rejects.toThrow('mine:1')
    await expect(startLocalStack({ image: 'other:2' })).rejects.toThrow('other:2')
    expect(asked).toEqual(['localstack/localstack:4.14.0', 'mine:1', 'other:2'])
  })

  it.each([
    [
      '(HTTP code 500) server error - Bind for 0.0.0.0:4566 failed: port is already allocated',
      'port-taken',
      'port 4566 is taken'
    ],
    [
      '(HTTP code 404) no such image: testcontainers/ryuk:0.14.0',
      'failed',
      'TESTCONTAINERS_RYUK_DISABLED=true'
    ],
    ['something else', 'failed', 'some/image could not be started: something else']
  ])('explains %j', (message, reason, said) => {
    const failure = startFailure(new Error(message), 'some/image', 4_566)
    expect(failure.reason).toBe(reason)
    expect(failure.message).toContain(said)
    expect(startFailure(failure, 'some/image', undefined)).toBe(failure)
  })

  it('uses an address that is already up, and leaves it up', async () => {
    const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    vi.stubEnv('SEALSTREAM_ENDPOINT', endpoint)
    await using stack = await startLocalStack()
    expect(stack).toMatchObject({
      endpoint,
      image: undefined,
      region: 'us-east-1',
      accountId: '000000000000'
    })
    expect(stack.clientConfig('s3')).toEqual({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      forcePathStyle: true
    })
    expect(stack.clientConfig('kinesis')).not.toHaveProperty('forcePathStyle')
    await stack.close()
    expect((await fetch(endpoint)).status).toBe(200)
  })

  it('says that nothing answers at the address', async () => {
    await expect(startLocalStack({ endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('http://127.0.0.1:1')
    })
  })
})
