import { createHash, randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFile } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import type { StateFolder } from '../state/index.ts'
import { asidePrefix } from './aside.ts'
import type { BucketSettings } from './bucket-settings.ts'
import { type Checksum, checksumOf } from './checksum.ts'
import {
  defaultEncryption,
  type Encryption,
  effectiveEncryption,
  type RequestedEncryption
} from './encryption.ts'
import { S3Journal } from './journal.ts'
import { checkDeletable, defaultRetention, type ObjectLock } from './object-lock.ts'
import { joinParts, type StoredPart, type Upload, Uploads } from './uploads.ts'
import { checkPutConditions, type PutConditions } from './validations/conditions.ts'
import { methodNotAllowed, noSuchKey, noSuchVersion } from './validations/version-id.ts'
import { type DescribedObject, VersionFiles } from './version-files.ts'
import {
  isDeleteMarker,
  replaceVersion,
  type StoredBucket,
  type StoredObject,
  type Tag,
  type Version,
  versionsOfKey
} from './versions.ts'

const readFileAsync = promisify(readFile)

export interface PutOptions {
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly metadata?: Readonly<Record<string, string>>
  readonly tags?: readonly Tag[] | undefined
  /** @default what the bucket does by itself */
  readonly encryption?: RequestedEncryption | undefined
  /** Who puts it, and asks for its key. */
  readonly principal?: string | undefined
  /** A retention goes before the default of the bucket. */
  readonly lock?: ObjectLock
  /** Checked already. */
  readonly checksum?: Checksum | undefined
  readonly conditions?: PutConditions
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
  readonly conditions?: PutConditions
  /** Throws when the checksum of the object, undefined when the upload has none, is not what was expected. */
  readonly check?: ((checksum: Checksum | undefined) => void) | undefined
}

interface PutTarget {
  readonly bucket: string
  readonly key: string
  readonly conditions?: PutConditions | undefined
}

export interface DeleteOptions {
  /** `null` for the null version; undefined for the key. */
  readonly versionId?: string | undefined
  /** Whether a retention in governance mode is no hindrance. */
  readonly bypassesGovernance?: boolean
}

/** What became of a delete. */
export interface Deleted {
  /** Of the version that was deleted or, without a version id, of the delete marker that was made. */
  readonly versionId: string | undefined
  readonly isDeleteMarker: boolean
}

