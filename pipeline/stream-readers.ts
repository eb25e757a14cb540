import { checkBoolean, checkInteger, checkKnownOptions, checkOneOf } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import {
  checkArn,
  checkBucketName,
  checkDeliveryStreamName,
  checkFunctionName,
  checkQualifier,
  checkQueueName,
  checkRoleArn
} from './plan-names.ts'

const readerKinds = ['kcl', 'lambda', 'firehose'] as const
const firehoseDestinations = ['s3', 'redshift', 'splunk', 'elasticsearch', 'http'] as const

/** Who reads the stream besides our own worker, which can read everything. */
export type StreamReader =
  /** A Kinesis Client Library application of somebody else. */
  | {
      readonly kind: 'kcl'
      /** Role that it runs under, which may then open the records. @default none */
      readonly roleArn?: string | undefined
    }
  /** A Lambda function with the stream as event source. */
  | {
      readonly kind: 'lambda'
      /** Whether `kinesisHandler` made it, which can read everything. @default 'other' */
      readonly handler?: 'sealstream' | 'other'
      /** Of the event source mapping: batches of one shard at a time. Range 1 to 10. @default 1 */
      readonly parallelizationFactor?: number
      /** Whether it counts on the order of the records of one partition key. @default true */
      readonly keyOrder?: boolean
      /**
       * ARN of the function, which has to be there, best with a version or alias: the template makes the event source
       * mapping. Needs `roleArn`.
       * @default none: whoever has the function makes its mapping
       */
      readonly functionArn?: string | undefined
      /**
       * Name of a function of `services.functions`, which the template makes, in place of `functionArn` and `roleArn`.
       * Needs `qualifier`.
       */
      readonly functionName?: string | undefined
      /** Alias of that function. */
      readonly qualifier?: string | undefined
      /** Role of the function, which may then open the records. */
      readonly roleArn?: string | undefined
      /** Queue that is told of batches that Lambda gave up, without their records. @default `<name>-lambda-failures` */
      readonly onFailureQueue?: string | undefined
    }
  /** A delivery stream whose source is the stream itself. */
  | {
      readonly kind: 'firehose'
      readonly destination: 's3'
      /** Whether the object keys depend on the records. @default false */
      readonly dynamicPartitioning?: boolean
      /** Name of the delivery stream that the template makes. @default none: it is somebody else's */
      readonly deliveryStreamName?: string | undefined
      /** What it delivers to. @default `<deliveryStreamName>`, in lower case */
      readonly bucket?: string | undefined
      /** The function that opens the records; without it sealed bytes are delivered. */
      readonly transform?: ReaderTransform | undefined
    }
  | { readonly kind: 'firehose'; readonly destination: 'redshift' | 'splunk' | 'elasticsearch' | 'http' }

/** A function that `firehoseTransform` made. Its role is made by the template, so it can be there later. */
export interface ReaderTransform {
  /** 1 to 64 letters, digits, hyphens and underscores. */
  readonly functionName: string
  /** Version or alias. */
  readonly qualifier: string
}

/**
 * Most user records that Firehose takes out of one Kinesis record; beyond that it passes the record on whole
 * (https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html).
 */
export const maxFirehoseRecordsPerAggregate = 500

/**
 * Largest record that Firehose delivers, in bytes, its delimiter included
 * (https://docs.aws.amazon.com/firehose/latest/dev/limits.html).
 */
export const maxDeliveredBytes = 1_024_000

/**
 * Bytes that a record id takes in JSON beside the name of its member, at most: stream 128, shard 128, sequence number 129,
 * sub-sequence number 10, and what stands between and around them.
 */
export const maxRecordIdBytes = 402

/**
 * Checks the list and returns a copy of it.
 * @throws InvalidOptionError naming the member, such as `stream.readers[0].destination`
 */
