/** The AWS services that a pipeline talks to. */
export type ServiceName = 'kinesis' | 'dynamodb' | 'kms' | 's3' | 'sqs' | 'firehose'

/** What every SDK client of the pipeline is made from. An empty object leaves all to the SDK's own conventions. */
export interface ServiceClientConfig {
  readonly endpoint?: string
  readonly region?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For S3 alone. */
  readonly forcePathStyle?: boolean
}

/**
 * Where a pipeline runs, as plain data that can be handed to another process.
 * The engines differ by endpoints only, never by code paths in the product.
 */
export interface Engine {
  readonly kind: 'embedded' | 'endpoint' | 'aws'
  readonly region: string | undefined
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  /** One address per service; undefined leaves the address to the SDK. */
  readonly endpoints: Readonly<Record<ServiceName, string>> | undefined
}

/** Real AWS: region, credentials and endpoints follow the SDK's conventions, `AWS_ENDPOINT_URL*` included. */
export const awsEngine: Engine = {
  kind: 'aws',
  region: undefined,
  credentials: undefined,
  endpoints: undefined
}

/** Engines that run in this process, such as those of `sealstream/local`. */
export function embeddedEngine({
  region,
  credentials,
  endpoints
}: {
  readonly region: string
  readonly credentials: NonNullable<Engine['credentials']>
  readonly endpoints: NonNullable<Engine['endpoints']>
}): Engine {
  return { kind: 'embedded', region, credentials, endpoints }
}

/** Any AWS-compatible address that serves all services, such as a LocalStack container. */
export function endpointEngine(
  url: string,
  options: { readonly region?: string; readonly credentials?: Engine['credentials'] } = {}
): Engine {
  return {
    kind: 'endpoint',
    region: options.region ?? 'us-east-1',
    credentials: options.credentials ?? { accessKeyId: 'test', secretAccessKey: 'test' },
    endpoints: { kinesis: url, dynamodb: url, kms: url, s3: url, sqs: url, firehose: url }
  }
}

/**
 * Configuration of one service's client. Where the engine names endpoint, region and credentials they are
 * passed explicitly, so that nothing in the environment can lead a local run to AWS.
 */
export function clientConfigOf(engine: Engine, service: ServiceName): ServiceClientConfig {
  return {
    ...(engine.endpoints === undefined ? {} : { endpoint: engine.endpoints[service] }),
    ...(engine.region === undefined ? {} : { region: engine.region }),
    ...(engine.credentials === undefined ? {} : { credentials: engine.credentials }),
    ...(service === 's3' && engine.endpoints !== undefined ? { forcePathStyle: true } : {})
  }
}
