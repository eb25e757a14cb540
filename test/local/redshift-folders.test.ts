import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { mirrorFolder } from '../../local/redshift/folders.ts'

async function aFolder(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'sealstream-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function aSource(): Promise<string> {
  const source = join(await aFolder(), 'source')
  await mkdir(join(source, 'bin'), { recursive: true })
  await writeFile(join(source, 'bin', 'program'), 'program')
  await chmod(join(source, 'bin', 'program'), 0o755)
  await symlink('program', join(source, 'bin', 'other'))
  return source
}

const deviceOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ dev }) => dev,
    () => undefined
  )
/** Another file system than that of temporary files, where Linux has one. */
const elsewhere = '/dev/shm'
const devices = await Promise.all([deviceOf(tmpdir()), deviceOf(elsewhere)])
const isElsewhereThere = process.platform === 'linux' && devices[1] !== undefined && devices[0] !== devices[1]

describe.skipIf(process.platform === 'win32')('a mirrored folder', () => {
  it('has the same files, by links, in folders that every user can enter', async () => {
    const source = await aSource()
    await chmod(join(source, 'bin'), 0o700)
    const target = join(await aFolder(), 'target')
    await mirrorFolder(source, target)
    const [file, original] = await Promise.all(
      [target, source].map(folder => stat(join(folder, 'bin', 'program')))
    )
    expect(file!.ino).toBe(original!.ino)
    expect((await stat(join(target, 'bin'))).mode & 0o777).toBe(0o755)
    expect(await readlink(join(target, 'bin', 'other'))).toBe('program')
  })

  it('leaves its source whole when it is removed', async () => {
    const source = await aSource()
    const target = join(await aFolder(), 'target')
    await mirrorFolder(source, target)
    await rm(target, { recursive: true })
    expect(await readFile(join(source, 'bin', 'other'), 'utf8')).toBe('program')
  })

  it.skipIf(!isElsewhereThere)('has copies on another file system, programs still', async () => {
    const source = await aSource()
    const target = join(await aFolder(elsewhere), 'target')
    await mirrorFolder(source, target)
    expect(await readFile(join(target, 'bin', 'program'), 'utf8')).toBe('program')
    expect((await stat(join(target, 'bin', 'program'))).mode & 0o777).toBe(0o755)
  })
})
