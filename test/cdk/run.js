// `npm run test:cdk`: the construct, the planner's templates and the templates of others under the AWS CDK, cdk-nag and
// cloudformation-validate. These packages weigh about 200 MB: they are installed here, when this is called, and nowhere else.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const here = import.meta.dirname
const root = resolve(here, '../..')
const modules = join(here, 'node_modules')

process.exitCode = main()

/** @returns {number} exit code */
function main() {
  if (!isInstalled()) {
    const installed = run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', here])
    if (installed !== 0) return installed
  }
  return (
    run('npx', ['tsc', '-p', 'test/cdk/tsconfig.json']) ||
    run('npx', ['vitest', 'run', '--config', 'test/cdk/vitest.config.ts', ...process.argv.slice(2)])
  )
}

/** Whether what is there is what the lock says. */
function isInstalled() {
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  return Object.entries(dependencies).every(([name, version]) => {
    const file = join(modules, name, 'package.json')
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version
  })
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  // The construct looks for its peers from its own folder, where only those of whoever uses the package would be.
  const env = { ...process.env, NODE_PATH: modules }
  return spawnSync(command, args, { stdio: 'inherit', cwd: root, env }).status ?? 1
}
