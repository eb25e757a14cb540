import { randomUUID } from 'node:crypto'
import { type LocalService, localServices } from '../services.ts'
import { clientConfigOf, type LocalServices } from '../start.ts'
import { endOf } from './container-end.ts'
import { EngineStartError } from './errors.ts'
import { WaitUntilReady } from './wait-until-ready.ts'

export interface ContainerOptions {
  /** Host port that the container's port 4566 is bound to. @default any that is free */
  readonly port?: number
  /** Further variables of the container, such as `{ KINESIS_LATENCY: '0' }`. */
  readonly environment?: Readonly<Record<string, string>>
  /** Longest wait until the container is ready, in milliseconds. @default 120,000 */
  readonly startupTimeoutMs?: number
}

/** All services at one address. */
export function servicesAt(endpoint: string, accessKey: string, close: () => Promise<void>): LocalServices {
  const region = 'us-east-1'
  const credentials = { accessKeyId: accessKey, secretAccessKey: accessKey }
  const endpoints = Object.fromEntries(localServices.map(service => [service, endpoint])) as Record<
    LocalService,
    string
  >
  return {
    region,
    accountId: '000000000000',
    credentials,
    endpoint,
    endpoints,
    clientConfig: service => clientConfigOf({ region, credentials, endpoints }, service),
    close,
    [Symbol.asyncDispose]: close
  }
}

/**
 * Starts a container that serves port 4566 and says `Ready`.
 * @throws EngineStartError
 */
export async function startContainer(
  image: string,
  { port, environment = {}, startupTimeoutMs = 120_000 }: ContainerOptions
): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const { testcontainers, LocalstackContainer } = await loadPackages()
  const runtime = await testcontainers.getContainerRuntimeClient().catch((cause: unknown) => {
    throw new EngineStartError(
      'no-docker',
      'no container engine answers: start Docker (or Podman, Colima; DOCKER_HOST names another address), or name a ' +
        'LocalStack that is already up by SEALSTREAM_ENDPOINT, or use the embedded engines, which need none',
      cause
    )
  })
  const name = testcontainers.ImageName.fromString(image)
  if (!(await runtime.image.exists(name))) {
    await runtime.image.pull(name).catch((cause: unknown) => {
      throw new EngineStartError(
        'image-not-found',
        `image ${image} is not here and cannot be pulled: check its name and the connection to its registry`,
        cause
      )
    })
  }
  const containerName = `sealstream-${randomUUID()}`
  const strategy = new WaitUntilReady(image, startupTimeoutMs)
  const container = new LocalstackContainer(image)
    .withName(containerName)
    .withEnvironment({ ...environment })
    .withWaitStrategy(strategy)
    .withStartupTimeout(startupTimeoutMs)
  if (port !== undefined) container.withExposedPorts({ container: 4566, host: port })
  try {
    const started = await container.start()
    return { endpoint: started.getConnectionUri(), stop: async () => void (await started.stop()) }
  } catch (error) {
    // testcontainers looks for the bound ports first, and tells of them alone when the container ends before that.
    const container = runtime.container.getById(containerName)
    const ended = await endOf(container, image).catch(() => undefined)
    // A container that was made and could not be started stays behind otherwise.
    await container.remove({ force: true }).catch(() => undefined)
    throw ended ?? startFailure(error, image, port)
  }
}

/** What to do about a failure that testcontainers or the engine reports. */
export function startFailure(error: unknown, image: string, port: number | undefined): EngineStartError {
  if (error instanceof EngineStartError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (/port is already allocated|address already in use/i.test(message)) {
    return new EngineStartError(
      'port-taken',
      `port ${port} is taken: choose another, or none for any that is free`,
      error
    )
  }
  if (/ryuk/i.test(message)) {
    return new EngineStartError(
      'failed',
      'the image with which testcontainers cleans up behind itself cannot be pulled: set TESTCONTAINERS_RYUK_DISABLED=true to do without',
      error
    )
  }
  return new EngineStartError('failed', `${image} could not be started: ${message}`, error)
}

async function loadPackages() {
  try {
    const [testcontainers, { LocalstackContainer }] = await Promise.all([
      import('testcontainers'),
      import('@testcontainers/localstack')
    ])
    return { testcontainers, LocalstackContainer }
  } catch (cause) {
    throw new EngineStartError(
      'package-missing',
      'containers need two packages: npm i -D testcontainers@11 @testcontainers/localstack@11',
      cause
    )
  }
}
