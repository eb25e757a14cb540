import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { objectKey } from '../object-key.ts'
import type { S3Settings } from '../settings.ts'
import {
  type Attempt,
  type BufferedRecord,
  type Destination,
  type DestinationBackup,
  doublingDelayMs
} from './destination.ts'
import { dynamicPartition } from './dynamic-partition.ts'
import { zip } from './zip.ts'

/** The part of the S3 engine that delivery needs. */
export interface ObjectWriter {
  putObject(
    bucket: string,
    key: string,
    bytes: Uint8Array,
    options: {
      readonly contentType: string
      readonly contentEncoding: string | undefined
      /** ARN of the role that the delivery stream writes under, and asks for a key. */
      readonly principal: string
      /** Key that S3 encrypts the object with. @default what the bucket does by itself */
      readonly encryption?: { readonly algorithm: 'aws:kms'; readonly keyId: string }
      readonly metadata?: Readonly<Record<string, string>>
    }
  ): Promise<unknown>
}

export interface S3ObjectsOptions {
  readonly deliveryStreamName: string
  /** VersionId of the delivery stream; every key has it. */
  readonly version: string
  readonly settings: S3Settings
  readonly objects: ObjectWriter
}

export interface S3ErrorsOptions extends S3ObjectsOptions {
  /** The folder of error records, such as `splunk-failed`. */
  readonly errorOutputType: string
}

const newline = Buffer.from('\n')
const gzipAsync = promisify(gzip)

const formats: Readonly<Record<S3Settings['compression'], ObjectFormat>> = {
  UNCOMPRESSED: { extension: '', contentEncoding: undefined, compress: async plain => plain },
  GZIP: { extension: '.gz', contentEncoding: 'gzip', compress: gzipAsync },
  ZIP: { extension: '.zip', contentEncoding: 'zip', compress: plain => zip(randomUUID(), plain) }
}

interface ObjectFormat {
  readonly extension: string
  readonly contentEncoding: string | undefined
  readonly compress: (plain: Buffer) => Promise<Buffer>
}

/** One object for a batch, tried again until it succeeds, as S3 delivery is for a day. */
export class S3Destination implements Destination {
  readonly #options: S3ObjectsOptions
  readonly retryDurationMs = Number.POSITIVE_INFINITY
  readonly backup: DestinationBackup | undefined

  readonly partitionOf: Destination['partitionOf']

  constructor(options: S3ObjectsOptions) {
    this.#options = options
    if (options.settings.partitioning !== undefined) this.partitionOf = dynamicPartition(options.settings)
    const { sourceBackup } = options.settings
    if (sourceBackup === undefined) return
    this.backup = {
      all: new S3Destination({ ...options, settings: sourceBackup }),
      // Nothing is ever given up.
      writeFailed: () => Promise.resolve()
    }
  }

  get bufferSizeMiB(): number {
    return this.#options.settings.bufferSizeMiB
  }

  get bufferIntervalSeconds(): number {
    return this.#options.settings.bufferIntervalSeconds
  }

  get framingBytes(): number {
    return this.#options.settings.appendDelimiter ? newline.length : 0
  }

  retryDelayMs(attempts: number): number {
    return doublingDelayMs(attempts)
  }

  async deliver(records: readonly BufferedRecord[]): Promise<Attempt> {
    const { appendDelimiter } = this.#options.settings
    const parts = records.flatMap(({ data }) => (appendDelimiter ? [data, newline] : [data]))
    await writeObject(this.#options, Buffer.concat(parts), records[0]!)
    return { outcomes: records.map(() => ({ kind: 'delivered' })) }
  }
}

/** Writes one object of error records, one JSON document on each line. */
export async function writeErrors(
  options: S3ErrorsOptions,
  lines: readonly string[],
  arrivedMs: number
): Promise<void> {
  const text = Buffer.from(`${lines.join('\n')}\n`)
  await writeObject(options, text, { arrivedMs }, options.errorOutputType)
}

/**
 * Writes one object under the prefix; with `errorOutputType` under the prefix of errors. What its key says of a record
 * is said of its oldest one. Resolves with the key.
 */
export async function writeObject(
  { deliveryStreamName, version, settings, objects }: S3ObjectsOptions,
  plain: Buffer,
  { arrivedMs, partitionKeys }: Pick<BufferedRecord, 'arrivedMs' | 'partitionKeys'>,
  errorOutputType?: string
): Promise<string> {
  const { bucket, prefix, errorOutputPrefix, compression, fileExtension, timeZone, kmsKeyArn } = settings
  const { extension, contentEncoding, compress } = formats[compression]
  const key = objectKey({
    prefix: errorOutputType === undefined ? prefix : errorOutputPrefix || prefix,
    errorOutputType,
    deliveryStreamName,
    version,
    arrivedMs,
    timeZone,
    partitionKeys,
    extension: fileExtension || extension
  })
  await objects.putObject(bucket, key, await compress(plain), {
    contentType: 'application/octet-stream',
    contentEncoding,
    principal: settings.roleArn,
    ...(kmsKeyArn === undefined ? {} : { encryption: { algorithm: 'aws:kms', keyId: kmsKeyArn } })
  })
  return key
}
