import { describe, expect, it, onTestFinished } from 'vitest'
import { startPlannedPermissions } from '../../cli/planned-permissions.ts'
import { provePermissions } from '../../pipeline/index.ts'
import { proofPlan } from '../helpers/proofs.ts'

async function start(plan = proofPlan()) {
  const planned = await startPlannedPermissions(plan)
  onTestFinished(async () => {
    if (typeof planned !== 'string') await planned.close()
  })
  if (typeof planned === 'string') throw new Error(planned)
  return planned
}

describe('E2E-04 of a plan', () => {
  it('is proved: a producer wraps, consumer and replayer unwrap, and an administrator does neither', async () => {
    const proof = await provePermissions(await start())
    expect(proof).toMatchObject({ result: 'proved', measurements: { differing: 0 } })
    const matrix = proof.evidence.matrix as unknown as {
      readonly role: string
      readonly action: string
      readonly context: string | null
      readonly observed: unknown
    }[]
    expect(
      matrix
        .filter(({ observed }) => observed === 'allow')
        .map(row => `${row.role} ${row.action} ${row.context}`)
    ).toEqual([
      'proofs-producer GenerateDataKey of the pipeline',
      'proofs-consumer Decrypt of the pipeline',
      'proofs-replayer Decrypt of the pipeline'
    ])
    expect(matrix.filter(({ role }) => role === 'administrator')).toHaveLength(16)
  })

  it('does not depend on a key that the plan was given', async () => {
    const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234'
    const proof = await provePermissions(await start(proofPlan({ keys: { envelope: { arn } } })))
    expect(proof.result).toBe('proved')
    expect(proof.measurements.allowed).toBe(3)
  })

  it('fails where the policies that are enforced are wider than those of the plan', async () => {
    const { predict, ...planned } = await start()
    const proof = await provePermissions({
      ...planned,
      // As if the plan gave consumers nothing.
      predict: (role, ...asked) => (role === 'proofs-consumer' ? 'deny' : predict(role, ...asked))
    })
    expect(proof).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/such as Decrypt of proofs-consumer: predicted deny, observed allow$/)
    })
  })

  it('says why it is not there: without a key, or with one for each tenant', async () => {
    expect(await startPlannedPermissions(proofPlan({ sealing: { mode: 'off' } }))).toBe('nothing is sealed')
    expect(await startPlannedPermissions(proofPlan({ sealing: { tenants: { a: 'made' } } }))).toBe(
      'the tenants of the plan have keys of their own'
    )
  })
})
