import { createHash } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Folder of a bucket where versions lie that are not the newest; no key names a path into it. */
export const olderFolder = '.versions'

/**
 * Where the newest version of a key lies: the path that the key names or, where a key can be no path or another one is
 * in the way, a file named by its digest. The folder of it is made.
 */
export function placeOf(bucketFolder: string, key: string): string {
  const byPath = join(bucketFolder, ...key.split('/'))
  if (isPath(key) && isFree(byPath)) return byPath
  const byDigest = join(bucketFolder, '.keys', createHash('sha256').update(key).digest('hex'))
  mkdirSync(dirname(byDigest), { recursive: true })
  return byDigest
}

/** S3 takes `a` beside `a/b`; a file system does not. */
function isFree(path: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes((error as { code: string }).code)) return false
    throw error
  }
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true
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
