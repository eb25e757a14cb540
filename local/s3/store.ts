import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import type { StateFolder } from '../state/index.ts'
import { asidePrefix } from './aside.ts'
import { type Checksum, checksumOf } from './checksum.ts'
import { S3Journal } from './journal.ts'
import { joinParts, type StoredPart, type Upload, Uploads } from './uploads.ts'

export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  /** In quotes, as it goes out. */
  readonly etag: string
  /** CRC32 of the bytes, base64. */
  readonly crc32: string
  /** The one that it was put with, unless that was the CRC32 of the bytes. */
  readonly checksum?: Checksum | undefined
  readonly modifiedMs: number
  readonly contentType: string
  readonly contentEncoding: string | undefined
  /** ARN of the KMS key that it is encrypted with; undefined for what S3 does by itself. */
  readonly kmsKeyArn?: string | undefined
  /** User metadata, names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  /** undefined for none. */
  readonly tags?: readonly Tag[] | undefined
  readonly file: string
}

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface StoredBucket {
  readonly createdMs: number
  readonly objects: Map<string, StoredObject>
}

export interface PutOptions {
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly metadata?: Readonly<Record<string, string>>
  readonly tags?: readonly Tag[] | undefined
  /** Key, alias or ARN that the object is encrypted with, and who asks for it. */
  readonly kms?: { readonly keyId: string; readonly principal: string | undefined } | undefined
  /** Checked already. */
  readonly checksum?: Checksum | undefined
  /** Refuse when the key is taken, as `If-None-Match: *` asks. */
  readonly ifAbsent?: boolean
}

export interface S3StoreOptions {
  readonly clock: Clock
  /** Objects lie in `<folder>/<bucket>/<key>`; made when the first bucket is. */
  readonly folder: string
  /** Where what describes the objects is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
  /** Asks KMS for a data key for an object: ARN of the key that it comes from. @default every key is there */
  readonly dataKeyArnOf?: ((request: DataKeyRequest) => Promise<string>) | undefined
}

export interface CompleteOptions {
  readonly ifAbsent?: boolean | undefined
  /** Throws when the checksum of the object, undefined when the upload has none, is not what was expected. */
  readonly check?: ((checksum: Checksum | undefined) => void) | undefined
}

interface PutTarget {
  readonly bucket: string
  readonly key: string
  readonly ifAbsent?: boolean | undefined
}

/** An object whose file is not in its place yet. */
type Described = Omit<StoredObject, 'file'>

export interface DataKeyRequest {
  readonly keyId: string
  readonly objectArn: string
  readonly principal: string | undefined
}

/**
 * Buckets as folders and objects as plain files that people can open. What describes them is kept in memory, and in the
 * state folder when there is one.
 */
export class S3Store {
  readonly #clock: Clock
  readonly #folder: string
  readonly #dataKeyArnOf: NonNullable<S3StoreOptions['dataKeyArnOf']>
  readonly #buckets = new Map<string, StoredBucket>()
  readonly #journal: S3Journal | undefined

