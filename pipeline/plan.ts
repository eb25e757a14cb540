import { checkBoolean, checkInteger, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { EncryptionContext } from '../core/record-transform.ts'
import type { PlanDestination, ResolvedDestination } from './destinations.ts'
import { checkText, checkUpTo, section } from './plan-checks.ts'
import {
  type PlanAlarms,
  type PlanLogs,
  type PlanRoles,
  type PlanStorage,
  type ResolvedAlarms,
  type ResolvedRoles,
  type ResolvedStorage,
  resolveAlarms,
  resolveLogs,
  resolveRoles,
  resolveStorage
} from './plan-infrastructure.ts'
import {
  type KeyPurpose,
  type PlanKeys,
  type ResolvedKey,
  type ResolvedTenant,
  resolveAdditionalKeys,
  resolveKeys,
  resolveTenants
} from './plan-keys.ts'
import { checkApplicationName, checkBucketName, checkStreamName } from './plan-names.ts'
import { type PlanNetwork, type ResolvedNetwork, resolveNetwork } from './plan-network.ts'
import { type PlanServices, type ResolvedServices, resolveServices } from './plan-services.ts'
import { resolveDestinations } from './resolve-destinations.ts'
import {
  checkKeyOrder,
  checkReaders,
  maxDeliveredBytes,
  maxFirehoseRecordsPerAggregate,
  maxRecordIdBytes,
  readerThatMustDeaggregate,
  type StreamReader
} from './stream-readers.ts'

export type { ResolvedFlink } from './plan-flink.ts'
export type { ResolvedFunction } from './plan-functions.ts'
export type { ResolvedConnection, ResolvedConversion } from './plan-glue.ts'
export type {
  PlanAlarms,
  PlanLogs,
  PlanRoles,
  PlanStorage,
  ResolvedAlarms,
  ResolvedRoles
} from './plan-infrastructure.ts'
export type { ResolvedIot } from './plan-iot.ts'
export type {
  KeyPurpose,
  PlanKey,
  PlanKeyOrigin,
  PlanKeys,
  ResolvedKey,
  ResolvedTenant
} from './plan-keys.ts'
export {
  gatewayEndpoints,
  type PlanEndpoint,
  type PlanNetwork,
  type ResolvedNetwork
} from './plan-network.ts'
export type { ResolvedOpenSearch } from './plan-open-search.ts'
export type { ResolvedRedshift } from './plan-redshift.ts'
export type { PlanServices, ResolvedServices } from './plan-services.ts'
export type { StreamReader } from './stream-readers.ts'

/** How the payload is sealed; `off` puts plain records and is for migrations and tests. */
export type PlanSealMode = 'aggregate' | 'record' | 'off'
export type PlanDeadLetterKind = 'sqs' | 's3'
export type PlanStreamMode = 'provisioned' | 'on-demand'
/** `auto`: Kinesis spreads records over the shards and ignores their partition keys, so that nothing has an order. */
export type PlanRecordDistribution = 'partitionKey' | 'auto'

/**
 * The one description of a pipeline. The runtime reads its configuration from it, so that names and
 * encryption-context pairs of producer and worker cannot drift apart.
 */
export interface PipelinePlan {
  /** 1 to 40 lower-case letters, digits and hyphens; every other name is derived from it unless given. */
  readonly name: string
  readonly stream?: {
    /** @default the pipeline's name */
    readonly name?: string
    /** Capacity mode of the stream when it has to be made. @default 'provisioned' */
    readonly mode?: PlanStreamMode
    /**
     * Shards of the stream when it has to be made; for a provisioned stream alone, an on-demand one begins with
     * four and sees to the rest by itself. Range 1 to 10_000.
     * @default 4
     */
    readonly shards?: number
    /**
     * Largest record of the stream when it has to be made, in KiB, for whoever puts to it. Our own producers stay
     * at what the plan's destinations take, see `producer.maxRecordBytes`. Range 1_024 to 10_240.
     * @default 1_024
     */
    readonly maxRecordKiB?: number
    /** How records find their shard; `auto` goes with an on-demand stream alone. @default 'partitionKey' */
    readonly recordDistribution?: PlanRecordDistribution
    /**
     * How long the stream keeps records when it has to be made, in hours: the time there is to come back from an outage
     * of a key or a consumer. Range 24 to 8_760.
     * @default 168
     */
    readonly retentionHours?: number
    /** Who reads the stream besides our own workers. What they could not read is refused. @default [] */
    readonly readers?: readonly StreamReader[]
  }
  readonly sealing?: {
    /** `record` is for streams that a Java KCL or another de-aggregating reader also reads. @default 'aggregate' */
    readonly mode?: PlanSealMode
    /** Id, ARN or alias of the wrapping key. @default `alias/<name>` */
    readonly keyId?: string
    /**
     * ARNs of further wrapping keys, such as one of another region: every data key is encrypted under each, so that any of
     * them opens. They have to be there, and have their policies from their owner. At most 4. Not with `tenants`.
     * @default []
     */
    readonly additionalKeys?: readonly string[]
    /** Further context pairs, the same for every record. Readable by everyone who sees the stream. */
    readonly context?: EncryptionContext
    /**
     * Tenants, each with a key of its own: `made` by the template, or its ARN. Ids of 1 to 40 letters, digits and
     * hyphens, at most 100. A producer then says by `keyFor` whose record it is; without a tenant nothing is sealed.
     * @default none: one key for all
     */
    readonly tenants?: Readonly<Record<string, string>>
  }
  /** What every producer of the pipeline has in common. */
  readonly producer?: {
    /** What the user records of one aggregate have in common: the predicted shard or the partition key. @default 'shard' */
    readonly aggregateBy?: 'shard' | 'partitionKey'
    /**
     * Whether the records of a partition key reach the stream in the order of their puts. Not with the record
     * distribution `auto`.
     * @default false
     */
    readonly ordered?: boolean
    /**
     * How much of a shard's quota each producer sends at most, in percent. Range 1 to 1_000_000, which is no limit.
     * @default 150
     */
    readonly rateLimitPercent?: number
    /** In ordered mode: whether records behind one that failed are handed back, too, or sent. @default 'stop' */
    readonly onLaneFailure?: 'stop' | 'continue'
    /**
     * Most user records in one aggregate. Range 1 to 100_000; to 500 where a Firehose reads the stream and the
     * aggregates are not sealed as one.
     * @default the producer's own default; 500 with such a Firehose
     */
    readonly maxRecordsPerAggregate?: number
    /**
     * Largest Kinesis record, data and partition key, in bytes as they are stored. Range 1_024 to what the
     * strictest destination takes: 1_024_000, less one where a delimiter is added to each record.
     * @default the largest of that range
     */
    readonly maxRecordBytes?: number
  }
  readonly consumer?: {
    /** Name of the lease table. @default `<name>-worker` */
    readonly applicationName?: string
    /** Where shards without a lease begin. @default 'TRIM_HORIZON' */
    readonly initialPosition?: 'TRIM_HORIZON' | 'LATEST'
    /** Milliseconds after which the leases of a silent worker are taken. Range 1_000 to 300_000. @default 10_000 */
    readonly failoverTimeMs?: number
    /** Milliseconds between two reads of a shard. Range 200 to 60_000. @default 1_000 */
    readonly idleTimeBetweenReadsMs?: number
    /**
     * How shards are read: polled, or by enhanced fan-out, which AWS bills by the hour and shard. The consumer is
     * registered under the application's name where it is missing, but never on AWS: there it is infrastructure.
     * @default 'polling'
     */
    readonly retrieval?: 'polling' | 'fan-out'
    /** With `fan-out`: whether shards are polled where the fan-out consumer cannot be had. @default false */
    readonly fallBackToPolling?: boolean
    /** Bytes that a worker reads ahead at most. 0, or 1_048_576 to 17_179_869_184. @default 67_108_864 */
    readonly maxReadAheadBytes?: number
    /**
     * Whether user records outside of their shard are passed over: only where every producer sends them again, as ours
     * and the KPL do.
     * @default false
     */
    readonly filterOutOfRange?: boolean
    /** Whether a Java KCL shares the lease table. @default false */
    readonly foreignWorkers?: boolean
    /**
     * Whether each worker takes leases for itself, as in KCL 1 and 2, or one of them leads and assigns them, as in KCL 3.
     * @default 'kcl2'
     */
    readonly leaseProtocol?: 'kcl2' | 'kcl3'
  }
  /**
   * Where the workers deliver every record to, each through a delivery stream of its own. 1 to 16.
   * @default [{ kind: 's3' }]
   */
  readonly destinations?: readonly PlanDestination[]
  readonly deadLetters?: {
    /** Messages in SQS, or objects in S3 alone: those are kept for longer than 14 days. @default 'sqs' */
    readonly kind?: PlanDeadLetterKind
    /** Name or URL of the queue; for `sqs` alone. @default `<name>-dead-letters` */
    readonly queue?: string
    /**
     * Id, ARN or alias of the KMS key that encrypts the queue when it has to be made; for `sqs` alone.
     * @default SQS's own encryption (SSE-SQS)
     */
    readonly keyId?: string
    /** Bucket of what is too large for a message, or of all dead letters. @default `<name>-dead-letters` */
    readonly bucket?: string
    /** Prefix of the keys in that bucket. @default '' */
    readonly prefix?: string
  }
  /** Keys of KMS, one for each purpose. */
  readonly keys?: PlanKeys
  readonly roles?: PlanRoles
  /** VPC of producers and workers. @default none: no endpoints are made */
  readonly network?: PlanNetwork
  /** False makes none. @default true */
  readonly alarms?: boolean | PlanAlarms
  readonly logs?: PlanLogs
  readonly storage?: PlanStorage
  /** What a template makes beside the pipeline. @default none */
  readonly services?: PlanServices
}

type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> }

