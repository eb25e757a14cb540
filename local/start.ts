import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type Clock, systemClock } from '../core/clock.ts'
import { inspectOf, type LocalClock, type LocalInspect, localClock } from './admin/control.ts'
import { adminListener } from './admin/routes.ts'
import { createEngines, type Engines, listenerOf } from './engines.ts'
import { givenFirst } from './faults/fault.ts'
import { FaultScript, type LocalFaults } from './faults/fault-script.ts'
import { collectorOperation, indexNames, searchOperation } from './faults/resource-names.ts'
import type { FirehoseMetrics } from './firehose/metrics.ts'
import { type ListenOptions, type LocalServer, listen, type RequestListener } from './http-server.ts'
import { InFlight } from './in-flight.ts'
import type { KmsLoggedRequest } from './kms/store.ts'
import { multiplex } from './multiplexer.ts'
import type { FailReceiverRequest } from './receiver.ts'
import { createReceivers, type ReceiverFaults, type Receivers } from './receivers.ts'
import type { FailCopy } from './redshift/copy.ts'
import {
  accountId,
  type FaultFunctions,
  faultsOf,
  type LocalOptions,
  type LocalService,
  localServices,
  receiversOf,
  region,
  servicesOf
} from './services.ts'
import { StateFolder } from './state/index.ts'
import { type LocalTls, tlsKeyPairOf } from './tls.ts'
import { VirtualClock } from './virtual-clock.ts'

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
  /** Address of each service; of one that does not run, the common one, which says so. */
  readonly endpoints: Readonly<Record<LocalService, string>>
  /** `new KinesisClient(engines.clientConfig('kinesis'))`, and so on. */
  clientConfig(service: LocalService): LocalClientConfig
  close(): Promise<void>
}

/** The engines while they run. All of it ends with the process, unless there is a state folder. */
export interface LocalEngines extends LocalServices, Receivers {
  readonly outputFolder: string
  /** Those that run, S3 that comes with Firehose included. */
  readonly services: readonly LocalService[]
  /** Scripted faults, from here on. Functions that were given at the start stay. */
  readonly faults: LocalFaults
  readonly inspect: LocalInspect
  readonly clock: LocalClock
  /** How to reach them by TLS; undefined without the option. */
  readonly tls: LocalTls | undefined
  /**
   * Everything as at the start: engines and receivers empty, faults and their chances as they were given. Addresses
   * and tokens stay, and time does not go back. Requests under way are cut, buffers dropped, and what the engines would
   * have done later is not done; a request that comes meanwhile waits. A state folder forgets what it held as well.
   */
  reset(): Promise<void>
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

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/**
 * Starts Kinesis, DynamoDB, KMS, S3, SQS and Firehose, or some of them, in this process, on loopback. Nothing is shared
 * between two starts: each has ports, engines, time and faults of its own.
 * @throws InvalidOptionError
 * @throws {StateError} when the state folder is in use, damaged, or of another version
 * @throws {EngineStartError} when there is no PostgreSQL for the receiver `redshift`, or nothing that makes a
 *   certificate
 */
export async function startLocal(options: LocalOptions = {}): Promise<LocalEngines> {
  const services = servicesOf(options)
  const state = options.stateFolder === undefined ? undefined : StateFolder.open(options.stateFolder)
  const kept = options.outputFolder ?? state?.folderOf('s3')
  const outputFolder = resolve(kept ?? (await mkdtemp(join(tmpdir(), 'sealstream-'))))
  const letGo = async (): Promise<void> => {
    state?.close()
    // A request that was cut off may still be writing its file.
    const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }
    if (kept === undefined) await rm(outputFolder, options)
  }
  try {
    return await start({ options, services, outputFolder, state, letGo })
  } catch (error) {
    await letGo()
    throw error
  }
}

interface Start {
  readonly options: LocalOptions
  readonly services: readonly LocalService[]
  readonly outputFolder: string
  readonly state: StateFolder | undefined
  /** Of the folders, at the end. */
  readonly letGo: () => Promise<void>
}

