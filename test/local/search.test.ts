import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { matchesPattern } from '../../local/search/store.ts'
import { openLocal } from '../helpers/local.ts'

async function start(options: Parameters<typeof openLocal>[0] = {}) {
  const local = await openLocal({ receivers: ['search'], ...options })
  const search = local.search!
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${search.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json'
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  const bulk = (...lines: unknown[]) =>
    call(
      'POST',
      '/_bulk',
      lines.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
    )
  return { search, call, bulk }
}

describe('the search index', () => {
  it('names the product and a version, as its clients ask for', async () => {
    const { call } = await start()
    const { status, headers, body } = await call('GET', '/')
    expect(status).toBe(200)
    expect(headers.get('x-elastic-product')).toBe('Elasticsearch')
    expect(body).toMatchObject({ version: { number: expect.stringMatching(/^8\./) } })
  })

  it('reads on from a sequence number, over more documents than a window holds, while some go', async () => {
    const { call, bulk } = await start()
    const write = (from: number, to: number) =>
      bulk(
        ...Array.from({ length: to - from }, (_, n) => [
          { index: { _index: 'i', _id: `${from + n}` } },
          { n: from + n }
        ]).flat()
      )
    const page = async (after: number[] | undefined) => {
      const { body } = await call('POST', '/i/_search', {
        size: 4_000,
        sort: [{ _seq_no: 'asc' }],
        ...(after === undefined ? {} : { search_after: after })
      })
      return body.hits.hits as { _id: string; _source: { n: number }; sort: number[] }[]
    }
    await write(0, 10_500)
    const read: number[] = []
    let after: number[] | undefined
    for (let hits = await page(after); hits.length > 0; hits = await page(after)) {
      read.push(...hits.map(({ _source }) => _source.n))
      after = hits.at(-1)!.sort
      await bulk(...hits.map(({ _id }) => ({ delete: { _index: 'i', _id } })))
    }
    expect(read).toEqual(Array.from({ length: 10_500 }, (_, n) => n))
    await write(10_500, 10_502)
    await write(10_500, 10_501)
    // A document that was written again comes at its new place.
    expect((await page(after)).map(({ _source }) => _source.n)).toEqual([10_501, 10_500])
    expect(await call('POST', '/i/_search', { sort: ['n'] })).toMatchObject({
      status: 400,
      body: { error: { reason: 'the local engine sorts by [_seq_no] alone' } }
    })
  })

  it('carries out each operation of a bulk on its own, and tells which have failed', async () => {
    const { call, bulk, search } = await start()
    await call('PUT', '/i', { mappings: { properties: { n: { type: 'integer' } } } })
    const { status, body } = await bulk(
      { index: { _index: 'i', _id: '1' } },
      { n: 1 },
      { index: { _index: 'i', _id: '2' } },
      { n: 'secret' },
      { create: { _index: 'i', _id: '1' } },
      { n: 3 },
      { update: { _index: 'i', _id: '1' } },
      { doc: { more: true } },
      { index: { _index: 'i', _id: '3' } },
      '[not an object]',
      { delete: { _index: 'i', _id: 'none' } }
    )
    expect(status).toBe(200)
    expect(body.errors).toBe(true)
    expect(body.items.map((item: object) => (Object.values(item)[0] as { status: number }).status)).toEqual([
      201, 400, 409, 200, 400, 404
    ])
    expect(body.items[1].index.error).toEqual({
      type: 'document_parsing_exception',
      reason: 'failed to parse field [n] of type [integer]'
    })
    expect(search.documents('i').map(({ id, source, version }) => [id, source, version])).toEqual([
      ['1', { n: 1, more: true }, 2]
    ])
  })

  it('refuses a bulk whose lines are out of order, and stores nothing of it', async () => {
    const { call, bulk, search } = await start()
    expect((await call('POST', '/_bulk', '{"index":{"_index":"i"}}\n{"n":1}')).status).toBe(400)
    expect((await bulk({ index: { _index: 'i' } }, { n: 1 }, { n: 2 })).status).toBe(400)
    expect((await bulk({ index: { _index: 'i', _type: 't' } }, { n: 1 })).body.error.reason).toContain(
      '_type'
    )
    expect(search.indices()).toEqual([])
    expect(search.documents('i')).toEqual([])
  })

  it('takes gzip', async () => {
    const { search } = await start()
    const { status } = await fetch(`${search.url}/i/_bulk`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: new Uint8Array(gzipSync('{"index":{}}\n{"n":1}\n'))
    })
    expect(status).toBe(200)
    expect(search.documents('i')).toHaveLength(1)
  })

  it.each([
    [undefined, ['1', '2', '3']],
    [{ match_all: {} }, ['1', '2', '3']],
    [{ term: { city: 'Basel' } }, ['1', '3']],
    [{ term: { 'city.keyword': { value: 'Chur' } } }, ['2']],
    [{ terms: { 'nested.n': [2, 3] } }, ['2', '3']],
    [{ match: { text: 'two words' } }, ['1', '2']],
    [{ ids: { values: ['3'] } }, ['3']],
    [{ exists: { field: 'text' } }, ['1', '2']],
    [{ bool: { must: [{ term: { city: 'Basel' } }], must_not: { ids: { values: ['1'] } } } }, ['3']],
    [{ query_string: { query: 'city:Basel AND nested.n:3' } }, ['3']],
    [{ query_string: { query: 'city:ch* OR NOT text:*' } }, ['2', '3']],
    [{ query_string: { query: '"words here"' } }, ['2']]
  ])('finds by %j', async (query, ids) => {
    const { call, bulk } = await start()
    await bulk(
      { index: { _index: 'a', _id: '1' } },
      { city: 'Basel', text: 'two parts', nested: { n: 1 } },
      { index: { _index: 'a', _id: '2' } },
      { city: 'Chur', text: 'words here', nested: [{ n: 2 }, { n: 9 }] },
      { index: { _index: 'b', _id: '3' } },
      { city: 'Basel', nested: { n: 3 } }
    )
    const found = await call('POST', '/a,b/_search', query === undefined ? undefined : { query })
    expect(found.body.hits.hits.map(({ _id }: { _id: string }) => _id)).toEqual(ids)
    expect(found.body.hits.total.value).toBe(ids.length)
    expect((await call('POST', '/_count', query === undefined ? undefined : { query })).body.count).toBe(
      ids.length
    )
  })

  it('refuses queries that it does not know', async () => {
    const { call } = await start()
    expect((await call('POST', '/_search', { query: { fuzzy: {} } })).status).toBe(400)
    expect((await call('GET', '/none/_search')).body.error.type).toBe('index_not_found_exception')
    expect((await call('GET', '/_nodes/stats')).status).toBe(400)
  })

  it('gets, stores and deletes single documents', async () => {
    const { call } = await start()
    expect((await call('PUT', '/i/_doc/a%2Fb', { n: 1 })).body).toMatchObject({
      _id: 'a/b',
      result: 'created'
    })
    expect((await call('PUT', '/i/_create/a%2Fb', { n: 2 })).status).toBe(409)
    expect((await call('GET', '/i/_doc/a%2Fb')).body).toMatchObject({ found: true, _source: { n: 1 } })
    expect((await call('DELETE', '/i/_doc/a%2Fb')).status).toBe(200)
    expect((await call('GET', '/i/_doc/a%2Fb')).status).toBe(404)
  })

  it('lists indices, gives fields the type of their first value, and keeps to it', async () => {
    const { call } = await start()
    await call('POST', '/i/_doc', { n: 1, on: '2026-07-13T14:05:00Z', ok: true, deep: { text: 'x' } })
    expect((await call('GET', '/i/_mapping')).body.i.mappings.properties).toEqual({
      n: { type: 'long' },
      on: { type: 'date' },
      ok: { type: 'boolean' },
      deep: { properties: { text: { type: 'text' } } }
    })
    for (const wrong of [{ n: 'one' }, { on: 'today' }, { ok: 1 }, { deep: 1 }, { deep: { text: {} } }]) {
      expect((await call('POST', '/i/_doc', wrong)).status).toBe(400)
    }
    expect((await call('POST', '/i/_doc', { n: '2', ok: 'true', on: null, deep: [] })).status).toBe(201)
    expect((await call('GET', '/_cat/indices?format=json')).body).toMatchObject([
      { index: 'i', 'docs.count': '2' }
    ])
    expect((await call('GET', '/_cat/indices')).body).toBe('green open i 1 0 2 0\n')
    expect((await call('PUT', '/i')).body.error.type).toBe('resource_already_exists_exception')
    expect((await call('PUT', '/Upper')).body.error.type).toBe('invalid_index_name_exception')
    expect((await call('DELETE', '/i')).status).toBe(200)
    expect((await call('HEAD', '/i')).status).toBe(404)
  })

  it('refuses unknown fields under a strict mapping', async () => {
    const { call } = await start()
    await call('PUT', '/i', { mappings: { dynamic: 'strict', properties: { n: { type: 'long' } } } })
    expect((await call('POST', '/i/_doc', { m: 1 })).body.error.type).toBe('strict_dynamic_mapping_exception')
    expect((await call('POST', '/i/_doc', { n: 1 })).status).toBe(201)
  })

  it('holds the values of one document to one type, and adds no field of one that it refuses', async () => {
    const { call } = await start()
    expect((await call('POST', '/i/_doc', { fine: 1, mixed: [1, 'one'] })).status).toBe(400)
    expect((await call('POST', '/i/_doc', { list: [{ a: 1 }, { b: 2 }] })).status).toBe(201)
    expect((await call('GET', '/i/_mapping')).body.i.mappings.properties).toEqual({
      list: { properties: { a: { type: 'long' }, b: { type: 'long' } } }
    })
  })

  it('has at most 1,000 fields in an index', async () => {
    const { call } = await start()
    const fields = (count: number, value: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value]))
    const mapping = (count: number) => ({ mappings: { properties: fields(count, { type: 'long' }) } })
    expect((await call('PUT', '/i', mapping(1_001))).body.error.reason).toContain(
      'Limit of total fields [1000]'
    )
    expect((await call('PUT', '/i', mapping(999))).status).toBe(200)
    expect((await call('POST', '/i/_doc', { one: 1, two: 2 })).status).toBe(400)
    expect((await call('POST', '/i/_doc', { one: 1 })).status).toBe(201)
    expect((await call('POST', '/i/_doc', { two: 2 })).status).toBe(400)
    expect((await call('POST', '/j/_doc', fields(1_001, 1))).status).toBe(400)
  })

  it('answers, cuts and loses answers as scripted', async () => {
    const faults = [
      { kind: 'answer', status: 503, body: { error: 'busy' } },
      { kind: 'reset' },
      { kind: 'loseAnswer' }
    ] as const
    let next = 0
    const { call, search } = await start({
      faults: { search: () => faults[next++] }
    })
    expect((await call('POST', '/i/_doc', { n: 1 })).status).toBe(503)
    await expect(call('POST', '/i/_doc', { n: 2 })).rejects.toThrow()
    await expect(call('POST', '/i/_doc', { n: 3 })).rejects.toThrow()
    expect(search.documents('i').map(({ source }) => source)).toEqual([{ n: 3 }])
  })

  it('is not there unless it is asked for', async () => {
    expect((await openLocal()).search).toBeUndefined()
  })
})

describe('patterns', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abbd', false],
    ['*ab*', 'xaab', true],
    ['a?c', 'ac', false],
    ['a?c', 'abc', true],
    ['', 'a', false]
  ])('%j and %j: %s', (pattern, text, expected) => {
    expect(matchesPattern(pattern, text)).toBe(expected)
  })
})
