import { describe, expect, it } from 'vitest'
import type { LocalEngines } from '../../../local/index.ts'
import { SearchStore } from '../../../local/search/store.ts'
import { StateFolder } from '../../../local/state/index.ts'
import { makeStateFolder, restartable } from '../../helpers/state.ts'

async function send(url: string, method: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  return (await response.json()) as Record<string, unknown>
}

describe('the search receiver with a state folder', () => {
  it('is the same after a restart: indices, mappings, documents, their numbers', async () => {
    const restart = restartable({ receivers: ['search'] })
    const at = (local: LocalEngines, path: string) => `${local.search!.url}${path}`
    const everythingOf = async (local: LocalEngines) => ({
      mappings: await send(at(local, '/_mapping'), 'GET'),
      documents: local.search!.indices().map(index => local.search!.documents(index))
    })
    const local = await restart()
    await send(at(local, '/typed'), 'PUT', { mappings: { properties: { n: { type: 'integer' } } } })
    await send(at(local, '/typed/_mapping'), 'PUT', { properties: { word: { type: 'keyword' } } })
    await send(at(local, '/gone'), 'PUT')
    await send(at(local, '/gone'), 'DELETE')
    const bulk = [
      { index: { _index: 'typed', _id: 'a' } },
      { n: 1 },
      { index: { _index: 'typed', _id: 'a' } },
      { n: 2, late: true },
      { index: { _index: 'typed', _id: 'b' } },
      { n: 3 },
      { delete: { _index: 'typed', _id: 'b' } },
      { index: { _index: 'made', _id: 'c' } },
      { when: '2026-07-13' }
    ]
    await send(at(local, '/_bulk'), 'POST', `${bulk.map(line => JSON.stringify(line)).join('\n')}\n`)
    const before = await everythingOf(local)
    expect(before.documents.flat()).toHaveLength(2)

    const after = await restart()
    expect(await everythingOf(after)).toEqual(before)
    const again = await send(at(after, '/typed/_doc/a'), 'PUT', { n: 4 })
    expect(again).toMatchObject({ _version: 3, _seq_no: 4 })
    expect(await send(at(after, '/typed/_doc/d'), 'PUT', { n: 'no number' })).toMatchObject({ status: 400 })
  })

  it('is written anew with what is left', () => {
    const path = makeStateFolder()
    const folder = StateFolder.open(path)
    const store = new SearchStore(folder)
    const text = 'x'.repeat(1024 * 1024)
    for (let n = 0; n < 40; n += 1) {
      store.write('index', 'same', { n, text })
      store.save()
    }
    const before = store.documents('index')
    folder.close()
    const again = StateFolder.open(path)
    expect(
      again.log('search', { name: 'documents', read: () => undefined, live: nothing }).sizeBytes
    ).toBeLessThan(30 * 1024 * 1024)
    again.close()
    const last = StateFolder.open(path)
    const restored = new SearchStore(last)
    expect(restored.documents('index')).toEqual(before)
    expect(restored.write('index', 'same', { n: 40 }).document).toMatchObject({
      version: 41,
      sequenceNumber: 40
    })
    last.close()
  })
})

const nothing = { count: () => 0, entries: () => [] }

describe('the HTTP Event Collector with a state folder', () => {
  it('is the same after a restart: token, events, acknowledgements', async () => {
    let isIndexed = false
    const restart = restartable({
      receivers: ['hec'],
      receiverOptions: { hec: { acknowledge: () => isIndexed } }
    })
    const channel = '01234567-89ab-cdef-0123-456789abcdef'
    const post = (local: LocalEngines, path: string, body: unknown) =>
      send(`${local.hec!.url}/services/collector/${path}`, 'POST', body, {
        authorization: `Splunk ${local.hec!.token}`,
        'x-splunk-request-channel': channel
      })
    const local = await restart()
    await post(local, 'event', { event: 'a', host: 'h' })
    await post(local, 'event', { event: 'b' })
    const before = local.hec!.events()
    const after = await restart()
    expect(after.hec!.token).toBe(local.hec!.token)
    expect(after.hec!.events()).toEqual(before)
    expect(await post(after, 'event', { event: 'c' })).toMatchObject({ ackId: 2 })
    isIndexed = true
    expect(await post(after, 'ack', { acks: [0] })).toEqual({ acks: { 0: true } })
    // Yes is said once.
    const last = await restart()
    expect(await post(last, 'ack', { acks: [0, 1, 2] })).toEqual({ acks: { 0: false, 1: true, 2: true } })
  })
})