export interface DataKeyRequest {
  readonly keyId: string
  /** Of the object, or of the bucket when it has a bucket key. */
  readonly resourceArn: string
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
  readonly #files: VersionFiles
  readonly #writes = new Set<Promise<unknown>>()
  readonly uploads: Uploads

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: S3StoreOptions) {
    this.#clock = options.clock
    this.#folder = options.folder
    this.uploads = new Uploads(options.clock, options.folder)
    this.#dataKeyArnOf = options.dataKeyArnOf ?? (async ({ keyId }) => keyId)
    if (options.state !== undefined) {
      mkdirSync(this.#folder, { recursive: true })
      this.#journal = new S3Journal(options.state, this.#folder, () => this.#buckets)
      for (const [name, bucket] of this.#journal.loaded) this.#buckets.set(name, bucket)
    }
    this.#files = new VersionFiles(this.#folder, this.#journal)
  }

  get buckets(): readonly { readonly name: string; readonly createdMs: number }[] {
    return [...this.#buckets].map(([name, { createdMs }]) => ({ name, createdMs }))
  }

  hasBucket(bucket: string): boolean {
    return this.#buckets.has(bucket)
  }

  /** What the clock of the engine says. */
  nowMs(): number {
    return this.#clock.wallTime()
  }

  /** @throws {AwsError} BucketAlreadyOwnedByYou */
  async createBucket(bucket: string, settings: BucketSettings = { documents: {} }): Promise<void> {
    if (this.#buckets.has(bucket)) {
      throw new AwsError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        409
      )
    }
    const made = { createdMs: this.#clock.wallTime(), settings, objects: new Map(), older: new Map() }
    this.#journal?.madeBucket(bucket, made)
    this.#buckets.set(bucket, made)
    await mkdir(join(this.#folder, bucket), { recursive: true })
  }

  async deleteBucket(bucket: string): Promise<void> {
    const { objects, older, settings } = this.#bucket(bucket)
    if (objects.size + older.size > 0) {
      throw new AwsError(
        'BucketNotEmpty',
        `The bucket you tried to delete is not empty${settings.versioning === undefined ? '' : '. You must delete all versions in the bucket.'}`,
        409
      )
    }
    this.#journal?.deletedBucket(bucket)
    this.#buckets.delete(bucket)
    for (const upload of this.uploads.ofBucket(bucket)) await this.uploads.abort(upload)
    await rm(join(this.#folder, bucket), { recursive: true, force: true })
  }

  /** @throws {AwsError} NoSuchBucket */
  settingsOf(bucket: string): BucketSettings {
    return this.#bucket(bucket).settings
  }

  changeSettings(bucket: string, changes: Partial<BucketSettings>): void {
    const found = this.#bucket(bucket)
    const settings = { ...found.settings, ...changes }
    this.#journal?.changedSettings(bucket, settings)
    found.settings = settings
  }

  /** The policy of a bucket as it was put; undefined without one, or without the bucket. */
  policyOf(bucket: string): string | undefined {
    return this.#buckets.get(bucket)?.settings.policy
  }

  /** By key: the newest versions that are no delete markers. */
  objectsOf(bucket: string): ReadonlyMap<string, StoredObject> {
    return this.#bucket(bucket).objects
  }

  /** By key: the versions that are not in `objectsOf`, newest first. */
  olderOf(bucket: string): ReadonlyMap<string, readonly Version[]> {
    return this.#bucket(bucket).older
  }

  /** By key, all versions of it, newest first. */
  versionsOf(bucket: string): ReadonlyMap<string, readonly Version[]> {
    const found = this.#bucket(bucket)
    const keys = new Set([...found.objects.keys(), ...found.older.keys()])
    return new Map([...keys].map(key => [key, versionsOfKey(found, key)]))
  }

  async putObject(
    bucket: string,
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {}
  ): Promise<StoredObject> {
    return this.#put({ bucket, key, conditions: options.conditions }, async aside => {
      const encryption = await this.encrypt(bucket, key, options)
      await writeFile(aside, bytes)
      return {
        ...this.#kept(bucket, key, options),
        ...encryption,
        sizeBytes: bytes.length,
        etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
        crc32: checksumOf('CRC32', bytes),
        ...(options.checksum === undefined ? {} : { checksum: options.checksum })
      }
    })
  }

  /** Makes one object of parts of an upload, which is over then. */
  completeUpload(
    upload: Upload,
    parts: readonly StoredPart[],
    options: CompleteOptions = {}
  ): Promise<StoredObject> {
    const { bucket, key, encryption, checksum: kind } = upload
    return this.uploads.complete(upload, () =>
      this.#put({ bucket, key, conditions: options.conditions }, async aside => {
        const { checksum, ...joined } = await joinParts(parts, kind, aside)
        options.check?.(checksum)
        return {
          ...this.#kept(bucket, key, upload),
          ...encryption,
          ...joined,
          partSizesBytes: parts.map(({ sizeBytes }) => sizeBytes),
          ...(checksum === undefined ? {} : { checksum })
        }
      })
    )
  }

  async #put(target: PutTarget, write: (aside: string) => Promise<DescribedObject>): Promise<StoredObject> {
    const writing = this.#writeAndMove(target, write)
    this.#writes.add(writing)
    try {
      return await writing
    } finally {
      this.#writes.delete(writing)
    }
  }

  async #writeAndMove(
    { bucket, key, conditions = {} }: PutTarget,
    write: (aside: string) => Promise<DescribedObject>
  ): Promise<StoredObject> {
    const check = (): void => checkPutConditions(this.objectsOf(bucket).get(key), key, conditions)
    check()
    // Written aside and moved, so that nobody who looks into the folder sees half an object.
    const aside = join(this.#folder, `${asidePrefix}${randomUUID()}`)
    try {
      const described = await write(aside)
      // Another put of the same key may have come first meanwhile; from here on none comes in between.
      check()
      return this.#files.add(bucket, this.#bucket(bucket), described, aside)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
  }

  /** What an object has whatever its bytes are. */
  #kept(
    bucket: string,
    key: string,
    {
      contentType,
      contentEncoding,
      metadata,
      tags,
      lock = {}
    }: Pick<PutOptions, 'contentType' | 'contentEncoding' | 'metadata' | 'tags' | 'lock'>
  ) {
    const modifiedMs = this.#clock.wallTime()
    const { objectLock } = this.settingsOf(bucket)
    const retention = lock.retention ?? (objectLock && defaultRetention(objectLock, modifiedMs))
    return {
      key,
      modifiedMs,
      contentType: contentType ?? 'application/octet-stream',
      contentEncoding,
      metadata: metadata ?? {},
      ...(tags === undefined || tags.length === 0 ? {} : { tags }),
      ...(retention === undefined ? {} : { retention }),
      ...(lock.isOnLegalHold === true ? { isOnLegalHold: true } : {})
    }
  }

  /**
   * The newest version of a key, or the one with this id; `null` names the null version.
   * @throws {AwsError} NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker
   */
  find(bucket: string, key: string, versionId?: string): StoredObject {
    const found = this.#bucket(bucket)
    const version =
      versionId === undefined
        ? (found.objects.get(key) ?? found.older.get(key)?.[0])
        : versionsOfKey(found, key).find(hasId(versionId))
    if (version === undefined) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId)
    if (!isDeleteMarker(version)) return version
    throw versionId === undefined ? noSuchKey(key, version) : methodNotAllowed(version)
  }

  /** Puts an object in place of the one of the same version, its bytes unchanged. */
  describe(bucket: string, object: StoredObject): void {
    const found = this.#bucket(bucket)
    this.#journal?.described(bucket, object)
    replaceVersion(found, object)
  }

  async read({ file }: StoredObject): Promise<Buffer> {
    // Opened at once: a put or a delete that comes next moves the file, and brings another one of the same name.
    const handle = openSync(file, 'r')
    try {
      return await readFileAsync(handle)
    } finally {
      closeSync(handle)
    }
  }

  /** The bytes of an object; undefined when there is none. */
  async readObject(bucket: string, key: string): Promise<Buffer | undefined> {
    const object = this.#buckets.get(bucket)?.objects.get(key)
    return object === undefined ? undefined : this.read(object)
  }

  /**
   * Deletes a version for good or, in a bucket with versioning, a key by a delete marker.
   * @throws {AwsError} AccessDenied for a version that is locked
   */
  deleteObject(
    bucket: string,
    key: string,
    { versionId, bypassesGovernance = false }: DeleteOptions = {}
  ): Deleted {
    const found = this.#bucket(bucket)
    if (versionId === undefined && found.settings.versioning !== undefined) {
      const marker = this.#files.mark(bucket, found, { key, modifiedMs: this.nowMs() })
      return { versionId: marker.versionId ?? 'null', isDeleteMarker: true }
    }
    const version = versionsOfKey(found, key).find(hasId(versionId ?? 'null'))
    if (version === undefined) return { versionId, isDeleteMarker: false }
    if (!isDeleteMarker(version)) checkDeletable(version, this.nowMs(), bypassesGovernance)
    this.#files.remove(bucket, found, version)
    return { versionId, isDeleteMarker: isDeleteMarker(version) }
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

  /**
   * How an object comes to be encrypted, its key asked for.
   * @throws {AwsError} what S3 makes of a refusal of KMS
   */
  async encrypt(
    bucket: string,
    key: string,
    { encryption, principal }: Pick<PutOptions, 'encryption' | 'principal'>
  ): Promise<Encryption> {
    const ofBucket = this.settingsOf(bucket).encryption ?? defaultEncryption
    const { algorithm, keyId, isBucketKeyEnabled } = effectiveEncryption(encryption, ofBucket)
    if (algorithm === 'AES256') return {}
    const bucketArn = `arn:aws:s3:::${bucket}`
    const resourceArn = isBucketKeyEnabled === true ? bucketArn : `${bucketArn}/${key}`
    const kmsKeyArn =
      keyId === undefined ? {} : { kmsKeyArn: await this.#keyArn({ keyId, principal, resourceArn }) }
    return { algorithm, ...kmsKeyArn, ...(isBucketKeyEnabled === true ? { isBucketKeyEnabled } : {}) }
  }

  async #keyArn(request: DataKeyRequest): Promise<string> {
    try {
      return await this.#dataKeyArnOf(request)
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      if (error.type === 'AccessDeniedException') throw new AwsError('AccessDenied', error.message, 403)
      throw new AwsError(`KMS.${error.type}`, error.message)
    }
  }

  #bucket(bucket: string): StoredBucket {
    const found = this.#buckets.get(bucket)
    if (found === undefined) {
      throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: bucket })
    }
    return found
  }
}

function hasId(versionId: string): (version: Version) => boolean {
  return version => (version.versionId ?? 'null') === versionId
}
