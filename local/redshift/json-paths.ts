import { CopyError } from './errors.ts'
import type { JsonValue } from './json-value.ts'

/** Names of members and positions in arrays, from the outside in. */
export type JsonPath = readonly (string | number)[]

const step = /\.([^.[\]*\s]+)|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]|\[\s*(\d+)\s*\]/y

/**
 * `{"jsonpaths":["$.a.b","$['c'][0]"]}`: a path for each column, in dots or brackets, without wildcards.
 *
 * @throws {CopyError} IncorrectJsonPathsFile
 */
export function parseJsonPaths(text: string): readonly JsonPath[] {
  let paths: unknown
  try {
    paths = (JSON.parse(text) as { jsonpaths?: unknown } | null)?.jsonpaths
  } catch {
    throw incorrect()
  }
  if (!Array.isArray(paths) || paths.length === 0) throw incorrect()
  return paths.map((path: unknown) => {
    if (typeof path !== 'string') throw incorrect()
    return parsePath(path)
  })
}

/** What lies at the path; undefined when nothing does. */
export function valueAt(value: JsonValue, path: JsonPath): JsonValue | undefined {
  let found: JsonValue | undefined = value
  for (const part of path) {
    if (found?.kind === 'object' && typeof part === 'string') found = found.members.get(part)
    else if (found?.kind === 'array' && typeof part === 'number') found = found.items[part]
    else return undefined
  }
  return found
}

function parsePath(path: string): JsonPath {
  if (!path.startsWith('$')) throw incorrect()
  const parts: (string | number)[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const match = step.exec(path)
    if (match === null) throw incorrect()
    parts.push(match[4] === undefined ? (match[1] ?? match[2] ?? match[3])! : Number(match[4]))
  }
  if (parts.length === 0) throw incorrect()
  return parts
}

function incorrect(): CopyError {
  return new CopyError('IncorrectJsonPathsFile', 'the JSONPaths file is not one')
}
