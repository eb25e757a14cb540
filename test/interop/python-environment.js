import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'python')
const environment = join(folder, '.venv')
const requirements = join(folder, 'requirements.txt')
/** Copied into the environment once everything in it is there. */
const installed = join(environment, 'requirements.txt')
const python = join(
  environment,
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'])
)

/** What `requirements.txt` says of a package. @param {string} name */
export function pinnedVersion(name) {
  return new RegExp(`^${name}==(.+)$`, 'm').exec(readFileSync(requirements, 'utf8'))?.[1] ?? ''
}

/**
 * Makes the virtual environment of the judges in Python, unless it is what `requirements.txt` asks for.
 * @returns {string | undefined} what is missing for it
 */
export function preparePython() {
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted && works(python)) return undefined
  if (!works('python3')) return 'there is no Python 3.10 or newer'
  if (!runs('python3', ['-m', 'venv', '--clear', environment])) return 'this Python has no module venv'
  if (!runs(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])) {
    return 'pip found no registry, or not what it needs'
  }
  copyFileSync(requirements, installed)
  return undefined
}

/**
 * For a check that runs alone: as `preparePython`, and the end of the process, without a failure, where something is
 * missing.
 */
export function requirePython() {
  const missing = preparePython()
  if (missing === undefined) return
  console.log(`interop: skipped, ${missing}`)
  process.exit(0)
}

/**
 * Starts a judge, which ends when its standard input does.
 * @param {string} script
 * @param {Readonly<Record<string, string>>} variables
 */
export function startPython(script, variables) {
  return spawn(python, [join(folder, script)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      // Nothing of what the user has set up for AWS, and no proxy in front of the engines.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_PROFILE: undefined,
      AWS_SESSION_TOKEN: undefined,
      NO_PROXY: '127.0.0.1',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUTF8: '1',
      ...variables
    }
  })
}

/** @param {string} command */
function works(command) {
  return runs(command, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], 'ignore')
}

/**
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {'ignore' | 'inherit'} output
 */
function runs(command, parameters, output = 'inherit') {
  const { status } = spawnSync(command, parameters, { stdio: ['ignore', output, output], timeout: 300_000 })
  return status === 0
}
