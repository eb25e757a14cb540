import { readFile } from 'node:fs/promises'
import type { Node, Pair, YAMLMap, YAMLSeq } from 'yaml'
import { UsageError } from './exit-code.ts'

export interface TemplateFile {
  readonly template: unknown
  readonly text: string
}

// Ours: what CloudFormation takes is 1 MB.
const maxNodes = 1_000_000
const maxDepth = 500

/** Reads a template from JSON or, with the package `yaml`, from YAML with the short names of functions. `-` is standard input. */
export async function readTemplateFile(path: string): Promise<TemplateFile> {
  const text = await readText(path)
  const template = /^\s*\{/.test(text) ? parseJson(path, text) : await parseYaml(path, text)
  return { template, text }
}

/** Line of the text, from 1, where each of these logical ids begins; found by its look, so that it can be missing. */
export function linesOfResources(text: string, ids: readonly string[]): ReadonlyMap<string, number> {
  const wanted = new Set(ids)
  const found = new Map<string, number>()
  for (const [index, line] of text.split('\n').entries()) {
    const id = /^\s*"?([A-Za-z0-9]+)"?\s*:\s*(\{|$|#)/.exec(line)?.[1]
    if (id !== undefined && wanted.has(id) && !found.has(id)) found.set(id, index + 1)
  }
  return found
}

async function readText(path: string): Promise<string> {
  if (path === '-') {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('utf8')
  }
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--template ${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`--template ${path}: is neither JSON nor YAML`)
  }
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  const yaml = await loadYaml()
  const document = yaml.parseDocument(text, { logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) {
    const line = error.linePos?.[0].line
    throw new UsageError(`--template ${path}: is no YAML (${error.code} at line ${line ?? 'unknown'})`)
  }
  let nodes = 0
  const toValue = (node: Node | null, depth: number): unknown => {
    // Aliases can name what has aliases, and even what they are in: a few lines would become more than fits.
    nodes += 1
    if (nodes > maxNodes || depth > maxDepth) {
      throw new UsageError(`--template ${path}: has more than ${maxNodes} values, or is nested too deep`)
    }
    if (yaml.isAlias(node)) return toValue((node.resolve(document) as Node | undefined) ?? null, depth + 1)
    return withFunction(node?.tag, toPlainValue(node, depth + 1))
  }
  const toPlainValue = (node: Node | null, depth: number): unknown => {
    if (yaml.isMap(node)) {
      const pairs = (node as YAMLMap).items as Pair<Node, Node | null>[]
      return Object.fromEntries(
        pairs.map(({ key, value }) => [String(toValue(key, depth)), toValue(value, depth)])
      )
    }
    if (yaml.isSeq(node)) return ((node as YAMLSeq).items as Node[]).map(item => toValue(item, depth))
    return yaml.isScalar(node) ? node.value : undefined
  }
  return toValue(document.contents as Node | null, 0)
}

/** `!Ref x` is `{ Ref: x }`, and `!Sub x` is `{ 'Fn::Sub': x }`. */
function withFunction(tag: string | undefined, value: unknown): unknown {
  const name = /^!([A-Za-z]\w*)$/.exec(tag ?? '')?.[1]
  if (name === undefined) return value
  return { [name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`]: value }
}

async function loadYaml(): Promise<typeof import('yaml')> {
  try {
    return await import('yaml')
  } catch {
    throw new UsageError('a template in YAML needs the package yaml: npm i -D yaml')
  }
}
