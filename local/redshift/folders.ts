import { chmod, mkdtemp, stat } from 'node:fs/promises'
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
