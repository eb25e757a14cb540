import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { CancelTimer, Clock } from '../../core/clock.ts'
import type { S3Destination } from './destination.ts'
import { objectKey } from './object-key.ts'

/** The part of the S3 engine that delivery needs. */
export interface ObjectWriter {
  putObject(
    bucket: string,
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly contentEncoding: string | undefined }
  ): Promise<unknown>
}

interface Batch {
  readonly parts: Buffer[]
  bytes: number
  /** Wall time of the first record. */
  readonly arrivedMs: number
}

const newline = Buffer.from('\n')
const firstRetryMs = 1_000
const longestRetryMs = 60_000
const gzipAsync = promisify(gzip)

/**
 * The buffer of one delivery stream and the writing of its objects, one at a time and in order. A batch is cut
 * when it reaches the size, or when its first record reaches the age; both as they were before compression. A
 * write that fails is tried again until it succeeds, as S3 delivery is for a day.
 */
export class Delivery {
  readonly #name: string
  readonly #destination: S3Destination
  readonly #objects: ObjectWriter
  readonly #clock: Clock
  readonly #stop = new AbortController()
  #open: Batch | undefined
  #cancelAge: CancelTimer | undefined
  #queue: Batch[] = []
  #writing: Promise<void> | undefined
  #waiters: (() => void)[] = []
  /** Between a write that failed and the next try. */
  #isBackingOff = false
  #bufferedBytes = 0

  constructor(name: string, destination: S3Destination, objects: ObjectWriter, clock: Clock) {
    this.#name = name
    this.#destination = destination
    this.#objects = objects
    this.#clock = clock
  }

  /** Bytes that are not in an object yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  add(record: Buffer): void {
    const { appendDelimiter, bufferIntervalSeconds, bufferSizeMiB } = this.#destination
    if (this.#open === undefined) {
      this.#open = { parts: [], bytes: 0, arrivedMs: this.#clock.wallTime() }
      this.#cancelAge = this.#clock.schedule(() => this.#cut(), bufferIntervalSeconds * 1000, { unref: true })
    }
    const parts = appendDelimiter ? [record, newline] : [record]
    for (const part of parts) {
      this.#open.parts.push(part)
      this.#open.bytes += part.length
      this.#bufferedBytes += part.length
    }
    if (this.#open.bytes >= bufferSizeMiB * 1024 * 1024) this.#cut()
  }

  /** Cuts what is buffered, and waits until all is written or a write has failed. */
  async flush(): Promise<void> {
    this.#cut()
    if (this.#writing === undefined || this.#isBackingOff) return
    await new Promise<void>(resolve => {
      this.#waiters.push(resolve)
    })
  }

  /** Drops what is buffered, as the deletion of a delivery stream does. Resolves when no write is under way. */
  async discard(): Promise<void> {
    this.#cancelAge?.()
    this.#stop.abort()
    this.#open = undefined
    this.#queue = []
    this.#bufferedBytes = 0
    this.#wake()
    await this.#writing
  }

  #cut(): void {
    this.#cancelAge?.()
    this.#cancelAge = undefined
    if (this.#open === undefined) return
    this.#queue.push(this.#open)
    this.#open = undefined
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
      this.#wake()
    })
  }

  async #writeAll(): Promise<void> {
    let retryMs = firstRetryMs
    while (this.#queue.length > 0) {
      const batch = this.#queue[0]!
      try {
        await this.#write(batch)
        retryMs = firstRetryMs
      } catch {
        this.#isBackingOff = true
        this.#wake()
        await this.#clock.sleep(retryMs, this.#stop.signal).catch(() => {})
        this.#isBackingOff = false
        retryMs = Math.min(longestRetryMs, retryMs * 2)
        continue
      }
      // A discard in the meantime has emptied the queue and the count.
      if (this.#queue[0] !== batch) continue
      this.#queue.shift()
      this.#bufferedBytes -= batch.bytes
    }
  }

  async #write({ parts, arrivedMs }: Batch): Promise<void> {
    const { bucket, prefix, compression, fileExtension, timeZone } = this.#destination
    const isGzip = compression === 'GZIP'
    const plain = Buffer.concat(parts)
    const key = objectKey({
      prefix,
      deliveryStreamName: this.#name,
      version: '1',
      arrivedMs,
      timeZone,
      extension: fileExtension || (isGzip ? '.gz' : '')
    })
    await this.#objects.putObject(bucket, key, isGzip ? await gzipAsync(plain) : plain, {
      contentType: 'application/octet-stream',
      contentEncoding: isGzip ? 'gzip' : undefined
    })
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}
