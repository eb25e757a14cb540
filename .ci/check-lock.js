// Every package that an `optionalDependencies` entry of the lock names must be in the lock itself: npm has
// been seen to write a lock that holds the binaries of the machine it ran on and of no other platform.
import { readFileSync } from 'node:fs'

const packages = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')).packages
const missing = []
for (const [path, entry] of Object.entries(packages)) {
  if (entry.resolved && !entry.resolved.startsWith('https://registry.npmjs.org/'))
    missing.push(`${path}: foreign address`)
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    // npm looks a dependency up in the folder of its dependent, then in every folder above.
    const parents = []
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
      parents.push(at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`)
      if (at === '') break
    }
    if (!parents.some(candidate => candidate in packages)) missing.push(`${path} needs ${name}`)
  }
}
if (missing.length > 0) {
  console.error(`package-lock.json is not complete:\n  ${missing.join('\n  ')}`)
  process.exit(1)
}