/** A plan with every default filled in. */
export interface ResolvedPlan {
  readonly name: string
  readonly stream: Filled<NonNullable<PipelinePlan['stream']>>
  readonly sealing: Filled<Omit<NonNullable<PipelinePlan['sealing']>, 'tenants'>> & {
    /** Empty: one key for all. */
    readonly tenants: readonly ResolvedTenant[]
  }
  readonly producer: Filled<Omit<NonNullable<PipelinePlan['producer']>, 'maxRecordsPerAggregate'>> & {
    /** Undefined: the producer's own default. */
    readonly maxRecordsPerAggregate: number | undefined
  }
  readonly consumer: Filled<NonNullable<PipelinePlan['consumer']>>
  readonly destinations: readonly ResolvedDestination[]
  readonly deadLetters: Filled<Omit<NonNullable<PipelinePlan['deadLetters']>, 'keyId'>> & {
    /** Undefined: SQS's own encryption. */
    readonly keyId: string | undefined
  }
  readonly keys: Readonly<Record<KeyPurpose, ResolvedKey>>
  readonly roles: ResolvedRoles
  readonly network: ResolvedNetwork | undefined
  readonly alarms: ResolvedAlarms
  readonly logs: Filled<PlanLogs>
  readonly storage: ResolvedStorage
  readonly services: ResolvedServices
}

