import { checkInteger, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { checkStoredCode, itemsOf, type PlanStoredCode, section } from './plan-checks.ts'
import { checkFunctionName } from './plan-names.ts'
import type { StreamReader } from './stream-readers.ts'

const runtimes = ['nodejs20.x', 'nodejs22.x', 'nodejs24.x'] as const

/** A function that a reader of the stream names: as its `transform`, or as the `functionName` of one of kind `lambda`. */
export interface PlanFunction {
  /** 1 to 64 letters, digits, hyphens and underscores. */
  readonly name: string
  readonly code: PlanStoredCode
  /** @default 'index.handler' */
  readonly handler?: string
  /** @default 'nodejs24.x' */
  readonly runtime?: (typeof runtimes)[number]
  /** Range 128 to 10_240. @default 512 */
  readonly memoryMiB?: number
  /** Range 1 to 900; to 300 for a transform, which Firehose waits no longer for. @default 60 */
  readonly timeoutSeconds?: number
  /** Most instances at once, each of which asks KMS for data keys of its own. Range 1 to 1_000. @default 10 */
  readonly concurrency?: number
  /**
   * Environment variables, under the state key, readable by whoever reads the template: names and ARNs of secrets, not
   * secrets. Needs `roles.deployerArn`.
   * @default {}
   */
  readonly variables?: Readonly<Record<string, string>>
}

export interface ResolvedFunction extends Required<Omit<PlanFunction, 'code'>> {
  readonly code: Required<PlanStoredCode>
  /** What its readers name it by: an alias for each. */
  readonly aliases: readonly string[]
  readonly use: 'transform' | 'reader'
}

/** Longest time that Firehose waits for a transform (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html). */
const longestTransformSeconds = 300

/** @throws InvalidOptionError, also for a function that no reader names, and for a reader of a function that is not there */
export function resolveFunctions(
  value: unknown,
  readers: readonly StreamReader[]
): readonly ResolvedFunction[] {
  const path = 'services.functions'
  const functions = itemsOf<PlanFunction>(path, value ?? []).map((each, index) =>
    resolveFunction(`${path}[${index}]`, each, readers)
  )
  const names = functions.map(({ name }) => name)
  const twice = names.findIndex((name, index) => names.indexOf(name) < index)
  if (twice !== -1) throw new InvalidOptionError(`${path}[${twice}].name`, 'is that of another function')
  for (const [index, reader] of readers.entries()) {
    if (reader.kind !== 'lambda' || reader.functionName === undefined) continue
    if (names.includes(reader.functionName)) continue
    throw new InvalidOptionError(
      `stream.readers[${index}].functionName`,
      'is none of services.functions: expected one, or functionArn of a function that is there'
    )
  }
  return functions
}

function resolveFunction(
  path: string,
  value: PlanFunction,
  readers: readonly StreamReader[]
): ResolvedFunction {
  const given = section(path, value, [
    'name',
    'code',
    'handler',
    'runtime',
    'memoryMiB',
    'timeoutSeconds',
    'concurrency',
    'variables'
  ])
  const name = checkFunctionName(`${path}.name`, given.name)
  const transforms = readers.flatMap(reader => {
    if (reader.kind !== 'firehose' || reader.destination !== 's3') return []
    return reader.transform?.functionName === name ? [reader.transform.qualifier] : []
  })
  const mapped = readers.flatMap(reader =>
    reader.kind === 'lambda' && reader.functionName === name ? [reader.qualifier!] : []
  )
  if (transforms.length > 0 && mapped.length > 0) {
    throw new InvalidOptionError(
      `${path}.name`,
      'transforms and reads: expected a function for each, with its own role'
    )
  }
  const aliases = [...new Set([...transforms, ...mapped])]
  if (aliases.length === 0) {
    throw new InvalidOptionError(`${path}.name`, 'is named by none of stream.readers')
  }
  if (aliases.some(alias => /^\d+$/.test(alias))) {
    throw new InvalidOptionError(
      `${path}.name`,
      'is named by its version: expected readers that name an alias'
    )
  }
  const use = transforms.length > 0 ? 'transform' : 'reader'
  return {
    name,
    code: checkStoredCode(`${path}.code`, given.code),
    handler: checkString(`${path}.handler`, given.handler ?? 'index.handler'),
    runtime: checkOneOf(`${path}.runtime`, given.runtime ?? 'nodejs24.x', runtimes),
    memoryMiB: checkInteger(`${path}.memoryMiB`, given.memoryMiB ?? 512, 128, 10_240),
    timeoutSeconds: checkInteger(
      `${path}.timeoutSeconds`,
      given.timeoutSeconds ?? 60,
      1,
      use === 'transform' ? longestTransformSeconds : 900
    ),
    concurrency: checkInteger(`${path}.concurrency`, given.concurrency ?? 10, 1, 1_000),
    variables: checkVariables(`${path}.variables`, given.variables ?? {}),
    aliases,
    use
  }
}

/** Values are not quoted: what should not be there may be there. */
function checkVariables(path: string, value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(path, 'expected an object of strings')
  }
  for (const [name, text] of Object.entries(value)) {
    if (!/^[a-zA-Z]\w+$/.test(name)) {
      throw new InvalidOptionError(
        path,
        'expected names that begin with a letter, of letters, digits and underscores'
      )
    }
    if (typeof text !== 'string') throw new InvalidOptionError(`${path}.${name}`, 'expected a string')
  }
  return { ...value }
}
