import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Clock, systemClock } from '../core/clock.ts'
import type { AwsJsonOptions } from './aws-json.ts'
import { createDynamodbEngine } from './dynamodb/engine.ts'
import type { FailDeliveryEntry } from './firehose/actions/put-records.ts'
import { createFirehoseEngine } from './firehose/engine.ts'
import type { FirehoseMetrics } from './firehose/metrics.ts'
import type { FirehoseFunctions } from './firehose/processing/transform-function.ts'
import { sourceStreams } from './firehose/source/source-streams.ts'
import { type LocalServer, listen, type RequestListener } from './http-server.ts'
import type { FailEntry } from './kinesis/actions/put-records.ts'
import { createKinesisEngine } from './kinesis/engine.ts'
import { createKmsEngine } from './kms/engine.ts'
import type { KmsAuthorize } from './kms/request.ts'
import type { KmsLoggedRequest } from './kms/store.ts'
import { multiplex } from './multiplexer.ts'
import { createReceivers, type LocalReceiver, type ReceiverOptions, type Receivers } from './receivers.ts'
import { createS3Engine } from './s3/engine.ts'
import { createSqsEngine } from './sqs/engine.ts'

export type LocalService = 'kinesis' | 'dynamodb' | 'kms' | 's3' | 'sqs' | 'firehose'

/** Asked before every request of a service; what it returns happens to the request. */
export type LocalFault = NonNullable<AwsJsonOptions['fault']>

export interface LocalOptions {
  /** Time of all engines. @default the system's */
  readonly clock?: Clock
  /** S3 objects lie in `<outputFolder>/<bucket>/<key>`. @default a temporary folder that goes with `close` */
  readonly outputFolder?: string
  /** Port of each service. @default any that is free */
  readonly ports?: Readonly<Partial<Record<LocalService, number>>>
  /** Port that serves all services. @default any that is free */
  readonly port?: number
  /** Address to listen on; `0.0.0.0` lets other machines in, inside a container for example. @default '127.0.0.1' */
  readonly host?: string
  /**
   * Whether each Kinesis shard keeps to the limits of AWS, with a second's worth in store, on `clock`. Puts: 1,000
   * records and 1 MiB of data and partition keys a second, entry by entry; a record larger than that passes when
   * nothing was taken for long enough, and is paid off afterwards. GetRecords: 5 calls and 2 MiB a second; an answer
   * may be larger, up to 10 MiB, and is paid off by refusing the next ones. Without it tests are not slowed down.
   * @default false
   */
  readonly throttle?: boolean
  /** How long Kinesis streams and their consumers stay CREATING, UPDATING and DELETING, in milliseconds. @default 0 */
  readonly statusDelayMs?: number
  /** How long a subscription to a Kinesis shard lives, in milliseconds. @default 300_000, as on AWS */
  readonly subscriptionLifeMs?: number
  /**
   * Bytes of data and partition keys that Kinesis keeps over all streams, and 32 for each record. Beyond it the oldest
   * records go, whatever their stream's retention period, so that a long run holds its memory.
   * @default 512 MiB
   */
  readonly maxKinesisBytes?: number
  /** Scripted failures of whole requests, by service. */
  readonly faults?: Readonly<Partial<Record<LocalService, LocalFault>>>
  /**
   * Decides about every request to KMS, grants in hand; see `KmsAuthorize`. Key policies are kept and handed to it,
   * and not evaluated. @default everybody may do everything
   */
  readonly authorize?: KmsAuthorize
  /**
   * Cryptographic requests that KMS takes per second, over all keys and regions, before it answers
   * ThrottlingException; a second's worth is in store, on `clock`. @default no bound
   */
  readonly kmsRequestsPerSecond?: number
  /** Scripted failures of single entries of PutRecords. */
  readonly failPutRecordsEntry?: FailEntry
  /** Scripted failures of single entries of PutRecordBatch. */
  readonly failPutRecordBatchEntry?: FailDeliveryEntry
  /**
   * Transform functions of delivery streams, by the LambdaArn of their processor or by the name of the function: a
   * function of this process, or the address of an HTTP endpoint that takes the event. @default none
   */
  readonly firehoseFunctions?: FirehoseFunctions
  /** What Firehose can deliver to besides S3; each listens on a port of its own. @default none */
  readonly receivers?: readonly LocalReceiver[]
  /** Ports, scripted failures and behaviour of the receivers. */
  readonly receiverOptions?: ReceiverOptions
}

/** What an AWS SDK client for one service is made from. */
export interface LocalClientConfig {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For S3 alone. */
  readonly forcePathStyle?: boolean
}

/** AWS services on addresses of their own, ready for the SDK's clients; whoever serves them ends with `close`. */
export interface LocalServices extends AsyncDisposable {
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalClientConfig['credentials']
  /** One address that serves all services, such as `http://127.0.0.1:4566`. */
  readonly endpoint: string
  /** Address of each service. */
  readonly endpoints: Readonly<Record<LocalService, string>>
  /** `new KinesisClient(engines.clientConfig('kinesis'))`, and so on. */
  clientConfig(service: LocalService): LocalClientConfig
  close(): Promise<void>
}

/** The engines while they run. All of it ends with the process. */
export interface LocalEngines extends LocalServices, Receivers {
  readonly outputFolder: string
  /**
   * Delivers what the delivery streams hold now. Returns also when nothing goes on before time has passed: after a
   * failure that will be tried again, or while a Splunk acknowledgement is waited for.
   */
  flushFirehose(): Promise<void>
  firehoseBufferedBytes(): number
  /** What CloudWatch would tell of a delivery stream. @throws {AwsError} ResourceNotFoundException */
  firehoseMetrics(deliveryStreamName: string): FirehoseMetrics
  /** Everything that the Kinesis, DynamoDB and SQS engines hold, piece by piece. */
  everythingAtRest(): AsyncGenerator<Uint8Array>
  /** Requests that reached KMS so far. */
  kmsRequests(): number
  /** The last 10,000 of them, oldest first, with the names of their encryption contexts and no values. */
  kmsRequestLog(): readonly KmsLoggedRequest[]
}

