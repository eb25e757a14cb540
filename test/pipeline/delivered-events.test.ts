import { expect, it } from 'vitest'
import { type DeliveredEvent, EventReader } from '../../pipeline/delivered-events.ts'

const how = { endpoint: 'raw', channel: 'c', ackId: 0 }

async function read(events: readonly DeliveredEvent[], endpointType: 'Raw' | 'Event') {
  const held = [...events]
  const reader = new EventReader(() => held.splice(0), endpointType)
  const found: unknown[] = []
  for await (const { records } of reader.readNew()) found.push(...records)
  for await (const _ of reader.readNew()) found.push('came twice')
  return found
}

it('reads a raw event as the bytes of its line', async () => {
  expect(await read([{ ...how, event: '{"id": "é"}' }], 'Raw')).toEqual([Buffer.from('{"id": "é"}')])
})

it('reads an event as the object that it was, with all that it said of itself', async () => {
  const said = { event: { id: 'a' }, time: 1, fields: { k: 'v' } }
  expect(await read([{ ...how, ...said }], 'Event')).toEqual([said])
})

it('passes over what is there', async () => {
  const held: DeliveredEvent[] = [{ ...how, event: 'old' }]
  const reader = new EventReader(() => held.splice(0), 'Raw')
  await reader.skipExisting()
  expect((await reader.readNew().next()).done).toBe(true)
})