export function checkReaders(option: string, value: unknown, pipelineName: string): readonly StreamReader[] {
  if (!Array.isArray(value)) {
    throw new InvalidOptionError(option, "expected a list of readers, such as [{ kind: 'kcl' }]")
  }
  return value.map((reader: unknown, index) => checkReader(`${option}[${index}]`, reader, pipelineName))
}

function checkReader(option: string, value: unknown, pipelineName: string): StreamReader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(option, "expected an object, such as { kind: 'kcl' }")
  }
  const reader: Readonly<Partial<Record<string, unknown>>> = { ...value }
  const kind = checkOneOf(`${option}.kind`, reader.kind, readerKinds)
  if (kind === 'kcl') {
    checkKnownOptions(option, reader, ['kind', 'roleArn'])
    return { kind, ...(reader.roleArn === undefined ? {} : roleOf(option, reader)) }
  }
  if (kind === 'lambda') {
    checkKnownOptions(option, reader, [
      'kind',
      'handler',
      'parallelizationFactor',
      'keyOrder',
      'functionArn',
      'functionName',
      'qualifier',
      'roleArn',
      'onFailureQueue'
    ])
    return {
      kind,
      handler: checkOneOf(`${option}.handler`, reader.handler ?? 'other', ['sealstream', 'other']),
      parallelizationFactor: checkInteger(
        `${option}.parallelizationFactor`,
        reader.parallelizationFactor ?? 1,
        1,
        10
      ),
      keyOrder: checkBoolean(`${option}.keyOrder`, reader.keyOrder ?? true),
      ...(reader.roleArn === undefined ? {} : roleOf(option, reader)),
      ...mappingOf(option, reader, pipelineName)
    }
  }
  if (reader.encryption !== undefined) {
    throw new InvalidOptionError(
      `${option}.encryption`,
      'Firehose takes none for what it reads from a stream, where the key of the stream holds'
    )
  }
  checkKnownOptions(option, reader, [
    'kind',
    'destination',
    'dynamicPartitioning',
    'deliveryStreamName',
    'bucket',
    'transform'
  ])
  const destination = checkOneOf(`${option}.destination`, reader.destination, firehoseDestinations)
  const dynamicPartitioning = checkBoolean(
    `${option}.dynamicPartitioning`,
    reader.dynamicPartitioning ?? false
  )
  if (destination === 's3') {
    if (dynamicPartitioning && reader.deliveryStreamName !== undefined) {
      throw new InvalidOptionError(
        `${option}.deliveryStreamName`,
        'does not go with dynamicPartitioning, whose prefix a plan does not know'
      )
    }
    return { kind, destination, dynamicPartitioning, ...deliveryOf(option, reader) }
  }
  for (const member of ['deliveryStreamName', 'bucket', 'transform']) {
    if (reader[member] === undefined) continue
    throw new InvalidOptionError(`${option}.${member}`, `goes with the destination 's3' alone`)
  }
  if (dynamicPartitioning) {
    throw new InvalidOptionError(
      `${option}.dynamicPartitioning`,
      `goes with the destination 's3' alone, found '${destination}'`
    )
  }
  return { kind, destination }
}

type Members = Readonly<Partial<Record<string, unknown>>>

function roleOf(option: string, { roleArn }: Members): { readonly roleArn: string } {
  return { roleArn: checkRoleArn(`${option}.roleArn`, roleArn) }
}

interface Mapping {
  readonly functionArn?: string
  readonly functionName?: string
  readonly qualifier?: string
  readonly onFailureQueue?: string
}

