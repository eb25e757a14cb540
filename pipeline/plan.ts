import { checkInteger, checkKnownOptions, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { EncryptionContext } from '../core/record-transform.ts'

/** How the payload is sealed; `off` puts plain records and is for migrations and tests. */
export type PlanSealMode = 'aggregate' | 'record' | 'off'
export type PlanFraming = 'ndjson' | 'lines' | 'none'
export type PlanCompression = 'UNCOMPRESSED' | 'GZIP'

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
    /** Shards of the stream when it has to be made. Range 1 to 10_000. @default 4 */
    readonly shards?: number
  }
  readonly sealing?: {
    /** `record` is for streams that a Java KCL or another de-aggregating reader also reads. @default 'aggregate' */
    readonly mode?: PlanSealMode
    /** Id, ARN or alias of the wrapping key. @default `alias/<name>` */
    readonly keyId?: string
    /** Further context pairs, the same for every record. Readable by everyone who sees the stream. */
    readonly context?: EncryptionContext
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
  }
  readonly delivery?: {
    /** @default `<name>-s3` */
    readonly deliveryStreamName?: string
    /** What stands between two records of an object. @default 'ndjson' */
    readonly framing?: PlanFraming
    /** @default `<name>-delivered` */
    readonly bucket?: string
    /** Prefix of the object keys, see the Firehose documentation. @default 'records/' */
    readonly prefix?: string
    /** Role that Firehose assumes; only used where the delivery stream has to be made. */
    readonly roleArn?: string
    /** Range 1 to 128. @default 5 */
    readonly bufferSizeMiB?: number
    /** Range 0 to 900. @default 60 */
    readonly bufferIntervalSeconds?: number
    /** @default 'UNCOMPRESSED' */
    readonly compression?: PlanCompression
  }
  readonly deadLetters?: {
    /** @default `<name>-dead-letters` */
    readonly bucket?: string
    /** @default '' */
    readonly prefix?: string
  }
}

type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> }

/** A plan with every default filled in. */
export interface ResolvedPlan {
  readonly name: string
  readonly stream: Filled<NonNullable<PipelinePlan['stream']>>
  readonly sealing: Filled<NonNullable<PipelinePlan['sealing']>>
  readonly consumer: Filled<NonNullable<PipelinePlan['consumer']>>
  readonly delivery: Filled<NonNullable<PipelinePlan['delivery']>>
  readonly deadLetters: Filled<NonNullable<PipelinePlan['deadLetters']>>
}

/**
 * Checks a plan and fills in its defaults.
 * @throws InvalidOptionError naming the member's path, for an unknown member as for a wrong value.
 */
export function definePipeline(plan: PipelinePlan): ResolvedPlan {
  section('', plan, ['name', 'stream', 'sealing', 'consumer', 'delivery', 'deadLetters'])
  const name = checkString('name', plan.name)
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
    throw new InvalidOptionError('name', 'expected 1 to 40 lower-case letters, digits and hyphens')
  }
  const stream = section('stream', plan.stream, ['name', 'shards'])
  const sealing = section('sealing', plan.sealing, ['mode', 'keyId', 'context'])
  const consumer = section('consumer', plan.consumer, [
    'applicationName',
    'initialPosition',
    'failoverTimeMs',
    'idleTimeBetweenReadsMs'
  ])
  const delivery = section('delivery', plan.delivery, [
    'deliveryStreamName',
    'framing',
    'bucket',
    'prefix',
    'roleArn',
    'bufferSizeMiB',
    'bufferIntervalSeconds',
    'compression'
  ])
  const deadLetters = section('deadLetters', plan.deadLetters, ['bucket', 'prefix'])
  return {
    name,
    stream: {
      name: checkString('stream.name', stream.name ?? name),
      shards: checkInteger('stream.shards', stream.shards ?? 4, 1, 10_000)
    },
    sealing: {
      mode: checkOneOf('sealing.mode', sealing.mode ?? 'aggregate', ['aggregate', 'record', 'off']),
      keyId: checkString('sealing.keyId', sealing.keyId ?? `alias/${name}`),
      context: checkContext(sealing.context ?? {})
    },
    consumer: {
      applicationName: checkString('consumer.applicationName', consumer.applicationName ?? `${name}-worker`),
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
      )
    },
    delivery: {
      deliveryStreamName: checkString(
        'delivery.deliveryStreamName',
        delivery.deliveryStreamName ?? `${name}-s3`
      ),
      framing: checkOneOf('delivery.framing', delivery.framing ?? 'ndjson', ['ndjson', 'lines', 'none']),
      bucket: checkString('delivery.bucket', delivery.bucket ?? `${name}-delivered`),
      prefix: checkText('delivery.prefix', delivery.prefix ?? 'records/'),
      roleArn: checkString('delivery.roleArn', delivery.roleArn ?? 'arn:aws:iam::000000000000:role/firehose'),
      bufferSizeMiB: checkInteger('delivery.bufferSizeMiB', delivery.bufferSizeMiB ?? 5, 1, 128),
      bufferIntervalSeconds: checkInteger(
        'delivery.bufferIntervalSeconds',
        delivery.bufferIntervalSeconds ?? 60,
        0,
        900
      ),
      compression: checkOneOf('delivery.compression', delivery.compression ?? 'UNCOMPRESSED', [
        'UNCOMPRESSED',
        'GZIP'
      ])
    },
    deadLetters: {
      bucket: checkString('deadLetters.bucket', deadLetters.bucket ?? `${name}-dead-letters`),
      prefix: checkText('deadLetters.prefix', deadLetters.prefix ?? '')
    }
  }
}

function section<T extends object>(
  path: string,
  value: T | undefined,
  known: readonly (keyof T & string)[]
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(path === '' ? 'plan' : path, 'expected an object')
  }
  checkKnownOptions(path, value, known)
  return value
}

function checkText(option: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new InvalidOptionError(option, `expected a string, found ${typeof value}`)
}

function checkContext(context: EncryptionContext): EncryptionContext {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw new InvalidOptionError('sealing.context', 'expected an object of strings')
  }
  for (const [name, value] of Object.entries(context)) {
    // The value itself is not quoted: context values do not belong in errors.
    if (typeof value !== 'string')
      throw new InvalidOptionError(`sealing.context.${name}`, 'expected a string')
    if (name === 'pipeline' || name === 'stream') {
      throw new InvalidOptionError(`sealing.context.${name}`, 'is set by the pipeline itself')
    }
  }
  return context
}
