import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Engine, embeddedEngine } from '../../../pipeline/index.ts'
import { proveNoPlaintextAtRest } from '../../../pipeline/proofs/no-plaintext-at-rest.ts'
import { openLocal } from '../../helpers/local.ts'
import { proofPlan } from '../../helpers/proofs.ts'

describe('E2E-01', () => {
  it.each(['aggregate', 'record'] as const)('is proved for a stream that is sealed: %s', async mode => {
    const local = await openLocal()
    const engine = embeddedEngine(local)
    const proof = await proveNoPlaintextAtRest(
      { plan: proofPlan({ sealing: { mode } }), engine },
      { control: engine, everythingAtRest: () => local.everythingAtRest() }
    )
    expect(proof).toMatchObject({
      id: 'E2E-01',
      result: 'proved',
      measurements: { hits: 0 },
      evidence: {
        stream: 'proofs',
        isSealed: true,
        deadLettered: true,
        control: { foundWithoutSealing: true, forms: 12, formsFound: 12 }
      }
    })
    const places = proof.evidence.places as Record<string, { pieces: number; bytes: number }>
    expect(places.shard).toMatchObject({ pieces: 1, bytes: proof.evidence.storedBytes })
    expect(places['lease table']!.pieces).toBe(1)
    expect(places['dead-letter queue']!.pieces).toBe(1)
    expect(places.logs!.pieces).toBeGreaterThan(0)
  })

  it('is proved for dead letters in a bucket, and for a worker that opens nothing', async () => {
    const engine = embeddedEngine(await openLocal())
    const prove = (plan: Parameters<typeof proofPlan>[0]) =>
      proveNoPlaintextAtRest({ plan: proofPlan(plan), engine }, { control: engine })
    const kept = await prove({ deadLetters: { kind: 's3' } })
    expect(kept).toMatchObject({
      result: 'proved',
      evidence: { deadLettered: true, places: { 'dead-letter bucket': { pieces: 1 } } }
    })
    const unopened = await prove({
      name: 'unopened',
      destinations: [{ kind: 's3', bufferIntervalSeconds: 1, deliver: 'ciphertext' }]
    })
    expect(unopened).toMatchObject({ result: 'proved', evidence: { deadLettered: null } })
  })

  it('is proved for tenants with keys of their own', async () => {
    const engine = embeddedEngine(await openLocal())
    const plan = proofPlan({ sealing: { tenants: { a: 'made', b: 'made' } } })
    const proof = await proveNoPlaintextAtRest({ plan, engine }, { control: engine })
    expect(proof).toMatchObject({ result: 'proved', evidence: { isSealed: true, deadLettered: true } })
  })

  it('fails for a stream that is not sealed', async () => {
    const engine = embeddedEngine(await openLocal())
    const plan = proofPlan({ sealing: { mode: 'off' } })
    const proof = await proveNoPlaintextAtRest({ plan, engine }, { control: engine })
    expect(proof).toMatchObject({
      result: 'failed',
      reason: 'the canary was found in 2 pieces',
      evidence: {
        isSealed: false,
        places: {
          shard: { pieces: 1, hits: 1 },
          'lease table': { hits: 0 },
          'dead-letter queue': { hits: 1 }
        }
      }
    })
  })

  it('is void when the scan does not find the canary where nothing is sealed', async () => {
    const engine = embeddedEngine(await openLocal())
    const control = { ...engine, endpoints: { ...engine.endpoints!, kinesis: await blindTo(engine) } }
    const proof = await proveNoPlaintextAtRest({ plan: proofPlan(), engine }, { control })
    expect(proof).toMatchObject({
      result: 'void',
      reason: 'the scan does not find the canary where nothing is sealed',
      evidence: { control: { foundWithoutSealing: false } }
    })
  })
})

/** A Kinesis that hands out noise in place of every record. Ends with the test. */
async function blindTo(engine: Engine): Promise<string> {
  const server = createServer(async (request, response) => {
    const answer = await fetch(engine.endpoints!.kinesis, {
      method: 'POST',
      headers: Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        /^(x-amz-|authorization|content-type)/.test(name) ? [[name, String(value)]] : []
      ),
      body: await buffer(request)
    })
    const text = await answer.text()
    response.statusCode = answer.status
    response.setHeader('content-type', answer.headers.get('content-type') ?? '')
    response.end(text.replaceAll(/"Data":"[^"]*"/g, `"Data":"${randomBytes(48).toString('base64')}"`))
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
