import { proof } from './proof.ts'

export const e2e01 = proof({
  id: 'E2E-01',
  severity: 'critical',
  title: 'Plaintext never rests in Kinesis, in dead letters, in the lease table or in logs.',
  rationale:
    'That records are sealed is a property of bytes, not of settings: a canary that a real producer put must be nowhere in ' +
    'what was stored, in no encoding.',
  fix: 'Seal with mode aggregate or record in every producer, and let the consumer accept no plaintext.',
  sources: { statements: [13, 14] }
})
