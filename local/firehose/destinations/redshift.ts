import type { Clock } from '../../../core/clock.ts'
import type { RunCopy } from '../../redshift/copy.ts'
import { CopyError } from '../../redshift/errors.ts'
import { objectKey } from '../object-key.ts'
import type { RedshiftSettings } from '../settings.ts'
import {
  type Attempt,
  type AttemptContext,
  type BufferedRecord,
  type Destination,
  type DestinationBackup,
  doublingDelayMs
} from './destination.ts'
import { type ObjectWriter, S3Destination, writeObject } from './s3.ts'

export interface RedshiftDestinationOptions {
  readonly deliveryStreamName: string
  /** VersionId of the delivery stream; every key has it. */
  readonly version: string
  readonly settings: RedshiftSettings
  readonly objects: ObjectWriter
  readonly copy: RunCopy
  readonly clock: Clock
}

/** What lies in S3 of the batch that is delivered now. */
interface StagedBatch {
  /** By it the batch is known on later attempts. */
  readonly first: BufferedRecord
  /** Text of the manifest that lists the batch's object. */
  readonly manifest: string
  readonly manifestKey: string
  readonly stagedMs: number
  /** Code of the last failure. */
  errorCode: string
}

/** Between two attempts, as the developer guide has it. */
const retryDelayMs = 300_000

/**
 * A table of Redshift: a batch becomes an object in S3, a manifest that lists it, and a COPY from that manifest. The
 * object stays. When the COPY has failed for as long as is allowed the batch is skipped, and a manifest for a COPY by
 * hand is written under `errors/`.
 */
export class RedshiftDestination implements Destination {
  readonly #options: RedshiftDestinationOptions
  #staged: StagedBatch | undefined
  readonly framingBytes = 0
  readonly backup: DestinationBackup

  constructor(options: RedshiftDestinationOptions) {
    this.#options = options
    const { sourceBackup } = options.settings
    this.backup = {
      all: sourceBackup === undefined ? undefined : new S3Destination({ ...options, settings: sourceBackup }),
      // The records themselves are in S3 already.
      writeFailed: (_, arrivedMs) => this.#writeErrorManifest(arrivedMs)
    }
  }

  get bufferSizeMiB(): number {
    return this.#options.settings.s3.bufferSizeMiB
  }

  get bufferIntervalSeconds(): number {
    return this.#options.settings.s3.bufferIntervalSeconds
  }

  get retryDurationMs(): number {
    return this.#options.settings.retrySeconds * 1000
  }

  retryDelayMs(): number {
    return retryDelayMs
  }

  async deliver(records: readonly BufferedRecord[], context: AttemptContext): Promise<Attempt> {
    const { settings, copy, clock } = this.#options
    const isFirst = this.#staged?.first !== records[0]
    const staged = isFirst ? await this.#stage(records, context) : this.#staged!
    const { jdbcUrl, username, password } = settings
    const statement = copyStatement(settings, staged.manifestKey)
    try {
      await copy({ jdbcUrl, username, password, statement, signal: context.signal })
      return { outcomes: records.map(() => ({ kind: 'delivered' })) }
    } catch (error) {
      if (!(error instanceof CopyError)) throw error
      staged.errorCode = error.code === 'InternalError' ? error.code : `Redshift.${error.code}`
      // A first attempt that outlasts the retry duration is the only one.
      const isFinal = isFirst && clock.now() - staged.stagedMs > this.retryDurationMs
      const failed = {
        kind: 'failed',
        errorCode: staged.errorCode,
        errorMessage: error.message,
        isFinal,
        members: {}
      } as const
      return { outcomes: records.map(() => failed) }
    }
  }

  /** Until it succeeds, as delivery to S3 does: the retry duration is one of COPY. */
  async #stage(records: readonly BufferedRecord[], context: AttemptContext): Promise<StagedBatch> {
    const { settings, clock } = this.#options
    const first = records[0]!
    const bytes = Buffer.concat(records.map(({ data }) => data))
    const key = await untilDone(context, () =>
      writeObject({ ...this.#options, settings: settings.s3 }, bytes, first)
    )
    const manifest = JSON.stringify({
      entries: [{ url: `s3://${settings.s3.bucket}/${key}`, mandatory: true }]
    })
    const manifestKey = await untilDone(context, () =>
      this.#writeManifest('manifests/', manifest, first.arrivedMs)
    )
    this.#staged = { first, manifest, manifestKey, stagedMs: clock.now(), errorCode: 'InternalError' }
    return this.#staged
  }

  async #writeErrorManifest(arrivedMs: number): Promise<void> {
    const { manifest, errorCode } = this.#staged!
    await this.#writeManifest('errors/manifests/', manifest, arrivedMs, { 'error-code': errorCode })
  }

  async #writeManifest(
    prefix: string,
    manifest: string,
    arrivedMs: number,
    metadata: Readonly<Record<string, string>> = {}
  ): Promise<string> {
    const { deliveryStreamName, version, settings, objects } = this.#options
    const { bucket, timeZone, roleArn } = settings.s3
    const key = objectKey({ prefix, deliveryStreamName, version, arrivedMs, timeZone, extension: '' })
    await objects.putObject(bucket, key, Buffer.from(manifest), {
      contentType: 'application/octet-stream',
      contentEncoding: undefined,
      principal: roleArn,
      metadata
    })
    return key
  }
}

/** As Firehose sends it to the cluster. */
export function copyStatement(settings: RedshiftSettings, manifestKey: string): string {
  const { tableName, tableColumns, roleArn, copyOptions, s3 } = settings
  const columns = tableColumns === '' ? '' : ` (${tableColumns})`
  const options = copyOptions === '' ? '' : ` ${copyOptions}`
  const source = `s3://${s3.bucket}/${manifestKey}`
  return `COPY ${tableName}${columns} FROM '${source}' CREDENTIALS 'aws_iam_role=${roleArn}' MANIFEST${options}`
}

async function untilDone<T>({ wait }: AttemptContext, write: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await write()
    } catch {
      await wait(doublingDelayMs(attempts))
    }
  }
}
