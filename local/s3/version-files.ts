import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BucketSettings } from './bucket-settings.ts'
import type { Move, S3Journal } from './journal.ts'
import { olderFolder, placeOf } from './place.ts'
import {
  addVersion,
  type DeleteMarker,
  isDeleteMarker,
  promotedBy,
  removeVersion,
  type StoredBucket,
  type StoredObject,
  type Version
} from './versions.ts'

/** An object that has no file in its place and no version id yet. */
export type DescribedObject = Omit<StoredObject, 'file' | 'versionId'>

/**
 * Brings versions and their files to where they belong: the newest one of a key to its place, older ones aside. Each
 * step is told to the journal before it is done, and awaits nothing: no other one comes in between.
 */
export class VersionFiles {
  readonly #folder: string
  readonly #journal: S3Journal | undefined

  /** `folder`: of all buckets. */
  constructor(folder: string, journal: S3Journal | undefined) {
    this.#folder = folder
    this.#journal = journal
  }

  /** Moves a file that was written aside to its place, where it is the newest version of its key. */
  add(name: string, bucket: StoredBucket, described: DescribedObject, aside: string): StoredObject {
    const { key } = described
    const object: StoredObject = {
      ...described,
      ...newVersionId(bucket.settings.versioning),
      file: bucket.objects.get(key)?.file ?? this.#placeOf(name, key)
    }
    const kept = this.#keep(name, bucket, object)
    this.#journal?.put(name, object, aside, kept)
    if (kept !== undefined) renameSync(...kept)
    renameSync(aside, object.file)
    removeFiles(addVersion(bucket, object, kept?.[1]))
    return object
  }

  /** Makes a delete marker the newest version of a key. */
  mark(
    name: string,
    bucket: StoredBucket,
    described: Pick<DeleteMarker, 'key' | 'modifiedMs'>
  ): DeleteMarker {
    const marker: DeleteMarker = {
      ...described,
      ...newVersionId(bucket.settings.versioning),
      isDeleteMarker: true
    }
    const kept = this.#keep(name, bucket, marker)
    this.#journal?.marked(name, marker, kept)
    if (kept !== undefined) renameSync(...kept)
    removeFiles(addVersion(bucket, marker, kept?.[1]))
    return marker
  }

  /** Takes a version away for good; the one before it takes its place when it was the newest. */
  remove(name: string, bucket: StoredBucket, version: Version): void {
    const { key, versionId } = version
    const next = promotedBy(bucket, key, versionId)
    const promoted: Move | undefined = next && [
      next.file,
      isDeleteMarker(version) ? this.#placeOf(name, key) : version.file
    ]
    this.#journal?.deleted(name, version, promoted)
    removeFiles(removeVersion(bucket, key, versionId, promoted?.[1]))
    if (promoted !== undefined) renameSync(...promoted)
  }

  #placeOf(name: string, key: string): string {
    return placeOf(join(this.#folder, name), key)
  }

  /** The way of the newest object's file when a version comes before it; undefined when the object is replaced. */
  #keep(
    name: string,
    { objects }: StoredBucket,
    { key, versionId }: Pick<Version, 'key' | 'versionId'>
  ): Move | undefined {
    const newest = objects.get(key)
    if (newest === undefined || (newest.versionId === undefined && versionId === undefined)) return undefined
    const kept = join(this.#folder, name, olderFolder, newest.versionId ?? `null-${randomUUID()}`)
    mkdirSync(dirname(kept), { recursive: true })
    return [newest.file, kept]
  }
}

/** 32 characters that no other version has; the null version has none. */
function newVersionId(versioning: BucketSettings['versioning']): { readonly versionId?: string } {
  return versioning === 'Enabled' ? { versionId: randomBytes(24).toString('base64url') } : {}
}

/** At once: a put behind it may bring a file of the same name. */
function removeFiles(files: readonly string[]): void {
  for (const file of files) rmSync(file, { force: true })
}
