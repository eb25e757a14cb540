import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { StateFolder, StateLog } from '../state/index.ts'
import { asidePrefix } from './aside.ts'
import type { BucketSettings } from './bucket-settings.ts'
import {
  addVersion,
  type DeleteMarker,
  filesOf,
  isDeleteMarker,
  removeVersion,
  replaceVersion,
  type StoredBucket,
  type StoredObject,
  type Version
} from './versions.ts'

/** From where to where a file is moved. */
export type Move = readonly [from: string, to: string]

/** File names are below the folder of all buckets. */
type Entry =
  | { readonly bucket: string; readonly createdMs: number; readonly settings?: BucketSettings }
  | { readonly bucket: string; readonly isDeleted: true }
  | { readonly bucket: string; readonly settings: BucketSettings }
  // `aside`: where its file was written; `kept`: the way of the file of the object before it, which is an older version then.
  | { readonly bucket: string; readonly put: StoredObject; readonly aside?: string; readonly kept?: Move }
  | { readonly bucket: string; readonly marker: DeleteMarker; readonly kept?: Move }
  // `promoted`: from and to where the file of the next version is moved, which becomes the newest.
  | {
      readonly bucket: string
      readonly deleted: string
      readonly versionId?: string
      readonly promoted?: Move
    }
  | { readonly bucket: string; readonly described: StoredObject }
  // One more of the older versions of its key, the oldest so far.
  | { readonly bucket: string; readonly older: Version }

/**
 * A log of what describes buckets and objects; the objects themselves are files anyway. Everything is told before it is
 * done: what a killed process has not done of its last entry is made up for.
 */
export class S3Journal {
  /** What the log held. */
  readonly loaded: ReadonlyMap<string, StoredBucket>
  readonly #folder: string
  readonly #log: StateLog
  /** On its way into the log: what is described does not have it yet. */
  #current: Entry | undefined

