import { SearchError } from './errors.ts'
import type { Source } from './mapping.ts'
import { matchesPattern, type SearchDocument } from './store.ts'

type Matches = (document: SearchDocument) => boolean
type Members = Readonly<Record<string, unknown>>

/** How deep queries of the kind bool may stand in one another, as in a cluster by default. */
const maxDepth = 30

/**
 * Which documents a query finds: match_all, match_none, ids, exists, term, terms, match, bool and query_string.
 * Nothing is ranked, every document that matches scores 1.
 * @throws {SearchError} 400 for any other query
 */
export function parseQuery(query: unknown, depth = 0): Matches {
  if (query === undefined) return () => true
  if (depth > maxDepth) throw malformed(`[bool] is nested deeper than ${maxDepth} times`)
  const entries = Object.entries(objectOf('query', query))
  if (entries.length !== 1) throw malformed('[query] needs exactly one kind of query')
  const [kind, body] = entries[0]!
  const given = objectOf(kind, body)
  switch (kind) {
    case 'match_all':
      return () => true
    case 'match_none':
      return () => false
    case 'ids': {
      const ids = listOf(given.values).map(String)
      return ({ id }) => ids.includes(id)
    }
    case 'exists':
      return ({ source }) => valuesOf(source, String(given.field)).length > 0
    case 'term':
    case 'match': {
      const [field, condition] = onlyEntry(kind, given)
      const value = (condition as Members | null)?.value ?? (condition as Members | null)?.query ?? condition
      return fieldMatches(field, [value], kind === 'match')
    }
    case 'terms': {
      const [field, values] = onlyEntry(kind, given)
      return fieldMatches(field, listOf(values), false)
    }
    case 'bool':
      return parseBool(given, depth)
    case 'query_string':
    case 'simple_query_string':
      return parseQueryString(textOf(kind, given.query), given)
    default:
      throw malformed(`unknown query [${kind}]`)
  }
}

/**
 * The Lucene syntax as far as counting needs it: `field:value`, bare words, quoted phrases, `*` and `?`, with AND, OR
 * and NOT, read from left to right without parentheses.
 */
export function parseQueryString(text: string, options: Members = {}): Matches {
  const isAnd = String(options.default_operator ?? 'or').toLowerCase() === 'and'
  const tokens = text.match(/(?:[^\s"\\]|\\.|"[^"]*")+/g) ?? []
  let matches: Matches | undefined
  let operator = isAnd ? 'AND' : 'OR'
  let isNegated = false
  for (const token of tokens) {
    if (token === 'AND' || token === 'OR') {
      operator = token
      continue
    }
    if (token === 'NOT') {
      isNegated = true
      continue
    }
    if (/^[([]|[)\]]$/.test(token))
      throw malformed('groups and ranges are not implemented by the local engine')
    const clause = parseClause(token)
    const next: Matches = isNegated ? document => !clause(document) : clause
    const before: Matches | undefined = matches
    if (before === undefined) matches = next
    else if (operator === 'AND') matches = document => before(document) && next(document)
    else matches = document => before(document) || next(document)
    operator = isAnd ? 'AND' : 'OR'
    isNegated = false
  }
  return matches ?? (() => false)
}

function parseClause(token: string): Matches {
  const colon = /^((?:[^\\:"]|\\.)+):(.+)$/.exec(token)
  const plain = (value: string): string => value.replace(/^"(.*)"$/, '$1').replaceAll(/\\(.)/g, '$1')
  if (colon === null) {
    const word = plain(token).toLowerCase()
    if (word === '*') return () => true
    return ({ source }) => allValues(source).some(value => wordsMatch(value, word))
  }
  const [, field, value] = colon as unknown as [string, string, string]
  if (plain(field) === '*' && value === '*') return () => true
  if (plain(field) === '_id') return ({ id }) => id === plain(value)
  if (plain(field) === '_index') return ({ index }) => matchesPattern(plain(value), index)
  if (value === '*') return ({ source }) => valuesOf(source, plain(field)).length > 0
  return ({ source }) =>
    valuesOf(source, plain(field)).some(found => wordsMatch(found, plain(value).toLowerCase()))
}

function wordsMatch(value: unknown, wanted: string): boolean {
  const text = String(value).toLowerCase()
  return (
    matchesPattern(wanted, text) || text.split(/[^\p{L}\p{N}]+/u).some(word => matchesPattern(wanted, word))
  )
}

function parseBool(given: Members, depth: number): Matches {
  const clauses = (name: string): Matches[] =>
    (given[name] === undefined ? [] : listOf(given[name])).map(query => parseQuery(query ?? {}, depth + 1))
  const all = [...clauses('must'), ...clauses('filter')]
  const none = clauses('must_not')
  const some = clauses('should')
  const least = Number(given.minimum_should_match ?? (all.length === 0 && some.length > 0 ? 1 : 0))
  return document =>
    all.every(matches => matches(document)) &&
    !none.some(matches => matches(document)) &&
    some.filter(matches => matches(document)).length >= least
}

function fieldMatches(path: string, values: readonly unknown[], isAnalyzed: boolean): Matches {
  // Documents are kept by their source alone, so the keyword of a text is the text itself.
  const field = path.replace(/\.keyword$/, '')
  const wanted = values.map(String)
  return ({ source, id }) =>
    (field === '_id' ? [id] : valuesOf(source, field)).some(
      value =>
        wanted.includes(String(value)) ||
        (isAnalyzed &&
          wanted.some(text => text.split(/\s+/).some(word => wordsMatch(value, word.toLowerCase()))))
    )
}

/** Values of a dotted path, through objects and arrays. */
function valuesOf(source: unknown, path: string): readonly unknown[] {
  if (source === null || source === undefined) return []
  if (Array.isArray(source)) return source.flatMap(item => valuesOf(item, path))
  if (path === '') return [source]
  if (typeof source !== 'object') return []
  const members = source as Members
  if (Object.hasOwn(members, path)) return valuesOf(members[path], '')
  const dot = path.indexOf('.')
  const head = path.slice(0, dot)
  return dot > 0 && Object.hasOwn(members, head) ? valuesOf(members[head], path.slice(dot + 1)) : []
}

function allValues(source: Source): readonly unknown[] {
  return Object.values(source).flatMap(function leaves(value: unknown): unknown[] {
    if (value === null || typeof value !== 'object') return [value]
    return Object.values(value).flatMap(leaves)
  })
}

function onlyEntry(kind: string, given: Members): readonly [string, unknown] {
  const entries = Object.entries(given)
  if (entries.length !== 1) throw malformed(`[${kind}] needs exactly one field`)
  return entries[0]!
}

function objectOf(name: string, value: unknown): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  throw malformed(`[${name}] is not an object`)
}

function textOf(kind: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw malformed(`[${kind}] needs a text`)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function malformed(reason: string): SearchError {
  return new SearchError(400, 'parsing_exception', reason)
}
