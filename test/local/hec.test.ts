import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ReceiverOptions } from '../../local/index.ts'
import { openLocal } from '../helpers/local.ts'

async function start(options: NonNullable<ReceiverOptions['hec']> = {}) {
  const local = await openLocal({ receivers: ['hec'], receiverOptions: { hec: options } })
  const hec = local.hec!
  const channel = randomUUID()
  const call = async (
    path: string,
    body: string,
    headers: Readonly<Record<string, string | undefined>> = {}
  ) => {
    const given = { authorization: `Splunk ${hec.token}`, 'x-splunk-request-channel': channel, ...headers }
    const response = await fetch(`${hec.url}/services/collector${path}`, {
      method: 'POST',
      headers: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<
        string,
        string
      >,
      body
    })
    return { status: response.status, ...((await response.json()) as { code?: number; ackId?: number }) }
  }
  const poll = async (ackIds: readonly number[], onChannel = channel) => {
    const answer = await call('/ack', JSON.stringify({ acks: ackIds }), {
      'x-splunk-request-channel': onChannel
    })
    return (answer as { acks?: unknown }).acks
  }
  return { local, hec, call, poll, channel }
}

describe('the HTTP Event Collector', () => {
  it.each(['', '/event', '/event/1.0'])('takes events one behind the other at %j', async path => {
    const { call, hec, channel } = await start()
    const body = '{"event":"a}\\"{","time":1}{"event":{"n":[1]},"index":"main"}\n {"event":0}'
    expect(await call(path, body)).toEqual({ status: 200, text: 'Success', code: 0, ackId: 0 })
    expect(hec.events()).toEqual([
      { event: 'a}"{', time: 1, endpoint: 'event', channel, ackId: 0 },
      { event: { n: [1] }, index: 'main', endpoint: 'event', channel, ackId: 0 },
      { event: 0, endpoint: 'event', channel, ackId: 0 }
    ])
  })

  it('takes raw lines', async () => {
    const { call, hec } = await start()
    expect(await call('/raw', 'one\r\ntwo\n\nthree')).toMatchObject({ status: 200, ackId: 0 })
    expect(hec.events().map(({ event, endpoint }) => [event, endpoint])).toEqual([
      ['one', 'raw'],
      ['two', 'raw'],
      ['three', 'raw']
    ])
  })

  it('lets go of the events that are taken, and acknowledges them all the same', async () => {
    const { call, hec, poll } = await start()
    await call('/raw', 'one')
    expect(hec.takeEvents().map(({ event }) => event)).toEqual(['one'])
    await call('/raw', 'two')
    expect(hec.events().map(({ event }) => event)).toEqual(['two'])
    expect(hec.takeEvents().map(({ event }) => event)).toEqual(['two'])
    expect(hec.takeEvents()).toEqual([])
    expect(await poll([0, 1])).toEqual({ 0: true, 1: true })
  })

  it('takes gzip', async () => {
    const { hec, channel } = await start()
    await fetch(`${hec.url}/services/collector/raw?channel=${channel}`, {
      method: 'POST',
      headers: { authorization: `Splunk ${hec.token}`, 'content-encoding': 'gzip' },
      body: new Uint8Array(gzipSync('packed'))
    })
    expect(hec.events()).toMatchObject([{ event: 'packed', channel }])
  })

  it.each([
    ['', {}, 400, 5],
    [' ', {}, 400, 5],
    ['{"event":1},{"event":2}', {}, 400, 6],
    ['[{"event":1}]', {}, 400, 6],
    ['{"event":1}}', {}, 400, 6],
    ['{"event":"open', {}, 400, 6],
    ['{"time":1}', {}, 400, 12],
    ['{"event":""}', {}, 400, 13],
    ['{"event":1,"index":"other"}', {}, 400, 7],
    ['{"event":1}', { authorization: undefined }, 401, 2],
    ['{"event":1}', { authorization: 'Basic x' }, 401, 3],
    ['{"event":1}', { authorization: 'Splunk wrong' }, 403, 4],
    ['{"event":1}', { authorization: 'Splunk disabled' }, 403, 1],
    ['{"event":1}', { 'x-splunk-request-channel': undefined }, 400, 10],
    ['{"event":1}', { 'x-splunk-request-channel': 'mine' }, 400, 11]
  ])('answers %j with headers %j by %i, code %i, and keeps nothing', async (body, headers, status, code) => {
    const tokens = [
      { token: 'good', indexes: ['main'] },
      { token: 'disabled', isEnabled: false }
    ]
    const { call, hec } = await start({ tokens })
    expect(await call('/event', body, headers)).toMatchObject({ status, code })
    expect(hec.events()).toEqual([])
  })

  it('tells which event of several is wrong, and keeps none of them', async () => {
    const { call, hec } = await start()
    expect(await call('/event', '{"event":1}{"event":2}{"time":3}')).toMatchObject({
      code: 12,
      'invalid-event-number': 2
    })
    expect(hec.events()).toEqual([])
  })

  it('says once that a request is indexed, to its own channel alone', async () => {
    const { call, poll } = await start()
    const other = randomUUID()
    await call('/event', '{"event":1}')
    await call('/event', '{"event":2}')
    await call('/event', '{"event":3}', { 'x-splunk-request-channel': other })
    expect(await poll([1], other)).toEqual({ 1: false })
    expect(await poll([0, 1, 2])).toEqual({ 0: true, 1: true, 2: false })
    expect(await poll([0, 1])).toEqual({ 0: false, 1: false })
    expect(await poll([0], other)).toEqual({ 0: true })
  })

  it('acknowledges late when asked to', async () => {
    const { call, poll } = await start({ acknowledge: ({ polls }) => polls === 3 })
    await call('/event', '{"event":1}')
    expect([await poll([0]), await poll([0]), await poll([0])]).toEqual([
      { 0: false },
      { 0: false },
      { 0: true }
    ])
  })

  it('has tokens without acknowledgements, which need a channel for raw lines alone', async () => {
    const { call } = await start({ tokens: [{ token: 'plain', useAck: false }] })
    const none = { 'x-splunk-request-channel': undefined }
    expect(await call('/event', '{"event":1}', none)).toEqual({ status: 200, text: 'Success', code: 0 })
    expect(await call('/raw', 'x', none)).toMatchObject({ status: 400, code: 10 })
    expect(await call('/ack', '{"acks":[0]}')).toMatchObject({ status: 400, code: 14 })
  })

  it('refuses polls that ask for nothing, and paths that it does not know', async () => {
    const { call } = await start()
    expect(await call('/ack', '{"acks":"all"}')).toMatchObject({ status: 400, code: 6 })
    expect(await call('/ack', 'acks')).toMatchObject({ status: 400, code: 6 })
    expect((await call('/mint', '')).status).toBe(404)
  })

  it('is healthy, and fails as scripted', async () => {
    const { local, hec, call } = await start()
    expect((await fetch(`${hec.url}/services/collector/health`)).status).toBe(200)
    local.faults.script([{ service: 'hec', kind: 'throttle', operation: 'event' }])
    expect(await call('/event', '{"event":1}')).toMatchObject({ status: 503, code: 9 })
    expect(hec.events()).toEqual([])
  })
})