const region = 'us-east-1'
const accountId = '000000000000'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Starts Kinesis, DynamoDB, KMS, S3, SQS and Firehose in this process, on loopback. */
export async function startLocal(options: LocalOptions = {}): Promise<LocalEngines> {
  const clock = options.clock ?? systemClock
  const faults = options.faults ?? {}
  const faultOf = (service: LocalService): { fault?: LocalFault } =>
    faults[service] === undefined ? {} : { fault: faults[service] }
  const outputFolder = resolve(options.outputFolder ?? (await mkdtemp(join(tmpdir(), 'sealstream-'))))

  const kinesis = createKinesisEngine({
    clock,
    region,
    accountId,
    throttle: options.throttle,
    statusDelayMs: options.statusDelayMs,
    subscriptionLifeMs: options.subscriptionLifeMs,
    maxStoredBytes: options.maxKinesisBytes,
    failEntry: options.failPutRecordsEntry,
    ...faultOf('kinesis')
  })
  const kms = createKmsEngine({
    clock,
    region,
    accountId,
    authorize: options.authorize,
    requestsPerSecond: options.kmsRequestsPerSecond,
    ...faultOf('kms')
  })
  const dynamodb = await createDynamodbEngine({
    clock,
    region,
    accountId,
    keyArnOf: (keyId, principal) =>
      kms.keyArnOf(keyId, { principal, viaService: `dynamodb.${region}.amazonaws.com` }),
    ...faultOf('dynamodb')
  })
  const s3 = createS3Engine({
    clock,
    region,
    folder: outputFolder,
    async dataKeyArnOf({ keyId, objectArn, principal }) {
      const { KeyId: keyArn } = (await kms.call(
        'GenerateDataKey',
        { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: { 'aws:s3:arn': objectArn } },
        { principal, viaService: `s3.${region}.amazonaws.com` }
      )) as { KeyId: string }
      return keyArn
    },
    ...faultOf('s3')
  })
  const sqs = createSqsEngine({ clock, region, accountId, ...faultOf('sqs') })
  const receivers = createReceivers(options.receivers ?? [], options.receiverOptions)
  const firehose = createFirehoseEngine({
    clock,
    region,
    accountId,
    objects: s3.store,
    failEntry: options.failPutRecordBatchEntry,
    domainUrl: () => receivers.searchUrl(),
    functions: options.firehoseFunctions,
    streams: sourceStreams(kinesis.store),
    ...faultOf('firehose')
  })

  const listeners: Readonly<Record<LocalService, RequestListener>> = {
    kinesis: kinesis.listener,
    dynamodb: dynamodb.listener,
    kms: kms.listener,
    s3: s3.listener,
    sqs: sqs.listener,
    firehose: firehose.listener
  }
  const services = Object.keys(listeners) as LocalService[]
  const servers = await listenAll(
    [
      ...services.map(service => ({ listener: listeners[service], port: options.ports?.[service] })),
      ...receivers.ports,
      { listener: multiplex(listeners, process.version), port: options.port }
    ],
    options.host
  )
  const urls = servers.map(({ url }) => url)
  const endpoint = urls.at(-1)!
  const endpoints = Object.fromEntries(services.map((service, index) => [service, urls[index]])) as Record<
    LocalService,
    string
  >
  const running = receivers.running(urls.slice(services.length, -1))

  const close = async (): Promise<void> => {
    await Promise.all(servers.map(server => server.close()))
    await firehose.close()
    if (options.outputFolder !== undefined) return
    // A request that was cut off may still be writing its file.
    await rm(outputFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }
  return {
    region,
    accountId,
    credentials,
    endpoint,
    endpoints,
    outputFolder,
    clientConfig: service => clientConfigOf({ region, credentials, endpoints }, service),
    flushFirehose: () => firehose.flush(),
    firehoseBufferedBytes: () => firehose.bufferedBytes,
    firehoseMetrics: name => firehose.store.streamOf({ DeliveryStreamName: name }).metrics.snapshot(),
    async *everythingAtRest() {
      yield* kinesis.store.everything()
      yield* dynamodb.everything()
      yield* sqs.store.everything()
    },
    kmsRequests: () => kms.store.calls,
    kmsRequestLog: () => [...kms.store.requests],
    ...running,
    close,
    [Symbol.asyncDispose]: close
  }
}

/** What a client of `service` is made from. */
export function clientConfigOf(
  { region, credentials, endpoints }: Pick<LocalServices, 'region' | 'credentials' | 'endpoints'>,
  service: LocalService
): LocalClientConfig {
  return {
    endpoint: endpoints[service],
    region,
    credentials,
    ...(service === 's3' ? { forcePathStyle: true } : {})
  }
}

/** All of them, or none: when one port is taken the others are given back. */
async function listenAll(
  ports: readonly { readonly listener: RequestListener; readonly port: number | undefined }[],
  host?: string
): Promise<LocalServer[]> {
  const settled = await Promise.allSettled(ports.map(({ listener, port }) => listen(listener, port, host)))
  const servers = settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = settled.find(result => result.status === 'rejected')
  if (failed === undefined) return servers
  await Promise.all(servers.map(server => server.close()))
  throw failed.reason
}
