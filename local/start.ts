import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Clock, systemClock } from '../core/clock.ts'
import type { AwsJsonOptions } from './aws-json.ts'
import { createDynamodbEngine } from './dynamodb/engine.ts'
import type { FailDeliveryEntry } from './firehose/actions/put-records.ts'
import { createFirehoseEngine } from './firehose/engine.ts'
import { listen, type RequestListener } from './http-server.ts'
import type { FailEntry } from './kinesis/actions/put-records.ts'
import { createKinesisEngine } from './kinesis/engine.ts'
import { createKmsEngine } from './kms/engine.ts'
import { createS3Engine } from './s3/engine.ts'

export type LocalService = 'kinesis' | 'dynamodb' | 'kms' | 's3' | 'firehose'

/** Asked before every request of a service; what it returns happens to the request. */
export type LocalFault = NonNullable<AwsJsonOptions['fault']>

export interface LocalOptions {
  /** Time of all engines. @default the system's */
  readonly clock?: Clock
  /** S3 objects lie in `<outputFolder>/<bucket>/<key>`. @default a temporary folder that goes with `close` */
  readonly outputFolder?: string
  /** Port of each service. @default any that is free */
  readonly ports?: Readonly<Partial<Record<LocalService, number>>>
  /** Whether Kinesis shards refuse more than 1,000 records and 1 MiB a second. @default false */
  readonly throttle?: boolean
  /** How long Kinesis streams stay CREATING, UPDATING and DELETING, in milliseconds. @default 0 */
  readonly statusDelayMs?: number
  /** Scripted failures of whole requests, by service. */
  readonly faults?: Readonly<Partial<Record<LocalService, LocalFault>>>
  /** Scripted failures of single entries of PutRecords. */
  readonly failPutRecordsEntry?: FailEntry
  /** Scripted failures of single entries of PutRecordBatch. */
  readonly failPutRecordBatchEntry?: FailDeliveryEntry
}

/** What an AWS SDK client for one service is made from. */
export interface LocalClientConfig {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For S3 alone. */
  readonly forcePathStyle?: boolean
}

/** The engines while they run. All of it ends with the process. */
export interface LocalEngines extends AsyncDisposable {
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalClientConfig['credentials']
  /** `http://127.0.0.1:<port>` of each service. */
  readonly endpoints: Readonly<Record<LocalService, string>>
  readonly outputFolder: string
  /** `new KinesisClient(engines.clientConfig('kinesis'))`, and so on. */
  clientConfig(service: LocalService): LocalClientConfig
  /** Writes what the delivery streams hold now. Returns also when a write has failed and will be tried again. */
  flushFirehose(): Promise<void>
  firehoseBufferedBytes(): number
  /** Everything that the Kinesis and DynamoDB engines hold, piece by piece. */
  everythingAtRest(): AsyncGenerator<Uint8Array>
  /** Requests that reached KMS so far. */
  kmsRequests(): number
  close(): Promise<void>
}

const region = 'us-east-1'
const accountId = '000000000000'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Starts Kinesis, DynamoDB, KMS, S3 and Firehose in this process, on loopback. */
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
    failEntry: options.failPutRecordsEntry,
    ...faultOf('kinesis')
  })
  const dynamodb = await createDynamodbEngine(faultOf('dynamodb'))
  const kms = createKmsEngine({ clock, region, accountId, ...faultOf('kms') })
  const s3 = createS3Engine({ clock, region, folder: outputFolder, ...faultOf('s3') })
  const firehose = createFirehoseEngine({
    clock,
    region,
    accountId,
    objects: s3.store,
    failEntry: options.failPutRecordBatchEntry,
    ...faultOf('firehose')
  })

  const listeners: Readonly<Record<LocalService, RequestListener>> = {
    kinesis: kinesis.listener,
    dynamodb: dynamodb.listener,
    kms: kms.listener,
    s3: s3.listener,
    firehose: firehose.listener
  }
  const servers = await Promise.all(
    Object.entries(listeners).map(async ([service, listener]) => ({
      service,
      server: await listen(listener, options.ports?.[service as LocalService] ?? 0)
    }))
  )
  const endpoints = Object.fromEntries(servers.map(({ service, server }) => [service, server.url])) as Record<
    LocalService,
    string
  >

  const close = async (): Promise<void> => {
    await Promise.all(servers.map(({ server }) => server.close()))
    await firehose.close()
    if (options.outputFolder !== undefined) return
    // A request that was cut off may still be writing its file.
    await rm(outputFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }
  return {
    region,
    accountId,
    credentials,
    endpoints,
    outputFolder,
    clientConfig: service => ({
      endpoint: endpoints[service],
      region,
      credentials,
      ...(service === 's3' ? { forcePathStyle: true } : {})
    }),
    flushFirehose: () => firehose.flush(),
    firehoseBufferedBytes: () => firehose.bufferedBytes,
    async *everythingAtRest() {
      yield* kinesis.store.everything()
      yield* dynamodb.everything()
    },
    kmsRequests: () => kms.store.calls,
    close,
    [Symbol.asyncDispose]: close
  }
}
