// `npm run image`: the engines as a container image, `sealstream/local` (SEALSTREAM_LOCAL_IMAGE names another).
// The base is node:22-slim; SEALSTREAM_LOCAL_BASE names another image that has `node`.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const image = process.env.SEALSTREAM_LOCAL_IMAGE ?? 'sealstream/local'
const base = process.env.SEALSTREAM_LOCAL_BASE
const context = mkdtempSync(join(tmpdir(), 'sealstream-image-'))
try {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', context], root)
  const [archive] = readdirSync(context)
  writeFileSync(join(context, 'package.json'), '{}')
  // No install scripts: nothing in it needs one.
  const packages = [`./${archive}`, `dynalite@${devDependencies.dynalite}`]
  run(
    'npm',
    ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', ...packages],
    context
  )
  rmSync(join(context, archive))
  cpSync(join(root, 'local/Dockerfile'), join(context, 'Dockerfile'))
  run(
    'docker',
    ['build', '--quiet', '--tag', image, ...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]), '.'],
    context
  )
  console.log(`built ${image}`)
} finally {
  rmSync(context, { recursive: true, force: true })
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return
  console.error(error?.code === 'ENOENT' ? `${command} is not installed` : `${command} ${args[0]} failed`)
  process.exitCode = 1
  throw error ?? new Error(`${command} ${args[0]}`)
}
