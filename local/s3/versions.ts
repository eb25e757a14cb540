import type { BucketSettings } from './bucket-settings.ts'
import type { Checksum } from './checksum.ts'
import type { Encryption } from './encryption.ts'
import type { ObjectLock } from './object-lock.ts'

export interface StoredObject extends Encryption, ObjectLock {
  readonly key: string
  /** undefined for the null version: what was put while the bucket had no versioning, or had it suspended. */
  readonly versionId?: string | undefined
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
  /** User metadata, names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  /** undefined for none. */
  readonly tags?: readonly Tag[] | undefined
  /** Sizes of the parts that it was put in; undefined when it came as a whole. */
  readonly partSizesBytes?: readonly number[] | undefined
  readonly file: string
}

export interface Tag {
  readonly key: string
  readonly value: string
}

/** What a delete without a version id leaves in a bucket with versioning. */
export interface DeleteMarker {
  readonly key: string
  /** undefined for the null version. */
  readonly versionId?: string | undefined
  readonly modifiedMs: number
  readonly isDeleteMarker: true
}

export type Version = StoredObject | DeleteMarker

export interface StoredBucket {
  readonly createdMs: number
  settings: BucketSettings
  /** The newest version of every key, unless that is a delete marker. */
  readonly objects: Map<string, StoredObject>
  /** The other versions of a key, newest first. A key that is here and not in `objects` is deleted. */
  readonly older: Map<string, readonly Version[]>
}

export function isDeleteMarker(version: Version): version is DeleteMarker {
  return 'isDeleteMarker' in version
}

/** All versions of a key, newest first. */
export function versionsOfKey({ objects, older }: StoredBucket, key: string): readonly Version[] {
  const newest = objects.get(key)
  const others = older.get(key) ?? []
  return newest === undefined ? others : [newest, ...others]
}

/**
 * Makes a version the newest of its key; a null version takes the place of the one before it. `kept`: where the file of
 * the newest object is from here on, undefined when that object goes. Returns the files of what goes.
 */
export function addVersion(bucket: StoredBucket, version: Version, kept: string | undefined): string[] {
  const { key, versionId } = version
  const newest = bucket.objects.get(key)
  const others = bucket.older.get(key) ?? []
  const isReplaced = (other: Version) => versionId === undefined && other.versionId === undefined
  const older = others.filter(other => !isReplaced(other))
  const gone = filesOf(others.filter(isReplaced))
  if (newest !== undefined && kept !== undefined) older.unshift({ ...newest, file: kept })
  if (newest !== undefined && kept === undefined) gone.push(newest.file)
  if (isDeleteMarker(version)) {
    bucket.objects.delete(key)
    older.unshift(version)
  } else bucket.objects.set(key, version)
  setOlder(bucket, key, older)
  return gone.filter(file => isDeleteMarker(version) || file !== version.file)
}

/** The object that becomes the newest of its key when a version goes; undefined when none does. */
export function promotedBy(
  { objects, older }: StoredBucket,
  key: string,
  versionId: string | undefined
): StoredObject | undefined {
  const newest = objects.get(key)
  const others = older.get(key) ?? []
  if (newest !== undefined && newest.versionId !== versionId) return undefined
  if (newest === undefined && others[0]?.versionId !== versionId) return undefined
  const next = others[newest === undefined ? 1 : 0]
  return next === undefined || isDeleteMarker(next) ? undefined : next
}

/**
 * Takes a version away. `promoted`: where the file of the next one is from here on, when that becomes the newest.
 * Returns the files of what goes.
 */
export function removeVersion(
  bucket: StoredBucket,
  key: string,
  versionId: string | undefined,
  promoted: string | undefined
): string[] {
  const newest = bucket.objects.get(key)
  const others = bucket.older.get(key) ?? []
  const isNewest = newest !== undefined && newest.versionId === versionId
  const older = isNewest ? others : others.filter(other => other.versionId !== versionId)
  const gone = isNewest ? [newest] : others.filter(other => other.versionId === versionId)
  if (isNewest) bucket.objects.delete(key)
  const [next, ...rest] = older
  if (promoted !== undefined && next !== undefined && !isDeleteMarker(next)) {
    bucket.objects.set(key, { ...next, file: promoted })
    setOlder(bucket, key, rest)
  } else setOlder(bucket, key, older)
  return filesOf(gone).filter(file => file !== promoted)
}

/** Puts an object in place of the one of the same version. */
export function replaceVersion(bucket: StoredBucket, object: StoredObject): void {
  const { key, versionId } = object
  const newest = bucket.objects.get(key)
  if (newest !== undefined && newest.versionId === versionId) {
    bucket.objects.set(key, object)
    return
  }
  const older = bucket.older.get(key) ?? []
  setOlder(
    bucket,
    key,
    older.map(other => (other.versionId === versionId ? object : other))
  )
}

export function filesOf(versions: readonly Version[]): string[] {
  return versions.flatMap(version => (isDeleteMarker(version) ? [] : [version.file]))
}

function setOlder({ older }: StoredBucket, key: string, versions: readonly Version[]): void {
  if (versions.length === 0) older.delete(key)
  else older.set(key, versions)
}
