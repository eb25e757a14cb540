import { createHash, randomUUID } from 'node:crypto'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { asidePrefix } from './aside.ts'
import { type Checksum, type ChecksumAlgorithm, type ChecksumType, startChecksum } from './checksum.ts'
import type { Encryption } from './encryption.ts'
import type { ObjectLock } from './object-lock.ts'
import type { Tag } from './versions.ts'

export interface StoredPart {
  readonly number: number
  readonly sizeBytes: number
  /** In quotes. */
  readonly etag: string
  /** By the algorithm of the upload, base64; undefined when it has none. */
  readonly checksum: string | undefined
  readonly modifiedMs: number
  readonly file: string
}

/** What CreateMultipartUpload was given for the object. */
export interface UploadSettings {
  readonly bucket: string
  readonly key: string
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly Tag[] | undefined
  readonly encryption: Encryption
  readonly lock: ObjectLock
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | undefined
}

export interface Upload extends UploadSettings {
  /** Later ones have higher ids. */
  readonly id: string
  readonly startedMs: number
  readonly parts: Map<number, StoredPart>
}

/** Uploads in parts that are under way. Each part is a file aside; none of them outlives the process. */
export class Uploads {
  readonly #clock: Clock
  readonly #folder: string
  readonly #uploads = new Map<string, Upload>()
  /** Of them, those of which an object is being made: their parts stay until that is over. */
  readonly #completing = new Set<Upload>()
  readonly #writes = new Set<Promise<unknown>>()
  #started = 0

  /** `folder`: of all buckets. */
  constructor(clock: Clock, folder: string) {
    this.#clock = clock
    this.#folder = folder
  }

  start(settings: UploadSettings): Upload {
    this.#started += 1
    const ordinal = String(this.#started).padStart(12, '0')
    const id = `${ordinal}${randomUUID().replaceAll('-', '')}`
    const upload = { ...settings, id, startedMs: this.#clock.wallTime(), parts: new Map() }
    this.#uploads.set(id, upload)
    return upload
  }

  ofBucket(bucket: string): readonly Upload[] {
    return [...this.#uploads.values()].filter(upload => upload.bucket === bucket)
  }

  /** @throws {AwsError} NoSuchUpload */
  find(bucket: string, key: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.bucket !== bucket || upload.key !== key || !this.#isOpen(upload)) throw noSuchUpload(id)
    return upload
  }

  /**
   * Keeps the bytes of a part, in place of those that came under its number before.
   * @throws {AwsError} NoSuchUpload when the upload ends meanwhile
   */
  async putPart(
    upload: Upload,
    number: number,
    bytes: Uint8Array,
    checksum: string | undefined
  ): Promise<StoredPart> {
    const file = join(this.#folder, `${asidePrefix}${randomUUID()}`)
    const write = writeFile(file, bytes)
    this.#writes.add(write)
    try {
      await write
      if (!this.#isOpen(upload)) throw noSuchUpload(upload.id)
    } catch (error) {
      await rm(file, { force: true })
      throw error
    } finally {
      this.#writes.delete(write)
    }
    const part = {
      number,
      sizeBytes: bytes.length,
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
      checksum,
      modifiedMs: this.#clock.wallTime(),
      file
    }
    const replaced = upload.parts.get(number)
    upload.parts.set(number, part)
    if (replaced !== undefined) await rm(replaced.file, { force: true })
    return part
  }

  /**
   * Nobody else finds the upload while `complete` makes an object of its parts, so that no part changes meanwhile. It is
   * over once the object is made, and goes on when that fails, unless its bucket is gone by then.
   */
  async complete<T>(upload: Upload, complete: () => Promise<T>): Promise<T> {
    this.#completing.add(upload)
    const completing = complete()
    this.#writes.add(completing)
    try {
      const made = await completing
      this.#uploads.delete(upload.id)
      return made
    } finally {
      this.#writes.delete(completing)
      this.#completing.delete(upload)
      if (!this.#uploads.has(upload.id)) await removeParts(upload)
    }
  }

  async abort(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id)
    if (!this.#completing.has(upload)) await removeParts(upload)
  }

  /** Aborts all, once nothing writes to them. */
  async discard(): Promise<void> {
    const uploads = [...this.#uploads.values()]
    this.#uploads.clear()
    await Promise.allSettled(this.#writes)
    await Promise.all(uploads.map(removeParts))
  }

  #isOpen(upload: Upload): boolean {
    return this.#uploads.get(upload.id) === upload && !this.#completing.has(upload)
  }
}

export interface JoinedParts {
  readonly sizeBytes: number
  /** CRC32 of all bytes, base64. */
  readonly crc32: string
  /** Of the whole object, by the algorithm of the upload; undefined when it has none. */
  readonly checksum: Checksum | undefined
  /** In quotes: MD5 of the MD5s of the parts, and their number. */
  readonly etag: string
}

/** Writes parts one after another into one file, one of them in memory at a time. */
export async function joinParts(
  parts: readonly StoredPart[],
  kind: UploadSettings['checksum'],
  file: string
): Promise<JoinedParts> {
  const crc32 = startChecksum('CRC32')
  const checksum = kind && startChecksum(kind.algorithm)
  const md5 = createHash('md5')
  let sizeBytes = 0
  const target = await open(file, 'w')
  try {
    for (const part of parts) {
      const bytes = await readFile(part.file)
      await target.appendFile(bytes)
      sizeBytes += bytes.length
      crc32.update(bytes)
      checksum?.update(kind?.type === 'COMPOSITE' ? Buffer.from(part.checksum!, 'base64') : bytes)
      md5.update(Buffer.from(part.etag.slice(1, -1), 'hex'))
    }
  } finally {
    await target.close()
  }
  const count = kind?.type === 'COMPOSITE' ? `-${parts.length}` : ''
  return {
    sizeBytes,
    crc32: crc32.digest(),
    checksum: kind && { ...kind, value: `${checksum!.digest()}${count}` },
    etag: `"${md5.digest('hex')}-${parts.length}"`
  }
}

async function removeParts({ parts }: Upload): Promise<void> {
  await Promise.all([...parts.values()].map(({ file }) => rm(file, { force: true })))
}

function noSuchUpload(id: string): AwsError {
  return new AwsError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    404,
    { UploadId: id }
  )
}
