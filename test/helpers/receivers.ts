import { gunzipSync } from 'node:zlib'
import type { DestinationBackup } from '../../local/firehose/destinations/destination.ts'
import {
  type HttpRequest,
  type HttpSend,
  HttpSendError
} from '../../local/firehose/destinations/http-send.ts'
import type { ObjectWriter } from '../../local/firehose/destinations/s3.ts'
import { s3Backup } from '../../local/firehose/destinations/s3-backup.ts'
import type { S3Settings } from '../../local/firehose/settings.ts'
import type { ReceiverHandler } from '../../local/receiver.ts'

/** Calls `handle` without a network, so that a fake clock sees every step. */
export function sendTo(handle: ReceiverHandler): HttpSend & { readonly requests: readonly HttpRequest[] } {
  const requests: HttpRequest[] = []
  const send: HttpSend = async request => {
    requests.push(request)
    const { pathname, searchParams } = new URL(request.url)
    const isGzip = request.headers['content-encoding'] === 'gzip'
    try {
      const { status, body, headers } = await handle({
        method: 'POST',
        path: pathname,
        query: searchParams,
        header: name => request.headers[name],
        body: isGzip ? gunzipSync(request.body) : request.body
      })
      const cookie = headers?.['set-cookie']
      return {
        status,
        body: typeof body === 'string' ? body : JSON.stringify(body),
        cookies: cookie === undefined ? [] : [cookie]
      }
    } catch {
      throw new HttpSendError('closed')
    }
  }
  return Object.assign(send, { requests })
}

export function s3Settings(overrides: Partial<S3Settings> = {}): S3Settings {
  return {
    kind: 's3',
    roleArn: 'arn:aws:iam::000000000000:role/firehose',
    bucketArn: 'arn:aws:s3:::bucket',
    bucket: 'bucket',
    prefix: '',
    errorOutputPrefix: '',
    compression: 'UNCOMPRESSED',
    fileExtension: '',
    timeZone: 'UTC',
    bufferSizeMiB: 1,
    bufferIntervalSeconds: 60,
    appendDelimiter: false,
    ...overrides
  }
}

/** Objects in memory; as many writes as `failures` says fail first. */
export function memoryObjects(state = { failures: 0 }): {
  readonly writer: ObjectWriter
  readonly written: { readonly key: string; readonly text: string }[]
} {
  const written: { key: string; text: string }[] = []
  return {
    written,
    writer: {
      async putObject(_bucket, key, bytes) {
        if (state.failures > 0) {
          state.failures -= 1
          throw new Error('unavailable')
        }
        written.push({ key, text: Buffer.from(bytes).toString() })
      }
    }
  }
}

/** A backup of the delivery stream `d` in memory. */
export function memoryBackup(
  errorOutputType: string,
  options: {
    readonly takesAll?: boolean
    readonly settings?: Partial<S3Settings>
    readonly failures?: number
  } = {}
): { readonly backup: DestinationBackup; readonly written: readonly { key: string; text: string }[] } {
  const { writer, written } = memoryObjects({ failures: options.failures ?? 0 })
  return {
    written,
    backup: s3Backup({
      deliveryStreamName: 'd',
      version: '1',
      settings: s3Settings(options.settings),
      objects: writer,
      takesAll: options.takesAll ?? false,
      errorOutputType
    })
  }
}

/** Error records of an object, one for each line. */
export function errorRecords(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => {
      const { rawData, ...rest } = JSON.parse(line) as { rawData: string }
      return { ...rest, data: Buffer.from(rawData, 'base64').toString() }
    })
}
