import { chmod, copyFile, link, mkdir, mkdtemp, readdir, readlink, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** A temporary folder; where it can be had one that every user can enter, if `forOthers`. */
export async function makeTemporaryFolder(prefix: string, forOthers: boolean): Promise<string> {
  if (forOthers) {
    for (const parent of [tmpdir(), '/tmp', '/var/tmp']) {
      if (!(await isOpenToAll(parent))) continue
      const folder = await mkdtemp(join(parent, prefix))
      await chmod(folder, 0o755)
      return folder
    }
  }
  return mkdtemp(join(tmpdir(), prefix))
}

/**
 * Puts a folder, for reading alone, where every user can enter it. By hard links, which take a fiftieth of the time
 * of copies; those are for where there are none, between two file systems for example. Symbolic links stay as they are.
 */
export async function mirrorFolder(source: string, target: string): Promise<void> {
  await mkdir(target)
  // Whatever the mask of this process is.
  await chmod(target, 0o755)
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) await mirrorFolder(from, to)
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
    else await link(from, to).catch(() => copyFile(from, to))
  }
}

/** Whether every user can enter the folder. */
export async function isOpenToAll(folder: string): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const mode = await stat(at).then(
      found => found.mode,
      () => 0
    )
    if ((mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
