import type { RequestListener } from '../http-server.ts'
import {
  type FailReceiverRequest,
  type ReceiverHandler,
  type ReceiverRequest,
  type ReceiverResponse,
  receiverListener,
  withFaults
} from '../receiver.ts'
import type { StateFolder } from '../state/index.ts'
import { bulk } from './actions/bulk.ts'
import { deleteDocument, getDocument, putDocument } from './actions/documents.ts'
import {
  catIndices,
  clusterHealth,
  clusterInfo,
  createIndex,
  deleteIndex,
  getMapping,
  headIndex,
  putMapping,
  refresh
} from './actions/indices.ts'
import { count, search } from './actions/search.ts'
import { SearchError } from './errors.ts'
import type { SearchAction } from './protocol.ts'
import { SearchStore } from './store.ts'

export interface SearchEngineOptions {
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
  readonly fault?: FailReceiverRequest | undefined
}

export interface SearchEngine {
  readonly listener: RequestListener
  /** The same without a network. */
  readonly handle: ReceiverHandler
  readonly store: SearchStore
}

/** What a cluster takes in one request by default is 100 MiB; a batch of Firehose is that without its action lines. */
const maxBodyBytes = 256 * 1024 * 1024

/** A small search index over HTTP: enough of Elasticsearch and OpenSearch to deliver to, to count and to find. */
export function createSearchEngine(options: SearchEngineOptions = {}): SearchEngine {
  const store = new SearchStore(options.state)
  const routes = routesOf(store)
  const handle = withFaults(request => {
    try {
      return answer(routes, request)
    } finally {
      store.save()
    }
  }, options.fault)
  return { store, handle, listener: receiverListener(handle, maxBodyBytes) }
}

interface Route {
  readonly methods: readonly string[]
  /** `*` stands for an index or an id. */
  readonly path: readonly string[]
  readonly action: SearchAction
}

function routesOf(store: SearchStore): readonly Route[] {
  const write = ['PUT', 'POST']
  const read = ['GET', 'POST']
  const route = (methods: readonly string[], path: string, action: SearchAction): Route => ({
    methods,
    path: path.split('/').filter(Boolean),
    action
  })
  return [
    route(['GET', 'HEAD'], '/', clusterInfo),
    route(['GET'], '/_cluster/health', clusterHealth),
    route(['GET'], '/_cat/indices', catIndices(store)),
    route(write, '/_bulk', bulk(store)),
    route(write, '/*/_bulk', bulk(store)),
    route(read, '/_search', search(store)),
    route(read, '/*/_search', search(store)),
    route(read, '/_count', count(store)),
    route(read, '/*/_count', count(store)),
    route(read, '/_refresh', refresh),
    route(read, '/*/_refresh', refresh),
    route(['GET', 'HEAD'], '/*/_doc/*', getDocument(store)),
    route(write, '/*/_doc/*', putDocument(store)),
    route(['POST'], '/*/_doc', putDocument(store)),
    route(write, '/*/_create/*', putDocument(store, true)),
    route(['DELETE'], '/*/_doc/*', deleteDocument(store)),
    route(['GET'], '/_mapping', getMapping(store)),
    route(['GET'], '/*/_mapping', getMapping(store)),
    route(write, '/*/_mapping', putMapping(store)),
    route(['PUT'], '/*', createIndex(store)),
    route(['HEAD'], '/*', headIndex(store)),
    route(['DELETE'], '/*', deleteIndex(store))
  ]
}

/** Without it the client of Elasticsearch refuses to go on. */
const headers = { 'x-elastic-product': 'Elasticsearch' }

function answer(routes: readonly Route[], request: ReceiverRequest): ReceiverResponse {
  try {
    const segments = request.path.split('/').filter(Boolean).map(decode)
    for (const { methods, path, action } of routes) {
      if (!methods.includes(request.method) || path.length !== segments.length) continue
      const isSame = path.every((part, index) =>
        part === '*'
          ? index > 0 || !segments[index]!.startsWith('_') || segments[index] === '_all'
          : part === segments[index]
      )
      if (!isSame) continue
      return { headers, ...action(request, ...segments.filter((_, index) => path[index] === '*')) }
    }
    throw new SearchError(
      400,
      'illegal_argument_exception',
      `no handler found for uri [${request.path}] and method [${request.method}]`
    )
  } catch (error) {
    if (!(error instanceof SearchError)) throw error
    const { body, status } = error
    return { status, headers, body: { error: { root_cause: [body], ...body }, status } }
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new SearchError(400, 'illegal_argument_exception', 'path is not percent-encoded')
  }
}