async function start({ options, services, outputFolder, state, letGo }: Start): Promise<LocalEngines> {
  const { rules, functions } = faultsOf(options)
  const keyPair = await tlsKeyPairOf(options.tls, options.host ?? 'localhost')
  const clock = options.clock === 'virtual' ? new VirtualClock() : (options.clock ?? systemClock)
  const script = new FaultScript(clock, rules, options.seed ?? 1)
  const receiverNames = receiversOf(options)
  let engines!: Engines
  const receivers = await createReceivers(receiverNames, {
    // Those of the engine of the moment.
    objects: {
      hasBucket: bucket => engines.s3?.store.hasBucket(bucket) === true,
      readObject: async (bucket, key) => engines.s3?.store.readObject(bucket, key)
    },
    clock,
    options: options.receiverOptions,
    faults: receiverFaults(script, functions),
    state
  })
  const make = (): Promise<Engines> =>
    createEngines({
      options,
      services,
      clock,
      outputFolder,
      script,
      functions,
      receivers,
      state
    })
  const closeEngines = async (): Promise<void> => {
    await engines?.firehose?.close()
    await engines?.s3?.store.uploads.discard()
    await receivers.close()
    await engines?.dynamodb?.close()
  }
  try {
    engines = await make()
  } catch (error) {
    await closeEngines()
    throw error
  }

  const inFlight = new InFlight()
  const listeners = Object.fromEntries(
    services.map(service => [service, inFlight.listener(() => listenerOf(engines, service)!)])
  ) as Partial<Record<LocalService, RequestListener>>
  const reset = async (): Promise<void> => {
    const empty = async (): Promise<void> => {
      script.script(rules)
      await engines.firehose?.close()
      await engines.dynamodb?.close()
      await engines.s3?.store.discard()
      await receivers.reset()
    }
    // Where buckets lie other files may lie, too. The state folder tells its path without links.
    const outputPath = await realpath(outputFolder).catch(() => outputFolder)
    const outputPart = relative(state?.path ?? '', outputPath).split(sep)[0]!
    await inFlight.exchange(async () => {
      await (state === undefined ? empty() : state.forget([outputPart, ...receivers.stateParts], empty))
      engines = await make()
    })
  }
  const inspect = inspectOf(() => engines, receivers.stores)
  const shownClock = localClock(clock)
  const admin = adminListener({
    faults: script,
    inspect,
    clock: shownClock,
    reset,
    running: [...services, ...receiverNames]
  })

  const servers = await listenAll(
    [
      ...services.map(service => ({ listener: listeners[service]!, port: options.ports?.[service] })),
      ...receivers.ports.map(({ listener, port }) => ({ listener: inFlight.listener(() => listener), port })),
      { listener: multiplex(listeners, admin, process.version), port: options.port }
    ],
    { host: options.host, tls: keyPair }
  ).catch(async (error: unknown) => {
    await closeEngines()
    throw error
  })
  const urls = servers.map(({ url }) => url)
  const endpoint = urls.at(-1)!
  const endpoints = Object.fromEntries(
    localServices.map(service => [service, urls[services.indexOf(service)] ?? endpoint])
  ) as Record<LocalService, string>
  const running = receivers.running(urls.slice(services.length, -1))
  engines.firehose?.start()
  const unsettle = settleDeliveries(clock, () => engines.firehose?.isBusy === true && script.delayed === 0)

  let closed: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    unsettle()
    await Promise.all(servers.map(server => server.close()))
    script.clear()
    await closeEngines()
    await letGo()
  }
  // Once: by now somebody else may have the state folder.
  const close = (): Promise<void> => {
    closed ??= closeAll()
    return closed
  }
  return {
    region,
    accountId,
    credentials,
    endpoint,
    endpoints,
    outputFolder,
    services,
    faults: script,
    inspect,
    clock: shownClock,
    tls: keyPair && {
      endpoint: secureUrl(endpoint),
      endpoints: Object.fromEntries(
        localServices.map(service => [service, secureUrl(endpoints[service])])
      ) as LocalTls['endpoints'],
      caCertificate: keyPair.certificate
    },
    reset,
    clientConfig: service => clientConfigOf({ region, credentials, endpoints }, service),
    async flushFirehose() {
      await engines.firehose?.flush()
    },
    firehoseBufferedBytes: () => engines.firehose?.bufferedBytes ?? 0,
    firehoseMetrics: name =>
      engines.firehose?.store.streamOf({ DeliveryStreamName: name }).metrics.snapshot() ?? {},
    async *everythingAtRest() {
      const { kinesis, dynamodb, sqs } = engines
      if (kinesis !== undefined) yield* kinesis.store.everything()
      if (dynamodb !== undefined) yield* dynamodb.everything()
      if (sqs !== undefined) yield* sqs.store.everything()
    },
    kmsRequests: () => engines.kms?.store.calls ?? 0,
    kmsRequestLog: () => [...(engines.kms?.store.requests ?? [])],
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

/** The same port by TLS. */
function secureUrl(url: string): string {
  return url.replace('http:', 'https:')
}

/** The functions that receivers ask: the given one first, then the rules in force. */
function receiverFaults(script: FaultScript, functions: FaultFunctions): Required<ReceiverFaults> {
  // No rule of a receiver makes an error of AWS.
  const rule = (...decided: Parameters<FaultScript['decide']>): ReturnType<FailReceiverRequest> =>
    script.decide(...decided) as ReturnType<FailReceiverRequest>
  return {
    search: givenFirst(functions.search, request =>
      rule('search', searchOperation(request), () => indexNames(request))
    ),
    hec: givenFirst(functions.hec, request => rule('hec', collectorOperation(request), () => [])),
    redshift: givenFirst(
      functions.redshift,
      ({ table }) =>
        // Rules that would answer a COPY are refused.
        script.decide('redshift', 'COPY', () => (table === undefined ? [] : [table])) as ReturnType<FailCopy>
    )
  }
}

/** Longest wait for one delivery that does not end, in milliseconds of the real time. */
const maxSettleMs = 1_000

/** Has a virtual clock wait for what deliveries read and write, which no timer tells. Returns what takes it back. */
function settleDeliveries(clock: Clock, isBusy: () => boolean): () => void {
  if (!(clock instanceof VirtualClock)) return () => {}
  return clock.settleWith(async () => {
    if (!isBusy()) return false
    const end = performance.now() + maxSettleMs
    while (isBusy() && performance.now() < end) await systemClock.sleep(1)
    return !isBusy()
  })
}

/** All of them, or none: when one port is taken the others are given back. */
async function listenAll(
  ports: readonly { readonly listener: RequestListener; readonly port: number | undefined }[],
  shared: Pick<ListenOptions, 'host' | 'tls'>
): Promise<LocalServer[]> {
  const settled = await Promise.allSettled(
    ports.map(({ listener, port }) => listen(listener, { ...shared, port }))
  )
  const servers = settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = settled.find(result => result.status === 'rejected')
  if (failed === undefined) return servers
  await Promise.all(servers.map(server => server.close()))
  throw failed.reason
}