/**
 * Checks a plan and fills in its defaults.
 * @throws InvalidOptionError naming the member's path: for an unknown member, for a wrong value, and for one that
 * contradicts another, such as a way of sealing that a declared reader cannot read.
 */
export function definePipeline(plan: PipelinePlan): ResolvedPlan {
  section('', plan, [
    'name',
    'stream',
    'sealing',
    'producer',
    'consumer',
    'destinations',
    'deadLetters',
    'keys',
    'roles',
    'network',
    'alarms',
    'logs',
    'storage',
    'services'
  ])
  const name = checkString('name', plan.name)
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
    throw new InvalidOptionError('name', 'expected 1 to 40 lower-case letters, digits and hyphens')
  }
  const sealing = section('sealing', plan.sealing, ['mode', 'keyId', 'additionalKeys', 'context', 'tenants'])
  const consumer = section('consumer', plan.consumer, [
    'applicationName',
    'initialPosition',
    'failoverTimeMs',
    'idleTimeBetweenReadsMs',
    'retrieval',
    'fallBackToPolling',
    'maxReadAheadBytes',
    'filterOutOfRange',
    'foreignWorkers',
    'leaseProtocol'
  ])
  const stream = resolveStream(plan.stream, name)
  const mode = checkOneOf('sealing.mode', sealing.mode ?? 'aggregate', ['aggregate', 'record', 'off'])
  const destinations = resolveDestinations(plan.destinations ?? [{ kind: 's3' }], name)
  checkReadable(mode, stream.readers)
  if (mode === 'off' && destinations[0]?.deliver === 'ciphertext') {
    throw new InvalidOptionError(
      'destinations[0].deliver',
      "'ciphertext' needs sealing.mode other than 'off'"
    )
  }
  const keyId = sealing.keyId === undefined ? undefined : checkString('sealing.keyId', sealing.keyId)
  const tenants = resolveTenants(sealing.tenants ?? {}, name)
  checkTenants(sealing, mode, tenants)
  const keys = resolveKeys(plan.keys, keyId, tenants.length > 0)
  const network = plan.network === undefined ? undefined : resolveNetwork(plan.network)
  return {
    name,
    stream,
    sealing: {
      mode,
      keyId: keyId ?? keys.envelope.arn ?? `alias/${name}`,
      additionalKeys: resolveAdditionalKeys(sealing.additionalKeys, keys, tenants.length > 0),
      context: checkContext(sealing.context ?? {}),
      tenants
    },
    producer: resolveProducer(plan.producer, { stream, mode, destinations }),
    consumer: {
      applicationName: checkApplicationName(
        'consumer.applicationName',
        consumer.applicationName ?? `${name}-worker`
      ),
      initialPosition: checkOneOf('consumer.initialPosition', consumer.initialPosition ?? 'TRIM_HORIZON', [
        'TRIM_HORIZON',
        'LATEST'
      ]),
      failoverTimeMs: checkInteger(
        'consumer.failoverTimeMs',
        consumer.failoverTimeMs ?? 10_000,
        1_000,
        300_000
      ),
      idleTimeBetweenReadsMs: checkInteger(
        'consumer.idleTimeBetweenReadsMs',
        consumer.idleTimeBetweenReadsMs ?? 1_000,
        200,
        60_000
      ),
      retrieval: checkOneOf('consumer.retrieval', consumer.retrieval ?? 'polling', ['polling', 'fan-out']),
      fallBackToPolling: checkFallBack(consumer),
      maxReadAheadBytes:
        consumer.maxReadAheadBytes === 0
          ? 0
          : checkInteger(
              'consumer.maxReadAheadBytes',
              consumer.maxReadAheadBytes ?? 67_108_864,
              1_048_576,
              17_179_869_184
            ),
      filterOutOfRange: checkBoolean('consumer.filterOutOfRange', consumer.filterOutOfRange ?? false),
      foreignWorkers: checkBoolean('consumer.foreignWorkers', consumer.foreignWorkers ?? false),
      leaseProtocol: checkOneOf('consumer.leaseProtocol', consumer.leaseProtocol ?? 'kcl2', ['kcl2', 'kcl3'])
    },
    destinations,
    deadLetters: resolveDeadLetters(plan.deadLetters, name),
    keys,
    roles: resolveRoles(plan.roles, name),
    network,
    alarms: resolveAlarms(plan.alarms),
    logs: resolveLogs(plan.logs),
    storage: resolveStorage(plan.storage, name),
    services: resolveServices(plan.services, {
      name,
      streamName: stream.name,
      sealMode: mode,
      destinations,
      network,
      readers: stream.readers,
      envelope: keys.envelope
    })
  }
}