function mappingOf(option: string, reader: Members, pipelineName: string): Mapping {
  const { functionArn, functionName, qualifier, roleArn, onFailureQueue } = reader
  const queue = onFailureQueue ?? `${pipelineName}-lambda-failures`
  if (functionName !== undefined) {
    for (const member of ['functionArn', 'roleArn']) {
      if (reader[member] === undefined) continue
      throw new InvalidOptionError(
        `${option}.${member}`,
        'does not go with functionName, whose function is made'
      )
    }
    return {
      functionName: checkFunctionName(`${option}.functionName`, functionName),
      qualifier: checkQualifier(`${option}.qualifier`, qualifier),
      onFailureQueue: checkQueueName(`${option}.onFailureQueue`, queue)
    }
  }
  if (qualifier !== undefined) {
    throw new InvalidOptionError(`${option}.qualifier`, 'goes with functionName alone')
  }
  if (functionArn === undefined) {
    if (onFailureQueue === undefined) return {}
    throw new InvalidOptionError(`${option}.onFailureQueue`, 'needs functionArn, whose mapping it is for')
  }
  if (roleArn === undefined) {
    throw new InvalidOptionError(`${option}.roleArn`, 'is missing: the keys name the role of the function')
  }
  return {
    functionArn: checkArn(
      `${option}.functionArn`,
      functionArn,
      'lambda',
      /^function:[\w-]{1,64}(:[\w$-]+)?$/
    ),
    onFailureQueue: checkQueueName(`${option}.onFailureQueue`, queue)
  }
}

interface Delivery {
  readonly deliveryStreamName?: string
  readonly bucket?: string
  readonly transform?: ReaderTransform
}

function deliveryOf(option: string, { deliveryStreamName, bucket, transform }: Members): Delivery {
  if (deliveryStreamName === undefined) {
    const member = bucket === undefined ? 'transform' : 'bucket'
    if (bucket === undefined && transform === undefined) return {}
    throw new InvalidOptionError(`${option}.${member}`, 'needs deliveryStreamName, which it is for')
  }
  const name = checkDeliveryStreamName(`${option}.deliveryStreamName`, deliveryStreamName)
  return {
    deliveryStreamName: name,
    bucket: checkBucketName(`${option}.bucket`, bucket ?? name.toLowerCase()),
    ...(transform === undefined ? {} : { transform: checkTransform(`${option}.transform`, transform) })
  }
}

function checkTransform(option: string, value: unknown): ReaderTransform {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(option, 'expected { functionName, qualifier }')
  }
  checkKnownOptions(option, value, ['functionName', 'qualifier'])
  const { functionName, qualifier }: Members = { ...value }
  return {
    functionName: checkFunctionName(`${option}.functionName`, functionName),
    qualifier: checkQualifier(`${option}.qualifier`, qualifier)
  }
}

/**
 * Who this reader is, when it can do nothing with a sealed aggregate; undefined for one that can. A reader that
 * de-aggregates before it decrypts finds one opaque record. Towards S3, Redshift and Splunk our transform can open it
 * into several lines of one output; the other destinations take one record per output, and a partition has one key.
 */
export function readerThatMustDeaggregate(reader: StreamReader): string | undefined {
  switch (reader.kind) {
    case 'kcl':
      return 'a KCL application'
    case 'lambda':
      return reader.handler === 'sealstream' ? undefined : 'a Lambda function without our handler'
    case 'firehose':
      if (reader.destination === 's3')
        return reader.dynamicPartitioning ? 'a Firehose with dynamic partitioning' : undefined
      return reader.destination === 'elasticsearch' || reader.destination === 'http'
        ? `a Firehose to '${reader.destination}'`
        : undefined
  }
}

/**
 * With a parallelisation factor above one, Lambda keeps records of one shard in order by their outer partition key alone,
 * and an aggregate of a whole shard holds many keys under one of them.
 * @throws InvalidOptionError
 */
export function checkKeyOrder(aggregateBy: 'shard' | 'partitionKey', readers: readonly StreamReader[]): void {
  if (aggregateBy === 'partitionKey') return
  for (const [index, reader] of readers.entries()) {
    if (reader.kind !== 'lambda' || reader.keyOrder === false) continue
    const { parallelizationFactor = 1 } = reader
    if (parallelizationFactor === 1) continue
    throw new InvalidOptionError(
      'producer.aggregateBy',
      `'shard' keeps no order of a partition key for stream.readers[${index}], a Lambda function with parallelizationFactor ${parallelizationFactor}: expected 'partitionKey', or keyOrder false there`
    )
  }
}
