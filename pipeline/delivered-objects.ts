import { gunzipSync } from 'node:zlib'
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { sendOptions } from '../core/sdk-client.ts'
import type { PlanFraming } from './destinations.ts'

/** Reads what a destination bucket holds, each object once, in the order of the keys. */
export class ObjectReader {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #seen = new Set<string>()

  constructor(client: S3Client, bucket: string, prefix: string) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  /** Passes over the objects that are there now. */
  async skipExisting(): Promise<void> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.#prefix }
    )
    for await (const page of pages) {
      for (const { Key: key } of page.Contents ?? []) if (key !== undefined) this.#seen.add(key)
    }
  }

  /** The objects that came since the last call. */
  async *readNew(signal?: AbortSignal): AsyncGenerator<{ readonly key: string; readonly body: Buffer }> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.#prefix }
    )
    for await (const page of pages) {
      signal?.throwIfAborted()
      for (const { Key: key } of page.Contents ?? []) {
        if (key === undefined || this.#seen.has(key)) continue
        const answer = await this.#client.send(
          new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
          sendOptions({ signal })
        )
        const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
        this.#seen.add(key)
        yield { key, body: answer.ContentEncoding === 'gzip' ? gunzipSync(bytes) : bytes }
      }
    }
  }
}

/** The static part of an S3 prefix of Firehose: everything before its first expression. */
export function staticPrefix(prefix: string): string {
  const expression = prefix.indexOf('!{')
  return expression < 0 ? prefix : prefix.slice(0, expression)
}

/** The records of one delivered object. Without a separator (`none`) an object counts as one record. */
export function* recordsOf(body: Buffer, framing: PlanFraming): Generator<Buffer> {
  if (framing === 'none') {
    if (body.length > 0) yield body
    return
  }
  let start = 0
  for (let end = body.indexOf(10); end >= 0; end = body.indexOf(10, start)) {
    yield body.subarray(start, end)
    start = end + 1
  }
  if (start < body.length) yield body.subarray(start)
}