function checkTenants(
  sealing: Partial<NonNullable<PipelinePlan['sealing']>>,
  mode: PlanSealMode,
  tenants: readonly ResolvedTenant[]
): void {
  if (tenants.length === 0) return
  if (mode === 'off') {
    throw new InvalidOptionError('sealing.tenants', "needs sealing.mode other than 'off'")
  }
  if (sealing.keyId === undefined) return
  throw new InvalidOptionError(
    'sealing.keyId',
    'does not go with sealing.tenants, each with a key of its own'
  )
}

function checkFallBack(consumer: Partial<NonNullable<PipelinePlan['consumer']>>): boolean {
  const option = 'consumer.fallBackToPolling'
  const fallsBack = checkBoolean(option, consumer.fallBackToPolling ?? false)
  if (!fallsBack || consumer.retrieval === 'fan-out') return fallsBack
  throw new InvalidOptionError(option, "goes with consumer.retrieval 'fan-out' alone")
}

function resolveDeadLetters(
  options: PipelinePlan['deadLetters'],
  pipelineName: string
): ResolvedPlan['deadLetters'] {
  const deadLetters = section('deadLetters', options, ['kind', 'queue', 'keyId', 'bucket', 'prefix'])
  const kind = checkOneOf('deadLetters.kind', deadLetters.kind ?? 'sqs', ['sqs', 's3'])
  if (kind === 's3') {
    for (const member of ['queue', 'keyId'] as const) {
      if (deadLetters[member] === undefined) continue
      throw new InvalidOptionError(`deadLetters.${member}`, "goes with deadLetters.kind 'sqs' alone")
    }
  }
  const queue = checkString('deadLetters.queue', deadLetters.queue ?? `${pipelineName}-dead-letters`)
  if (!isQueueUrl(queue) && !/^[A-Za-z0-9_-]{1,80}$/.test(queue)) {
    throw new InvalidOptionError(
      'deadLetters.queue',
      'expected 1 to 80 letters, digits, hyphens and underscores, or the URL of a queue'
    )
  }
  return {
    kind,
    queue,
    keyId: deadLetters.keyId === undefined ? undefined : checkString('deadLetters.keyId', deadLetters.keyId),
    bucket: checkBucketName('deadLetters.bucket', deadLetters.bucket ?? `${pipelineName}-dead-letters`),
    prefix: checkText('deadLetters.prefix', deadLetters.prefix ?? '')
  }
}

