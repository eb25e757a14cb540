import { DecryptCommand, GenerateDataKeyCommand } from '@aws-sdk/client-kms'
import { describe, expect, it, onTestFinished } from 'vitest'
import { accountKeyUses, plannedKeyUses } from '../../cli/key-uses.ts'
import { startPlannedPermissions } from '../../cli/planned-permissions.ts'
import { awsEngine, proveKeyUses } from '../../pipeline/index.ts'
import { proofPlan } from '../helpers/proofs.ts'

async function start() {
  const plan = proofPlan()
  const planned = await startPlannedPermissions(plan)
  if (typeof planned === 'string') throw new Error(planned)
  onTestFinished(() => planned.close())
  const options = plannedKeyUses(plan, planned)
  const context = { pipeline: 'proofs', stream: 'proofs' }
  const clientOf = (role: string) => planned.roles.find(({ name }) => name === role)!.client
  return { planned, options, context, clientOf }
}

describe('E2E-05 of a plan', () => {
  it('is proved by the request log: producer and consumer used the key, and an administrator was refused', async () => {
    const { options } = await start()
    expect(await proveKeyUses(options)).toMatchObject({
      result: 'proved',
      measurements: { uses: 2, callers: 2, undeclared: 0, refused: 1 },
      evidence: {
        uses: [
          { principal: 'arn:aws:iam::000000000000:role/proofs-producer', operation: 'GenerateDataKey' },
          { principal: 'arn:aws:iam::000000000000:role/proofs-consumer', operation: 'Decrypt' }
        ],
        refused: [{ principal: 'arn:aws:iam::000000000000:role/administrator', operation: 'Decrypt' }]
      }
    })
  })

  it('fails when the key is used for what the plan does not say', async () => {
    const { planned, options, context, clientOf } = await start()
    const proof = await proveKeyUses({
      ...options,
      async exercise() {
        const refused = await options.exercise!()
        const { CiphertextBlob } = await clientOf('proofs-producer').send(
          new GenerateDataKeyCommand({
            KeyId: planned.keyArn,
            KeySpec: 'AES_256',
            EncryptionContext: context
          })
        )
        await clientOf('proofs-consumer').send(
          new DecryptCommand({ CiphertextBlob, EncryptionContext: context })
        )
        return refused
      },
      // As if no consumer were to open anything.
      mayUse: use => use.operation !== 'Decrypt' && options.mayUse(use)
    })
    expect(proof).toMatchObject({ result: 'failed', measurements: { undeclared: 2 } })
  })

  it('lets nobody pass whom the plan does not know, nor any pair', async () => {
    const { options } = await start()
    const use = {
      id: 'x',
      principal: 'arn:aws:iam::000000000000:role/proofs-consumer',
      operation: 'Decrypt',
      context: undefined,
      contextNames: ['pipeline', 'stream'],
      error: undefined
    }
    expect(options.mayUse(use)).toBe(true)
    expect(options.mayUse({ ...use, contextNames: [] })).toBe(false)
    expect(options.mayUse({ ...use, contextNames: ['pipeline', 'stream', 'other'] })).toBe(false)
    expect(options.mayUse({ ...use, principal: 'owner' })).toBe(false)
    expect(options.mayUse({ ...use, operation: 'ReEncrypt' })).toBe(false)
  })

  it('says why there is nothing to ask of an account', async () => {
    const asked = (plan: Parameters<typeof proofPlan>[0]) =>
      accountKeyUses(proofPlan(plan), awsEngine, 1, new AbortController().signal)
    expect(await asked({ sealing: { mode: 'off' } })).toBe('nothing is sealed')
    expect(await asked({ sealing: { tenants: { a: 'made' } } })).toBe(
      'the tenants of the plan have keys of their own'
    )
  })
})
