import type { ResolvedDestination } from '../pipeline/destinations.ts'
import type { ResolvedPlan, StreamReader } from '../pipeline/plan.ts'
import {
  bucketArn,
  deliveryRoleId,
  functionArn,
  readerRoleId,
  roleArn,
  roleIds,
  transformRoleId
} from './plan-arns.ts'

type FirehoseReader = Extract<StreamReader, { destination: 's3' }>
type LambdaReader = Extract<StreamReader, { kind: 'lambda' }>

/** A delivery stream that the template makes with the stream as its source. */
export interface SourcedDelivery {
  readonly deliveryStreamName: string
  readonly bucket: string
  readonly transform: FirehoseReader['transform']
}

/** A function whose event source mapping the template makes. */
export interface MappedFunction {
  /** Name of a function that the template makes, with its role. */
  readonly made: string | undefined
  readonly functionArn: string
  readonly roleArn: string
  readonly onFailureQueue: string
  readonly parallelizationFactor: number
}

export function sourcedDeliveries({ stream }: ResolvedPlan): readonly SourcedDelivery[] {
  return stream.readers.flatMap(reader => {
    if (reader.kind !== 'firehose' || reader.destination !== 's3') return []
    const { deliveryStreamName, bucket, transform } = reader
    if (deliveryStreamName === undefined || bucket === undefined) return []
    return [{ deliveryStreamName, bucket, transform }]
  })
}

export function mappedFunctions({ stream }: ResolvedPlan): readonly MappedFunction[] {
  return stream.readers.flatMap(reader => {
    if (reader.kind !== 'lambda') return []
    const { functionName: made, onFailureQueue, parallelizationFactor = 1 }: LambdaReader = reader
    if (onFailureQueue === undefined) return []
    const shared = { made, onFailureQueue, parallelizationFactor }
    if (made !== undefined) {
      const arn = functionArn(`${made}:${reader.qualifier}`)
      return [{ ...shared, functionArn: arn, roleArn: roleArn(readerRoleId(made)) }]
    }
    if (reader.functionArn === undefined || reader.roleArn === undefined) return []
    return [{ ...shared, functionArn: reader.functionArn, roleArn: reader.roleArn }]
  })
}

/** Names of the functions that transform, each once. */
export function transformFunctions(plan: ResolvedPlan): readonly string[] {
  return [...new Set(sourcedDeliveries(plan).flatMap(({ transform }) => transform?.functionName ?? []))]
}

/** Names of the functions that are made to read the stream. */
export function readerFunctions({ services }: ResolvedPlan): readonly string[] {
  return services.functions.filter(({ use }) => use === 'reader').map(({ name }) => name)
}

const readerFunctionArns = (plan: ResolvedPlan): readonly string[] =>
  readerFunctions(plan).map(name => roleArn(readerRoleId(name)))

/** Queues of what Lambda gave up, each once. */
export function failureQueues(plan: ResolvedPlan): readonly string[] {
  return [...new Set(mappedFunctions(plan).map(({ onFailureQueue }) => onFailureQueue))]
}

/** Roles of readers of a kind that the plan was given. */
export function givenReaders({ stream }: ResolvedPlan, kind: 'kcl' | 'lambda'): readonly string[] {
  const given = stream.readers.flatMap(reader =>
    reader.kind !== kind || reader.roleArn === undefined ? [] : reader.roleArn
  )
  return [...new Set(given)]
}

/** Roles of all readers that the plan was given. */
function givenReaderArns(plan: ResolvedPlan): readonly string[] {
  return [...new Set([...givenReaders(plan, 'kcl'), ...givenReaders(plan, 'lambda')])]
}

/** Who may unwrap data keys. */
export function envelopeReaderArns(plan: ResolvedPlan): readonly string[] {
  const { replayer, analystArn } = plan.roles
  const opens = plan.destinations.every(({ deliver }) => deliver === 'plaintext')
  return [
    ...(opens ? [roleArn(roleIds.consumer)] : []),
    ...(opens && replayer ? [roleArn(roleIds.replayer)] : []),
    ...transformFunctions(plan).map(name => roleArn(transformRoleId(name))),
    ...readerFunctionArns(plan),
    ...(plan.services.flink?.opens ? [roleArn(roleIds.flink)] : []),
    ...givenReaderArns(plan),
    // Sealed bytes were delivered: whoever reads them has to open them.
    ...(opens || analystArn === undefined ? [] : [analystArn])
  ]
}

/** Who reads the stream as it is stored. */
export function streamReaderArns(plan: ResolvedPlan): readonly string[] {
  return [
    roleArn(roleIds.consumer),
    ...sourcedDeliveries(plan).map(({ deliveryStreamName }) => roleArn(deliveryRoleId(deliveryStreamName))),
    ...readerFunctionArns(plan),
    ...(plan.services.flink === undefined ? [] : [roleArn(roleIds.flink)]),
    ...givenReaderArns(plan)
  ]
}

/** Who writes the stream. */
export function streamWriterArns({ services }: ResolvedPlan): readonly string[] {
  return [roleArn(roleIds.producer), ...(services.iot === undefined ? [] : [roleArn(roleIds.iotRule)])]
}

/** Who keeps leases: our workers, and those of a KCL that shares their table. */
export function leaseWorkerArns(plan: ResolvedPlan): readonly string[] {
  return [roleArn(roleIds.consumer), ...(plan.consumer.foreignWorkers ? givenReaders(plan, 'kcl') : [])]
}

/** A bucket that delivery streams write to. */
export interface SinkBucket {
  readonly bucket: string
  /** `staging`: what Redshift loads from, and nobody needs any longer. */
  readonly use: 'delivered' | 'staging'
  readonly writerArns: readonly string[]
}

/** Buckets of destinations and readers, each once. */
export function sinkBuckets(plan: ResolvedPlan): readonly SinkBucket[] {
  const writers: readonly (Pick<ResolvedDestination, 'bucket' | 'deliveryStreamName'> & {
    readonly kind?: string
  })[] = [...plan.destinations, ...sourcedDeliveries(plan)]
  return [...new Set(writers.map(({ bucket }) => bucket))].map(bucket => {
    const own = writers.filter(writer => writer.bucket === bucket)
    return {
      bucket,
      use: own.every(({ kind }) => kind === 'redshift') ? 'staging' : 'delivered',
      writerArns: own.map(({ deliveryStreamName }) => roleArn(deliveryRoleId(deliveryStreamName)))
    }
  })
}

export const sinkBucketArns = (plan: ResolvedPlan): readonly string[] =>
  sinkBuckets(plan).map(({ bucket }) => bucketArn(bucket))