/** Whether a queue is named by its URL. */
export function isQueueUrl(queue: string): boolean {
  return /^https?:\/\//.test(queue)
}

function resolveStream(options: PipelinePlan['stream'], pipelineName: string): ResolvedPlan['stream'] {
  const stream = section('stream', options, [
    'name',
    'mode',
    'shards',
    'maxRecordKiB',
    'recordDistribution',
    'retentionHours',
    'readers'
  ])
  const mode = checkOneOf('stream.mode', stream.mode ?? 'provisioned', ['provisioned', 'on-demand'])
  const recordDistribution = checkOneOf(
    'stream.recordDistribution',
    stream.recordDistribution ?? 'partitionKey',
    ['partitionKey', 'auto']
  )
  if (mode === 'on-demand' && stream.shards !== undefined) {
    throw new InvalidOptionError('stream.shards', "goes with stream.mode 'provisioned' alone")
  }
  if (mode === 'provisioned' && recordDistribution === 'auto') {
    throw new InvalidOptionError(
      'stream.recordDistribution',
      "'auto' goes with stream.mode 'on-demand' alone: expected 'partitionKey', or that mode"
    )
  }
  return {
    name: checkStreamName('stream.name', stream.name ?? pipelineName),
    mode,
    shards: checkInteger('stream.shards', stream.shards ?? 4, 1, 10_000),
    maxRecordKiB: checkInteger('stream.maxRecordKiB', stream.maxRecordKiB ?? 1_024, 1_024, 10_240),
    recordDistribution,
    retentionHours: checkInteger('stream.retentionHours', stream.retentionHours ?? 168, 24, 8_760),
    readers: checkReaders('stream.readers', stream.readers ?? [], pipelineName)
  }
}

/** A reader that finds one opaque record where it expects user records loses all of them. */
function checkReadable(mode: PlanSealMode, readers: readonly StreamReader[]): void {
  if (mode !== 'aggregate') return
  for (const [index, reader] of readers.entries()) {
    const who = readerThatMustDeaggregate(reader)
    if (who === undefined) continue
    throw new InvalidOptionError(
      'sealing.mode',
      `'aggregate' cannot be read by stream.readers[${index}], ${who}, which de-aggregates before it decrypts: expected 'record' or 'off'`
    )
  }
}

