import { jsonBody, type SearchAction } from '../protocol.ts'
import type { SearchStore } from '../store.ts'

const acknowledged = { status: 200, body: { acknowledged: true } }

export function createIndex(store: SearchStore): SearchAction {
  return (request, index) => {
    store.create(index!, jsonBody(request)?.mappings)
    return { status: 200, body: { acknowledged: true, shards_acknowledged: true, index } }
  }
}

export function deleteIndex(store: SearchStore): SearchAction {
  return (_request, expression) => {
    for (const index of store.resolve(expression!)) store.delete(index)
    return acknowledged
  }
}

export function headIndex(store: SearchStore): SearchAction {
  return (_request, index) => ({ status: store.has(index!) ? 200 : 404, body: '' })
}

export function getMapping(store: SearchStore): SearchAction {
  return (_request, expression) => {
    const indices = expression === undefined ? store.names : store.resolve(expression)
    return {
      status: 200,
      body: Object.fromEntries(indices.map(index => [index, { mappings: store.mapping(index).description }]))
    }
  }
}

export function putMapping(store: SearchStore): SearchAction {
  return (request, expression) => {
    for (const index of store.resolve(expression!)) store.mergeMapping(index, jsonBody(request)?.properties)
    return acknowledged
  }
}

/** A table, or with `format=json` a list. */
export function catIndices(store: SearchStore): SearchAction {
  return request => {
    const rows = store.names.map(index => ({
      health: 'green',
      status: 'open',
      index,
      pri: '1',
      rep: '0',
      'docs.count': String(store.documents(index).length),
      'docs.deleted': '0'
    }))
    if (request.query.get('format') === 'json') return { status: 200, body: rows }
    return { status: 200, body: rows.map(row => `${Object.values(row).join(' ')}\n`).join('') }
  }
}

export const refresh: SearchAction = () => ({
  status: 200,
  body: { _shards: { total: 1, successful: 1, failed: 0 } }
})

/** Accepted by the clients of Elasticsearch 8 and of OpenSearch alike. */
export const clusterInfo: SearchAction = () => ({
  status: 200,
  body: {
    name: 'local',
    cluster_name: 'local',
    cluster_uuid: 'local',
    version: {
      number: '8.15.0',
      build_flavor: 'default',
      build_type: 'tar',
      build_snapshot: false,
      lucene_version: '9.11.1',
      minimum_wire_compatibility_version: '7.17.0',
      minimum_index_compatibility_version: '7.0.0'
    },
    tagline: 'You Know, for Search'
  }
})

export const clusterHealth: SearchAction = () => ({
  status: 200,
  body: { cluster_name: 'local', status: 'green', timed_out: false, number_of_nodes: 1 }
})
