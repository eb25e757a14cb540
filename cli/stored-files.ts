import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UsageError } from './exit-code.ts'

/** One thing to read lines from. */
export interface StoredFile {
  readonly name: string
  /** Unpacked where it was compressed. */
  readonly bytes: AsyncIterable<Buffer>
}

const gzipMagic = Buffer.from([0x1f, 0x8b])

/** The file at `path`, every file in the folder there, in the order of their names, or with `-` standard input. */
export async function storedFiles(path: string): Promise<AsyncIterable<StoredFile>> {
  if (path === '-') return one({ name: 'standard input', bytes: unpacked(process.stdin) })
  try {
    if (!(await stat(path)).isDirectory()) return one(storedFile(path))
    const found = await readdir(path, { recursive: true, withFileTypes: true })
    const names = found.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    return each(names.toSorted().map(storedFile))
  } catch (error) {
    throw new UsageError(`--input ${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function storedFile(path: string): StoredFile {
  // Nothing is opened before its turn comes: a folder may hold more files than may be open.
  return {
    name: path,
    bytes: (async function* () {
      yield* unpacked(createReadStream(path))
    })()
  }
}

/** What the first bytes say decides, not a name: an object keeps its name when somebody has unpacked it. */
async function* unpacked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const pieces = source[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  let isOver = false
  while (start.length < gzipMagic.length && !isOver) {
    const next = await pieces.next()
    if (next.done) isOver = true
    else start = Buffer.concat([start, next.value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield start
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
  }
  if (!start.subarray(0, gzipMagic.length).equals(gzipMagic)) {
    yield* whole()
    return
  }
  const gunzip = createGunzip()
  // What fails on the way in is thrown by the iteration.
  pipeline(Readable.from(whole()), gunzip, () => {})
  yield* gunzip as AsyncIterable<Buffer>
}

async function* one(file: StoredFile): AsyncGenerator<StoredFile> {
  yield file
}

async function* each(files: readonly StoredFile[]): AsyncGenerator<StoredFile> {
  yield* files
}
