import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

const notBuilt = 'the judge could not be built: Maven found no repository, or not what it needs'

/**
 * Builds the judges around the KCL and the Encryption SDK, each version of the KCL beside the other.
 * @param {string} version of the KCL
 * @returns {{ readonly missing: string } | { readonly classpath: string }}
 */
export function prepareKcl(version) {
  return build('java', `-Dkcl.version=${version}`, `kcl-${version}`)
}

/**
 * Builds the judge around the Kinesis Producer Library, with its process for this machine inside.
 * @param {string} version
 * @returns {{ readonly missing: string } | { readonly classpath: string }}
 */
export function prepareKpl(version) {
  // Its native process, which comes with the library, is there for macOS and for Linux with glibc.
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  if (process.platform !== 'darwin' && header.glibcVersionRuntime === undefined) {
    return { missing: 'the library has no native process for this system' }
  }
  return build('java-kpl', `-Dkpl.version=${version}`, `kpl-${version}`)
}

/**
 * @param {string} module folder of the build
 * @param {string} property
 * @param {string} target folder of what is built
 */
function build(module, property, target) {
  const missing = whatIsMissing()
  if (missing !== undefined) return { missing }
  const folder = join(import.meta.dirname, module)
  const { status } = spawnSync('mvn', ['-q', '-B', property, 'package'], { cwd: folder, stdio: 'inherit' })
  if (status !== 0) return { missing: notBuilt }
  const built = join(folder, 'target', target)
  return { classpath: [join(built, 'judge.jar'), join(built, 'lib', '*')].join(delimiter) }
}

/** Undefined when everything is there. */
function whatIsMissing() {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  if (status !== 0 || major < 17) return 'there is no JDK 17 or newer'
  return spawnSync('mvn', ['-v']).status === 0 ? undefined : 'there is no Maven'
}