  readonly #writes = new Set<Promise<unknown>>()
  readonly uploads: Uploads

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: S3StoreOptions) {
    this.#clock = options.clock
    this.#folder = options.folder
    this.uploads = new Uploads(options.clock, options.folder)
    this.#dataKeyArnOf = options.dataKeyArnOf ?? (async ({ keyId }) => keyId)
    if (options.state === undefined) return
    mkdirSync(this.#folder, { recursive: true })
    this.#journal = new S3Journal(options.state, this.#folder, () => this.#buckets)
    for (const [name, bucket] of this.#journal.loaded.buckets) this.#buckets.set(name, bucket)
    // Killed between the two steps of a put: the second one is made up for.
    for (const { aside, bucket, object } of this.#journal.loaded.unmoved) {
      this.#moveInPlace(aside, bucket, object)
    }
  }

  get buckets(): readonly { readonly name: string; readonly createdMs: number }[] {
    return [...this.#buckets].map(([name, { createdMs }]) => ({ name, createdMs }))
  }

  hasBucket(bucket: string): boolean {
    return this.#buckets.has(bucket)
  }

  async createBucket(bucket: string): Promise<void> {
    if (this.#buckets.has(bucket)) {
      throw new AwsError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        409
      )
    }
    const made = { createdMs: this.#clock.wallTime(), objects: new Map() }
    this.#buckets.set(bucket, made)
    this.#journal?.madeBucket(bucket, made)
    await mkdir(join(this.#folder, bucket), { recursive: true })
  }

  async deleteBucket(bucket: string): Promise<void> {
    if (this.objectsOf(bucket).size > 0) {
      throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409)
    }
    this.#buckets.delete(bucket)
    this.#journal?.deletedBucket(bucket)
    for (const upload of this.uploads.ofBucket(bucket)) await this.uploads.abort(upload)
    await rm(join(this.#folder, bucket), { recursive: true, force: true })
  }

  objectsOf(bucket: string): ReadonlyMap<string, StoredObject> {
    return this.#objects(bucket)
  }

  async putObject(
    bucket: string,
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {}
  ): Promise<StoredObject> {
    return this.#put({ bucket, key, ifAbsent: options.ifAbsent }, async aside => {
      const kmsKeyArn = options.kms && (await this.encryptingKey(bucket, key, options.kms))
      await writeFile(aside, bytes)
      return { ...this.#describe(key, bytes, options), ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }) }
    })
  }

  /** Makes one object of parts of an upload, which is over then. */
  completeUpload(
    upload: Upload,
    parts: readonly StoredPart[],
    options: CompleteOptions = {}
  ): Promise<StoredObject> {
    const { bucket, key, kmsKeyArn, checksum: kind } = upload
    return this.uploads.complete(upload, () =>
      this.#put({ bucket, key, ifAbsent: options.ifAbsent }, async aside => {
        const { checksum, ...joined } = await joinParts(parts, kind, aside)
        options.check?.(checksum)
        return {
          ...this.#kept(key, upload),
          ...joined,
          ...(checksum === undefined ? {} : { checksum }),
          ...(kmsKeyArn === undefined ? {} : { kmsKeyArn })
        }
      })
    )
  }

  async #put(target: PutTarget, write: (aside: string) => Promise<Described>): Promise<StoredObject> {
    const writing = this.#writeAndMove(target, write)
    this.#writes.add(writing)
    try {
      return await writing
    } finally {
      this.#writes.delete(writing)
    }
  }

  async #writeAndMove(
    { bucket, key, ifAbsent }: PutTarget,
    write: (aside: string) => Promise<Described>
  ): Promise<StoredObject> {
    const objects = this.#objects(bucket)
    if (ifAbsent && objects.has(key)) throw preconditionFailed()
    // Written aside and moved, so that nobody who looks into the folder sees half an object.
    const aside = join(this.#folder, `${asidePrefix}${randomUUID()}`)
    try {
      const described = await write(aside)
      // Another put of the same key may have come first meanwhile; from here on none comes in between.
      if (ifAbsent && objects.has(key)) throw preconditionFailed()
      return this.#moveInPlace(aside, bucket, described)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
  }

  #describe(key: string, bytes: Uint8Array, options: PutOptions): Described {
    return {
      ...this.#kept(key, options),
      sizeBytes: bytes.length,
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
      crc32: checksumOf('CRC32', bytes),
      ...(options.checksum === undefined ? {} : { checksum: options.checksum })
    }
  }

  /** What an object has whatever its bytes are. */
  #kept(key: string, options: Pick<PutOptions, 'contentType' | 'contentEncoding' | 'metadata' | 'tags'>) {
    return {
      key,
      modifiedMs: this.#clock.wallTime(),
      contentType: options.contentType ?? 'application/octet-stream',
      contentEncoding: options.contentEncoding,
      metadata: options.metadata ?? {},
      ...(options.tags === undefined || options.tags.length === 0 ? {} : { tags: options.tags })
    }
  }

  find(bucket: string, key: string): StoredObject {
    const object = this.#objects(bucket).get(key)
    if (object === undefined) {
      throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key })
    }
    return object
  }

  /** Replaces all tags of an object. */
  tagObject(object: StoredObject, bucket: string, tags: readonly Tag[]): void {
    const { tags: _, ...untagged } = object
    const tagged = tags.length === 0 ? untagged : { ...untagged, tags }
    this.#objects(bucket).set(object.key, tagged)
    this.#journal?.described(bucket, tagged)
  }

  read(object: StoredObject): Promise<Buffer> {
    return readFile(object.file)
  }

  /** The bytes of an object; undefined when there is none. */
  async readObject(bucket: string, key: string): Promise<Buffer | undefined> {
    const object = this.#buckets.get(bucket)?.objects.get(key)
    return object === undefined ? undefined : this.read(object)
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const objects = this.#objects(bucket)
    const object = objects.get(key)
    if (object === undefined) return
    objects.delete(key)
    this.#journal?.deleted(bucket, object)
    // At once: a put behind it may bring a file of the same name.
    rmSync(object.file, { force: true })
  }

  /** Forgets all buckets, and removes their folders once nothing writes to them. */
  async discard(): Promise<void> {
    const buckets = [...this.#buckets.keys()]
    this.#buckets.clear()
    await Promise.allSettled(this.#writes)
    await this.uploads.discard()
    await Promise.all(
      buckets.map(bucket => rm(join(this.#folder, bucket), { recursive: true, force: true, maxRetries: 10 }))
    )
  }

  /** ARN of the key that an object is encrypted with. @throws {AwsError} what S3 makes of a refusal of KMS */
  async encryptingKey(
    bucket: string,
    key: string,
    { keyId, principal }: NonNullable<PutOptions['kms']>
  ): Promise<string> {
    try {
      return await this.#dataKeyArnOf({ keyId, principal, objectArn: `arn:aws:s3:::${bucket}/${key}` })
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      if (error.type === 'AccessDeniedException') throw new AwsError('AccessDenied', error.message, 403)
      throw new AwsError(`KMS.${error.type}`, error.message)
    }
  }

  #objects(bucket: string): Map<string, StoredObject> {
    const found = this.#buckets.get(bucket)
    if (found === undefined) {
      throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: bucket })
    }
    return found.objects
  }

  /** Moves a written file to the path that its key names or, where a key can be no path, under its digest. */
  #moveInPlace(aside: string, bucket: string, described: Described): StoredObject {
    const { key } = described
    const base = join(this.#folder, bucket)
    const byDigest = join(base, '.keys', createHash('sha256').update(key).digest('hex'))
    const byPath = isPath(key) ? join(base, ...key.split('/')) : byDigest
    const move = (file: string): StoredObject => {
      const object = { ...described, file }
      mkdirSync(dirname(file), { recursive: true })
      // Told before it is done: what is in place is described as it is, also when the process dies in between.
      this.#journal?.put(bucket, object, aside)
      renameSync(aside, file)
      this.#objects(bucket).set(key, object)
      return object
    }
    try {
      return move(this.#objects(bucket).get(key)?.file ?? byPath)
    } catch (error) {
      // S3 takes `a` beside `a/b`; a file system does not.
      const { code } = error as { code: string }
      if (!['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EPERM'].includes(code)) throw error
      return move(byDigest)
    }
  }
}

function preconditionFailed(): AwsError {
  return new AwsError(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    412,
    {
      Condition: 'If-None-Match'
    }
  )
}

/** Whether every segment of the key is a file name on every platform; `..` never is. */
function isPath(key: string): boolean {
  return key.split('/').every(
    segment =>
      segment !== '' &&
      !segment.startsWith('.') &&
      !/[. ]$/.test(segment) &&
      // biome-ignore lint/suspicious/noControlCharactersInRegex: no file name may hold one
      !/[<>:"|?*\\\u0000-\u001f]/.test(segment) &&
      Buffer.byteLength(segment) <= 200
  )
}
