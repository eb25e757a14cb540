import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalJson, evidenceOf, isIntact } from '../../../pipeline/proofs/evidence.ts'
import type { Proof } from '../../../pipeline/proofs/proof.ts'

const proof: Proof = {
  id: 'E2E-01',
  result: 'proved',
  reason: 'the canary is in none of 7 pieces',
  measurements: { pieces: 7 },
  evidence: { stream: 'orders', places: { shard: { bytes: 300 } } }
}

const evidence = evidenceOf({
  toolVersion: '1.0.0',
  plan: 'orders',
  engine: 'embedded',
  startedMs: 0,
  finishedMs: 1_500,
  proofs: [proof]
})

describe('evidenceOf', () => {
  it('names tool, plan, engine and times, with a digest of the canonical JSON of the rest', () => {
    const { sha256, ...said } = evidence
    expect(said).toEqual({
      tool: 'sealstream',
      toolVersion: '1.0.0',
      plan: 'orders',
      engine: 'embedded',
      started: '1970-01-01T00:00:00.000Z',
      finished: '1970-01-01T00:00:01.500Z',
      proofs: [proof]
    })
    const canonical =
      '{"engine":"embedded","finished":"1970-01-01T00:00:01.500Z","plan":"orders","proofs":[' +
      '{"evidence":{"places":{"shard":{"bytes":300}},"stream":"orders"},"id":"E2E-01","measurements":{"pieces":7},' +
      '"reason":"the canary is in none of 7 pieces","result":"proved"}],' +
      '"started":"1970-01-01T00:00:00.000Z","tool":"sealstream","toolVersion":"1.0.0"}'
    expect(sha256).toBe(createHash('sha256').update(canonical).digest('hex'))
  })

  it('shows a change, and none in the order or the white space of the file', () => {
    const reordered = Object.fromEntries(Object.entries(evidence).toReversed()) as unknown as typeof evidence
    expect(isIntact(JSON.parse(JSON.stringify(reordered, undefined, 4)))).toBe(true)
    expect(isIntact({ ...evidence, proofs: [{ ...proof, result: 'failed' }] })).toBe(false)
  })
})

describe('canonicalJson', () => {
  it('sorts members at every depth and leaves lists in their order', () => {
    expect(canonicalJson({ b: [2, 1, { d: null, c: true }], a: 'é"' })).toBe(
      '{"a":"é\\"","b":[2,1,{"c":true,"d":null}]}'
    )
  })
})
