import { describe, expect, it } from 'vitest'
import type { SealingKeyring } from '../../../core/record-transform.ts'
import { kmsKeyring } from '../../../crypto/index.ts'
import { clientConfigOf, embeddedEngine } from '../../../pipeline/index.ts'
import { proveBoundContext } from '../../../pipeline/proofs/bound-context.ts'
import { openLocal } from '../../helpers/local.ts'
import { proofPlan } from '../../helpers/proofs.ts'

/** Opens whatever comes, for whomever. */
function withoutRequiredPairs(keyring: SealingKeyring): SealingKeyring {
  return {
    createSealer: options => keyring.createSealer(options),
    createOpener: () => keyring.createOpener({ streamName: 'proofs', context: { pipeline: 'proofs' } })
  }
}

describe('E2E-03', () => {
  it.each(['aggregate', 'record'] as const)(
    'is proved for a message that is bound to its pairs: %s',
    async mode => {
      const engine = embeddedEngine(await openLocal())
      const plan = proofPlan({ sealing: { mode, context: { schema: 'orders-2' } } })
      const proof = await proveBoundContext({ plan, engine })
      expect(proof).toMatchObject({
        id: 'E2E-03',
        result: 'proved',
        reason: '7 replays and 8 altered calls were refused',
        measurements: { replays: 7, kmsCalls: 8, opened: 0 },
        evidence: {
          stream: 'proofs',
          contextNames: ['pipeline', 'schema', 'stream'],
          control: { message: 'opened', kmsDecrypt: 'opened' },
          replays: {
            'pipeline: another value': 'SEALSTREAM_CONTEXT_MISMATCH',
            'stream: another value': 'SEALSTREAM_CONTEXT_MISMATCH',
            'a pair more': 'SEALSTREAM_CONTEXT_MISMATCH',
            'stream: header rewritten': 'SEALSTREAM_NO_USABLE_DATA_KEY'
          },
          kmsDecrypt: {
            'stream: another value': 'InvalidCiphertextException',
            'stream: left out': 'InvalidCiphertextException',
            'a pair more': 'InvalidCiphertextException',
            'no pairs': 'InvalidCiphertextException'
          }
        }
      })
      // Values of the context belong to nobody else.
      expect(JSON.stringify(proof)).not.toContain('orders-2')
    }
  )

  it('fails for an opener that asks for no pairs', async () => {
    const engine = embeddedEngine(await openLocal())
    const proof = await proveBoundContext({
      plan: proofPlan(),
      engine,
      keyringOf: () =>
        withoutRequiredPairs(
          kmsKeyring({ keyId: 'alias/proofs', clientConfig: clientConfigOf(engine, 'kms') })
        )
    })
    expect(proof).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(
        /^opened all the same: pipeline: another value; stream: another value; a pair more$/
      )
    })
  })

  it('is not applicable where nothing is sealed, or tenants have keys of their own', async () => {
    const engine = embeddedEngine(await openLocal())
    for (const sealing of [{ mode: 'off' }, { tenants: { a: 'made' } }] as const) {
      const proof = await proveBoundContext({ plan: proofPlan({ sealing }), engine })
      expect(proof.result).toBe('notApplicable')
    }
  })
})