function resolveProducer(
  options: PipelinePlan['producer'],
  { stream, mode, destinations }: Pick<ResolvedPlan, 'stream' | 'destinations'> & { mode: PlanSealMode }
): ResolvedPlan['producer'] {
  const producer = section('producer', options, [
    'aggregateBy',
    'ordered',
    'onLaneFailure',
    'rateLimitPercent',
    'maxRecordsPerAggregate',
    'maxRecordBytes'
  ])
  const ordered = checkBoolean('producer.ordered', producer.ordered ?? false)
  if (ordered && stream.recordDistribution === 'auto') {
    throw new InvalidOptionError(
      'producer.ordered',
      "there is no order with stream.recordDistribution 'auto': expected false, or the distribution 'partitionKey'"
    )
  }
  const aggregateBy = checkOneOf('producer.aggregateBy', producer.aggregateBy ?? 'shard', [
    'shard',
    'partitionKey'
  ])
  if (stream.recordDistribution === 'partitionKey') checkKeyOrder(aggregateBy, stream.readers)
  const firehose = stream.readers.findIndex(({ kind }) => kind === 'firehose')
  // The stream's own limit is never the strictest one: it is 1 MiB at least.
  const added = addedInDelivery(destinations, firehose >= 0)
  return {
    aggregateBy,
    ordered,
    onLaneFailure: checkOneOf('producer.onLaneFailure', producer.onLaneFailure ?? 'stop', [
      'stop',
      'continue'
    ]),
    rateLimitPercent: checkInteger(
      'producer.rateLimitPercent',
      producer.rateLimitPercent ?? 150,
      1,
      1_000_000
    ),
    maxRecordsPerAggregate: checkRecordsPerAggregate(
      producer.maxRecordsPerAggregate,
      // An aggregate that is sealed as one is taken apart by our transform alone, which knows no such limit.
      mode === 'aggregate' ? -1 : firehose
    ),
    maxRecordBytes: checkUpTo(
      'producer.maxRecordBytes',
      producer.maxRecordBytes ?? added.maxRecordBytes,
      1_024,
      added.maxRecordBytes,
      `what Firehose delivers${added.what === undefined ? '' : `, less ${added.what}`}`
    )
  }
}

/** The largest record that is still small enough with what a delivery adds to it. */
function addedInDelivery(
  destinations: readonly ResolvedDestination[],
  isReadByFirehose: boolean
): { readonly maxRecordBytes: number; readonly what: string | undefined } {
  const most = maxDeliveredBytes
  if (destinations.some(({ deliver }) => deliver === 'ciphertext')) {
    // Four characters for each three bytes begun, and a delimiter.
    return { maxRecordBytes: Math.floor((most - 1) / 4) * 3, what: 'what base64 adds' }
  }
  const idBytes = Math.max(
    ...destinations.map(({ recordIdField: name }) =>
      name === undefined ? 0 : Buffer.byteLength(JSON.stringify(name)) + maxRecordIdBytes
    )
  )
  const delimiterBytes = isReadByFirehose || destinations.some(({ framing }) => framing !== 'none') ? 1 : 0
  const what = [idBytes > 0 ? 'the record id' : '', delimiterBytes > 0 ? 'the delimiter' : '']
    .filter(part => part !== '')
    .join(' and ')
  return { maxRecordBytes: most - idBytes - delimiterBytes, what: what === '' ? undefined : what }
}

/** `firehose` is the index of the reader whose limit holds, or -1. */
function checkRecordsPerAggregate(value: number | undefined, firehose: number): number | undefined {
  const option = 'producer.maxRecordsPerAggregate'
  if (firehose >= 0) {
    const because = `what Firehose, stream.readers[${firehose}], takes out of one Kinesis record`
    const most = maxFirehoseRecordsPerAggregate
    return checkUpTo(option, value ?? most, 1, most, because)
  }
  return value === undefined ? undefined : checkInteger(option, value, 1, 100_000)
}

function checkContext(context: EncryptionContext): EncryptionContext {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw new InvalidOptionError('sealing.context', 'expected an object of strings')
  }
  for (const [name, value] of Object.entries(context)) {
    // The value itself is not quoted: context values do not belong in errors.
    if (typeof value !== 'string')
      throw new InvalidOptionError(`sealing.context.${name}`, 'expected a string')
    if (name === 'pipeline' || name === 'stream' || name === 'tenant') {
      throw new InvalidOptionError(`sealing.context.${name}`, 'is set by the pipeline itself')
    }
  }
  return context
}
