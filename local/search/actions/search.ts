import type { ReceiverRequest } from '../../receiver.ts'
import { SearchError } from '../errors.ts'
import { jsonBody, type SearchAction } from '../protocol.ts'
import { parseQuery, parseQueryString } from '../query.ts'
import type { SearchDocument, SearchStore } from '../store.ts'

const shards = { total: 1, successful: 1, skipped: 0, failed: 0 }

/** A page from which to read on ends here, as it does by default. */
const maxWindow = 10_000

export function search(store: SearchStore): SearchAction {
  return (request, expression) => {
    const { found, body } = find(store, request, expression)
    const from = number(request.query.get('from') ?? body.from, 0)
    const size = number(request.query.get('size') ?? body.size, 10)
    if (from + size > maxWindow) {
      throw new SearchError(
        400,
        'illegal_argument_exception',
        `Result window is too large, from + size must be less than or equal to: [${maxWindow}]`
      )
    }
    const isSorted = sortsBySequence(body.sort)
    const hits = (isSorted ? inSequence(found, body.search_after) : found)
      .slice(from, from + size)
      .map(({ index, id, source, sequenceNumber }) => ({
        _index: index,
        _id: id,
        _score: isSorted ? null : 1,
        _source: source,
        ...(isSorted ? { sort: [sequenceNumber] } : {})
      }))
    return {
      status: 200,
      body: {
        took: 0,
        timed_out: false,
        _shards: shards,
        hits: {
          total: { value: found.length, relation: 'eq' },
          max_score: found.length === 0 || isSorted ? null : 1,
          hits
        }
      }
    }
  }
}

export function count(store: SearchStore): SearchAction {
  return (request, expression) => ({
    status: 200,
    body: { count: find(store, request, expression).found.length, _shards: shards }
  })
}

function find(
  store: SearchStore,
  request: ReceiverRequest,
  expression = '_all'
): { readonly found: readonly SearchDocument[]; readonly body: Readonly<Record<string, unknown>> } {
  const body = jsonBody(request) ?? {}
  const text = request.query.get('q')
  const matches = text === null ? parseQuery(body.query) : parseQueryString(text)
  const indices = store.resolve(expression)
  return { found: indices.flatMap(index => store.documents(index).filter(matches)), body }
}

/** Whether in the order of the writes, which is the one order besides their own that there is. */
function sortsBySequence(sort: unknown): boolean {
  if (sort === undefined) return false
  const text = JSON.stringify(sort)
  if (/^\[?("_seq_no(:asc)?"|{"_seq_no":("asc"|{"order":"asc"})})\]?$/.test(text)) return true
  throw new SearchError(400, 'illegal_argument_exception', 'the local engine sorts by [_seq_no] alone')
}

/** The next page begins behind the last one's end, however many documents there are. */
function inSequence(found: readonly SearchDocument[], after: unknown): readonly SearchDocument[] {
  const sorted = [...found].sort((a, b) => a.sequenceNumber - b.sequenceNumber)
  if (after === undefined) return sorted
  const [last] = Array.isArray(after) ? (after as unknown[]) : []
  return sorted.filter(({ sequenceNumber }) => sequenceNumber > number(last, -1))
}

function number(value: unknown, otherwise: number): number {
  const given = value === undefined || value === null ? otherwise : Number(value)
  if (Number.isInteger(given) && given >= 0) return given
  throw new SearchError(400, 'illegal_argument_exception', '[from] and [size] must be whole and not negative')
}
