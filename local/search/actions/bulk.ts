import { SearchError } from '../errors.ts'
import { parseObject, type SearchAction } from '../protocol.ts'
import type { SearchStore } from '../store.ts'
import { writeAnswer } from './documents.ts'

const verbs = ['index', 'create', 'update', 'delete'] as const
type Verb = (typeof verbs)[number]

interface Operation {
  readonly verb: Verb
  readonly index: string
  readonly id: string | undefined
  readonly sourceText: string
}

/** `_bulk`: each operation on its own, the answer always 200 unless the lines themselves are out of order. */
export function bulk(store: SearchStore): SearchAction {
  return (request, defaultIndex) => {
    const operations = parseOperations(request.body.toString('utf8'), defaultIndex)
    const items = operations.map((operation, index) => {
      try {
        failScripted(request.failEntry?.(index))
        return { [operation.verb]: perform(store, operation) }
      } catch (error) {
        if (!(error instanceof SearchError)) throw error
        const { index, id, verb } = operation
        return { [verb]: { _index: index, _id: id ?? null, status: error.status, error: error.body } }
      }
    })
    return {
      status: 200,
      body: {
        took: 0,
        errors: items.some(item => Object.values(item).some(result => 'error' in result)),
        items
      }
    }
  }
}

/** By their types, as Elasticsearch words them. */
const scriptedFailures: Readonly<Record<string, readonly [status: number, reason: string]>> = {
  es_rejected_execution_exception: [429, 'rejected execution of primary operation'],
  unavailable_shards_exception: [503, 'primary shard is not active'],
  document_parsing_exception: [400, 'failed to parse']
}

function failScripted(type: string | undefined): void {
  if (type === undefined) return
  const [status, reason] = scriptedFailures[type] ?? [500, 'scripted failure']
  throw new SearchError(status, type, reason)
}

function perform(store: SearchStore, { verb, index, id, sourceText }: Operation): object {
  if (verb === 'delete') {
    const isFound = store.has(index) && store.remove(index, id ?? '')
    return { _index: index, _id: id, result: isFound ? 'deleted' : 'not_found', status: isFound ? 200 : 404 }
  }
  const source = parseObject(sourceText)
  if (source === undefined) {
    throw new SearchError(
      400,
      'document_parsing_exception',
      'failed to parse: the document is not a JSON object'
    )
  }
  if (verb !== 'update') {
    const result = store.write(index, id, source, verb === 'create')
    return { ...writeAnswer(result), status: result.result === 'created' ? 201 : 200 }
  }
  const previous = id === undefined || !store.has(index) ? undefined : store.get(index, id)
  const change = (source.doc ?? {}) as object
  if (previous === undefined && source.doc_as_upsert !== true && source.upsert === undefined) {
    throw new SearchError(404, 'document_missing_exception', `[${id ?? ''}]: document missing`)
  }
  const merged = previous === undefined ? (source.upsert ?? change) : { ...previous.source, ...change }
  const result = store.write(index, id, merged as Record<string, unknown>)
  return { ...writeAnswer(result), status: result.result === 'created' ? 201 : 200 }
}

function parseOperations(text: string, defaultIndex: string | undefined): Operation[] {
  if (!text.endsWith('\n')) {
    throw new SearchError(
      400,
      'illegal_argument_exception',
      'The bulk request must be terminated by a newline [\\n]'
    )
  }
  const lines = text.split('\n')
  const operations: Operation[] = []
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!.trim()
    if (line === '') continue
    const action = parseObject(line)
    const [verb, given] = Object.entries(action ?? {})[0] ?? []
    if (!verbs.includes(verb as Verb) || typeof given !== 'object' || given === null) {
      throw malformed(`Malformed action/metadata line [${at + 1}]`)
    }
    const { _index, _id } = given as { _index?: unknown; _id?: unknown }
    const index = typeof _index === 'string' ? _index : defaultIndex
    if (index === undefined) throw malformed(`index is missing in line [${at + 1}]`)
    if ('_type' in given) {
      throw malformed(`Action/metadata line [${at + 1}] contains an unknown parameter [_type]`)
    }
    let sourceText = ''
    if (verb !== 'delete') {
      at += 1
      sourceText = lines[at] ?? ''
    }
    const id = typeof _id === 'string' || typeof _id === 'number' ? String(_id) : undefined
    operations.push({ verb: verb as Verb, index, id, sourceText })
  }
  if (operations.length === 0) throw malformed('request body is required')
  return operations
}

function malformed(reason: string): SearchError {
  return new SearchError(400, 'illegal_argument_exception', reason)
}
