// Who may import whom: the folders meet through ports in core/, and the engines share no code with the product.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const folders = [
  'core',
  'crypto',
  'producer',
  'consumer',
  'firehose',
  'lambda',
  'infra',
  'local',
  'pipeline',
  'cli',
  'bench',
  'examples'
]
const mayImport = {
  core: [],
  crypto: ['core'],
  producer: ['core'],
  consumer: ['core'],
  firehose: ['core'],
  local: ['core/clock.ts', 'core/errors.ts'],
  lambda: ['core', '*/index.ts'],
  infra: ['core', 'pipeline/plan.ts', 'pipeline/destinations.ts', 'consumer/leases/lease-schema.ts'],
  pipeline: ['core', '*/index.ts'],
  cli: ['core', '*/index.ts'],
  bench: ['*/index.ts'],
  examples: []
}

const findings = []
for (const folder of folders) {
  for (const file of sources(join(root, folder))) {
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g
    )) {
      const target = relative(root, resolve(dirname(file), specifier))
        .split(sep)
        .join('/')
      const from = relative(root, file).split(sep).join('/')
      if (target.startsWith(`${folder}/`)) continue
      const allowed = mayImport[folder].some(rule =>
        rule.startsWith('*')
          ? /^[a-z]+(\/(testing|state))?\/index\.[jt]s$/.test(target)
          : target === rule || target.startsWith(`${rule}/`)
      )
      if (!allowed) findings.push(`${from} imports ${target}`)
    }
  }
}
if (findings.length > 0) {
  console.error(`imports that the layout forbids:\n  ${findings.join('\n  ')}`)
  process.exit(1)
}

function sources(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(ts|js)$/.test(entry.name))
      .map(entry => join(entry.parentPath ?? entry.path, entry.name))
  } catch {
    return []
  }
}
