import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

export const kplVersion = '1.0.7'
const folder = join(import.meta.dirname, 'java-kpl')

/**
 * Builds the judge around the Kinesis Producer Library, with its process for this machine inside.
 * @returns {{ readonly missing?: string, readonly classpath?: string }}
 */
export function prepareKpl() {
  // Its native process, which comes with the library, is there for macOS and for Linux with glibc.
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  if (process.platform !== 'darwin' && header.glibcVersionRuntime === undefined) {
    return { missing: 'the library has no native process for this system' }
  }
  const built = spawnSync('mvn', ['-q', '-B', `-Dkpl.version=${kplVersion}`, 'package'], {
    cwd: folder,
    stdio: 'inherit'
  })
  if (built.status !== 0) {
    return { missing: 'the judge could not be built: Maven found no repository, or not what it needs' }
  }
  const target = join(folder, 'target', `kpl-${kplVersion}`)
  return { classpath: [join(target, 'judge.jar'), join(target, 'lib', '*')].join(delimiter) }
}
