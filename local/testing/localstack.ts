import type { LocalServices } from '../start.ts'
import { type ContainerOptions, servicesAt, startContainer } from './container.ts'
import { EngineStartError } from './errors.ts'

/** The last tag that starts without a token. */
export const defaultLocalStackImage = 'localstack/localstack:4.14.0'

export interface LocalStackOptions extends ContainerOptions {
  /** @default the variable `SEALSTREAM_LOCALSTACK_IMAGE`, else `localstack/localstack:4.14.0` */
  readonly image?: string
  /** Newer images do not start without one. @default the variable `LOCALSTACK_AUTH_TOKEN` */
  readonly token?: string
  /** Address of a LocalStack that is already up; nothing is started then. @default the variable `SEALSTREAM_ENDPOINT` */
  readonly endpoint?: string
}

export interface LocalStack extends LocalServices {
  /** The image that was started; undefined for an address that was already up. */
  readonly image: string | undefined
}

/** Longest wait for an answer of an address that should be up, in milliseconds. */
const answerTimeoutMs = 5_000
/** Longest wait for LocalStack's Kinesis, in milliseconds: as long as LocalStack itself waits for it. */
const wakeTimeoutMs = 60_000

/**
 * LocalStack in a container, by the packages `testcontainers` and `@testcontainers/localstack`, or one that is
 * already up. `close` removes the container, and leaves alone what it did not start.
 * @throws EngineStartError which says what is missing
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const accessKey = 'test'
  const endpoint = options.endpoint ?? process.env.SEALSTREAM_ENDPOINT
  if (endpoint !== undefined) {
    await checkAnswers(endpoint)
    await wakeKinesis(endpoint)
    return { ...servicesAt(endpoint, accessKey, async () => {}), image: undefined }
  }
  const image = options.image ?? process.env.SEALSTREAM_LOCALSTACK_IMAGE ?? defaultLocalStackImage
  const token = options.token ?? process.env.LOCALSTACK_AUTH_TOKEN
  const container = await startContainer(image, {
    ...options,
    environment: {
      ...(token === undefined ? {} : { LOCALSTACK_AUTH_TOKEN: token }),
      ...options.environment
    }
  })
  await wakeKinesis(container.endpoint)
  return { ...servicesAt(container.endpoint, accessKey, container.stop), image }
}

/**
 * LocalStack starts its Kinesis with the first call and answers that one when it is up; calls that come meanwhile fail.
 * So the first call is made here, alone. What it answers is for the caller's own calls to see.
 */
async function wakeKinesis(endpoint: string): Promise<void> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Kinesis_20131202.ListStreams',
    authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request'
  }
  const signal = AbortSignal.timeout(wakeTimeoutMs)
  await fetch(endpoint, { method: 'POST', headers, body: '{}', signal })
    .then(answer => answer.body?.cancel())
    .catch(() => {})
}

async function checkAnswers(endpoint: string): Promise<void> {
  try {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(answerTimeoutMs) })
    await answer.body?.cancel()
  } catch (cause) {
    throw new EngineStartError(
      'unreachable',
      `nothing answers at ${endpoint}: check SEALSTREAM_ENDPOINT, or unset it to start a container`,
      cause
    )
  }
}