  /**
   * `folder`: of all buckets, and there. `buckets`: what the store holds, asked when the log is written anew.
   * @throws {StateError}
   */
  constructor(state: StateFolder, folder: string, buckets: () => ReadonlyMap<string, StoredBucket>) {
    this.#folder = folder
    const loaded = new Map<string, StoredBucket>()
    const gone = new Set<string>()
    let last: Entry | undefined
    this.#log = state.log('s3-objects', {
      name: 'objects',
      read: entry => {
        last = this.#absolute(entry as Entry)
        for (const file of readEntry(loaded, last)) gone.add(file)
        return undefined
      },
      live: {
        count: () => [...buckets().values()].reduce((sum, bucket) => sum + countOf(bucket), 0),
        entries: () => this.#entries(buckets())
      }
    })
    this.loaded = loaded
    this.#finish(last, gone)
  }

  madeBucket(bucket: string, { createdMs, settings }: StoredBucket): void {
    this.#write({ bucket, createdMs, settings })
  }

  deletedBucket(bucket: string): void {
    this.#write({ bucket, isDeleted: true })
  }

  changedSettings(bucket: string, settings: BucketSettings): void {
    this.#write({ bucket, settings })
  }

  /** Before the file of the object before it is moved as `kept` says, and then its own from `aside` to its place. */
  put(bucket: string, put: StoredObject, aside: string, kept: Move | undefined): void {
    this.#write({ bucket, put, aside, ...(kept === undefined ? {} : { kept }) })
  }

  /** Before the file of the object that is deleted is moved as `kept` says. */
  marked(bucket: string, marker: DeleteMarker, kept: Move | undefined): void {
    this.#write({ bucket, marker, ...(kept === undefined ? {} : { kept }) })
  }

  /** Before the file is removed, and the one of the next version moved. */
  deleted(bucket: string, { key, versionId }: Version, promoted: Move | undefined): void {
    this.#write({
      bucket,
      deleted: key,
      ...(versionId === undefined ? {} : { versionId }),
      ...(promoted === undefined ? {} : { promoted })
    })
  }

  /** Again, of a version whose file stays where it is. */
  described(bucket: string, described: StoredObject): void {
    this.#write({ bucket, described })
  }

  #write(entry: Entry): void {
    this.#current = entry
    try {
      this.#log.append(this.#relative(entry))
      this.#log.flush()
    } finally {
      this.#current = undefined
    }
  }

  *#entries(buckets: ReadonlyMap<string, StoredBucket>): Generator<Entry> {
    for (const [bucket, { createdMs, settings, objects, older }] of buckets) {
      yield { bucket, createdMs, settings }
      for (const versions of older.values()) {
        for (const version of versions) yield this.#relative({ bucket, older: version })
      }
      for (const described of objects.values()) yield this.#relative({ bucket, put: described })
    }
    if (this.#current !== undefined) yield this.#relative(this.#current)
  }

  #relative(entry: Entry): Entry {
    return mapFiles(entry, file => relative(this.#folder, file))
  }

  #absolute(entry: Entry): Entry {
    return mapFiles(entry, file => join(this.#folder, file))
  }

  /** Does what a killed process has left undone, and removes what it has left lying about. */
  #finish(last: Entry | undefined, gone: ReadonlySet<string>): void {
    const moves = last === undefined ? [] : movesOf(last)
    // The last move comes last: once it is done all are, and a file of the first name is another one.
    if (moves.length > 0 && existsSync(moves.at(-1)![0])) {
      for (const [from, to] of moves) {
        mkdirSync(dirname(to), { recursive: true })
        if (existsSync(from)) renameSync(from, to)
      }
    }
    const living = new Set([...this.loaded.values()].flatMap(everyFileOf))
    for (const file of gone) if (!living.has(file)) rmSync(file, { force: true })
    for (const name of readdirSync(this.#folder)) {
      if (name.startsWith(asidePrefix)) rmSync(join(this.#folder, name))
    }
  }
}

/** Returns the files that go with it. */
function readEntry(buckets: Map<string, StoredBucket>, entry: Entry): string[] {
  if ('createdMs' in entry) {
    const { createdMs, settings = { documents: {} } } = entry
    buckets.set(entry.bucket, { createdMs, settings, objects: new Map(), older: new Map() })
    return []
  }
  if ('isDeleted' in entry) {
    buckets.delete(entry.bucket)
    return []
  }
  const bucket = buckets.get(entry.bucket)
  if (bucket === undefined) return []
  if ('settings' in entry) bucket.settings = entry.settings
  else if ('put' in entry) return addVersion(bucket, entry.put, entry.kept?.[1])
  else if ('marker' in entry) return addVersion(bucket, entry.marker, entry.kept?.[1])
  else if ('deleted' in entry) {
    return removeVersion(bucket, entry.deleted, entry.versionId, entry.promoted?.[1])
  } else if ('described' in entry) replaceVersion(bucket, entry.described)
  else {
    const { key } = entry.older
    bucket.older.set(key, [...(bucket.older.get(key) ?? []), entry.older])
  }
  return []
}

/** In the order in which they are done. */
function movesOf(entry: Entry): readonly Move[] {
  const kept = 'kept' in entry && entry.kept !== undefined ? [entry.kept] : []
  if ('put' in entry && entry.aside !== undefined) return [...kept, [entry.aside, entry.put.file]]
  if ('promoted' in entry && entry.promoted !== undefined) return [entry.promoted]
  return kept
}

function mapFiles(entry: Entry, map: (file: string) => string): Entry {
  const object = (described: StoredObject): StoredObject => ({
    ...described,
    // JSON leaves out what is undefined; the member is there all the same.
    contentEncoding: described.contentEncoding,
    file: map(described.file)
  })
  const move = ([from, to]: Move): Move => [map(from), map(to)]
  const kept = 'kept' in entry && entry.kept !== undefined ? { kept: move(entry.kept) } : {}
  if ('put' in entry) {
    const aside = entry.aside === undefined ? {} : { aside: map(entry.aside) }
    return { ...entry, put: object(entry.put), ...aside, ...kept }
  }
  if ('marker' in entry) return { ...entry, ...kept }
  if ('described' in entry) return { ...entry, described: object(entry.described) }
  if ('older' in entry && !isDeleteMarker(entry.older)) return { ...entry, older: object(entry.older) }
  if ('deleted' in entry && entry.promoted !== undefined) return { ...entry, promoted: move(entry.promoted) }
  return entry
}

function countOf({ objects, older }: StoredBucket): number {
  return [...older.values()].reduce((sum, versions) => sum + versions.length, objects.size + 1)
}

function everyFileOf({ objects, older }: StoredBucket): string[] {
  return [...filesOf([...objects.values()]), ...[...older.values()].flatMap(filesOf)]
}
