import { SearchError } from '../errors.ts'
import { jsonBody, type SearchAction } from '../protocol.ts'
import type { SearchStore, WriteResult } from '../store.ts'

export function getDocument(store: SearchStore): SearchAction {
  return (_request, index, id) => {
    const document = store.get(index!, id!)
    if (document === undefined) {
      return { status: 404, body: { _index: index, _id: id, found: false } }
    }
    const { version, sequenceNumber, source } = document
    return {
      status: 200,
      body: {
        _index: index,
        _id: id,
        _version: version,
        _seq_no: sequenceNumber,
        _primary_term: 1,
        found: true,
        _source: source
      }
    }
  }
}

/** Stores one document, under an id of its own when the path has none. */
export function putDocument(store: SearchStore, mustBeNew = false): SearchAction {
  return (request, index, id) => {
    const source = jsonBody(request)
    if (source === undefined) throw new SearchError(400, 'parse_exception', 'request body is required')
    const isCreate = mustBeNew || request.query.get('op_type') === 'create'
    const result = store.write(index!, id, source, isCreate)
    return { status: result.result === 'created' ? 201 : 200, body: writeAnswer(result) }
  }
}

export function deleteDocument(store: SearchStore): SearchAction {
  return (_request, index, id) => {
    const isFound = store.remove(index!, id!)
    return {
      status: isFound ? 200 : 404,
      body: { _index: index, _id: id, result: isFound ? 'deleted' : 'not_found' }
    }
  }
}

/** What a write says about the document. */
export function writeAnswer({ document, result }: WriteResult): object {
  return {
    _index: document.index,
    _id: document.id,
    _version: document.version,
    result,
    _shards: { total: 1, successful: 1, failed: 0 },
    _seq_no: document.sequenceNumber,
    _primary_term: 1
  }
}
