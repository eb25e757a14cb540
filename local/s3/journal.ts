import { readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { StateFolder, StateLog } from '../state/index.ts'
import { asidePrefix } from './aside.ts'
import type { StoredBucket, StoredObject } from './store.ts'

/** File names are below the folder of all buckets. */
type Entry =
  | { readonly bucket: string; readonly createdMs: number }
  | { readonly bucket: string; readonly isDeleted: true }
  | { readonly bucket: string; readonly put: StoredObject; readonly aside?: string | undefined }
  | { readonly bucket: string; readonly deleted: string; readonly file: string }

/** An object that is described, and whose file is not in its place. */
export interface UnmovedObject {
  readonly aside: string
  readonly bucket: string
  readonly object: StoredObject
}

export interface LoadedObjects {
  readonly buckets: ReadonlyMap<string, StoredBucket>
  readonly unmoved: readonly UnmovedObject[]
}

/** A log of what describes buckets and objects; the objects themselves are files anyway. */
export class S3Journal {
  readonly loaded: LoadedObjects
  readonly #folder: string
  readonly #log: StateLog

  /**
   * `folder`: of all buckets, and there. `buckets`: what the store holds, asked when the log is written anew.
   * @throws {StateError}
   */
  constructor(state: StateFolder, folder: string, buckets: () => ReadonlyMap<string, StoredBucket>) {
    this.#folder = folder
    const loaded = new Map<string, StoredBucket>()
    const asides = new Map<string, UnmovedObject>()
    const deleted = new Set<string>()
    this.#log = state.log('s3-objects', {
      name: 'objects',
      read: entry => {
        readEntry({ folder, buckets: loaded, asides, deleted }, entry as Entry)
        return undefined
      },
      live: {
        count: () => [...buckets().values()].reduce((sum, { objects }) => sum + objects.size + 1, 0),
        entries: () => this.#entries(buckets())
      }
    })
    this.loaded = { buckets: loaded, unmoved: this.#tidyUp(asides, deleted) }
  }

  madeBucket(bucket: string, { createdMs }: StoredBucket): void {
    this.#write({ bucket, createdMs })
  }

  deletedBucket(bucket: string): void {
    this.#write({ bucket, isDeleted: true })
  }

  /** Before the file is moved from `aside` to its place. */
  put(bucket: string, object: StoredObject, aside: string): void {
    this.#write({ bucket, put: this.#relative(object), aside: relative(this.#folder, aside) })
  }

  /** Again, of a file that is in place. */
  described(bucket: string, object: StoredObject): void {
    this.#write({ bucket, put: this.#relative(object) })
  }

  /** Before the file is removed. */
  deleted(bucket: string, { key, file }: StoredObject): void {
    this.#write({ bucket, deleted: key, file: relative(this.#folder, file) })
  }

  #write(entry: Entry): void {
    this.#log.append(entry)
    this.#log.flush()
  }

  *#entries(buckets: ReadonlyMap<string, StoredBucket>): Generator<Entry> {
    for (const [bucket, { createdMs, objects }] of buckets) {
      yield { bucket, createdMs }
      for (const object of objects.values()) yield { bucket, put: this.#relative(object) }
    }
  }

  #relative(object: StoredObject): StoredObject {
    return { ...object, file: relative(this.#folder, object.file) }
  }

  /** Removes what a killed process has left lying about. Returns the objects that wait for their files. */
  #tidyUp(
    asides: ReadonlyMap<string, UnmovedObject>,
    deleted: ReadonlySet<string>
  ): readonly UnmovedObject[] {
    for (const file of deleted) rmSync(file, { force: true })
    const unmoved: UnmovedObject[] = []
    for (const name of readdirSync(this.#folder)) {
      if (!name.startsWith(asidePrefix)) continue
      const waiting = asides.get(name)
      if (waiting === undefined) rmSync(join(this.#folder, name))
      else unmoved.push(waiting)
    }
    return unmoved
  }
}

interface Reading {
  readonly folder: string
  readonly buckets: Map<string, StoredBucket>
  /** Name of the file that was written aside -> what it is for. */
  readonly asides: Map<string, UnmovedObject>
  /** Files of objects that were deleted. */
  readonly deleted: Set<string>
}

function readEntry({ folder, buckets, asides, deleted }: Reading, entry: Entry): void {
  const { bucket } = entry
  if ('createdMs' in entry) {
    buckets.set(bucket, { createdMs: entry.createdMs, objects: new Map() })
    return
  }
  if ('isDeleted' in entry) {
    buckets.delete(bucket)
    return
  }
  const objects = buckets.get(bucket)?.objects
  if ('deleted' in entry) {
    objects?.delete(entry.deleted)
    deleted.add(join(folder, entry.file))
    return
  }
  const object = {
    ...entry.put,
    // JSON leaves out what is undefined; the member is there all the same.
    contentEncoding: entry.put.contentEncoding,
    file: join(folder, entry.put.file)
  }
  objects?.set(object.key, object)
  deleted.delete(object.file)
  if (entry.aside !== undefined) {
    asides.set(entry.aside, { aside: join(folder, entry.aside), bucket, object })
  }
}
