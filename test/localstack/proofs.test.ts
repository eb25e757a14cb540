import { randomUUID } from 'node:crypto'
import { CreateKeyCommand, KMSClient, ListGrantsCommand } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import {
  clientConfigOf,
  embeddedEngine,
  endpointEngine,
  provePermissions,
  runProofs
} from '../../pipeline/index.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { proofPlan } from '../helpers/proofs.ts'

const isLocalStack = process.env.SEALSTREAM_TEST_ENGINE === 'localstack'

const engine = endpointEngine(process.env.SEALSTREAM_ENDPOINT ?? 'http://127.0.0.1:4566')

describe.skipIf(!isLocalStack)('the proofs on LocalStack', { timeout: 180_000 }, () => {
  it('are proved, but for the roles', async () => {
    const control = embeddedEngine(await openLocal({ services: ['kinesis'] }))
    const plan = proofPlan({ name: `proofs-${randomUUID().slice(0, 8)}` })
    const proofs = await runProofs(
      { plan, engine },
      {
        control,
        permissions: 'DryRun is ignored there',
        keyUses: 'it has no CloudTrail',
        verdicts: 'it drops settings'
      }
    )
    expect(proofs.map(({ id, result, reason }) => [id, result, reason])).toEqual([
      ['E2E-01', 'proved', expect.any(String)],
      ['E2E-02', 'proved', expect.any(String)],
      ['E2E-03', 'proved', expect.any(String)],
      ['E2E-04', 'notApplicable', 'DryRun is ignored there'],
      ['E2E-05', 'notApplicable', 'it has no CloudTrail'],
      ['E2E-06', 'notApplicable', 'it drops settings']
    ])
  })

  it('are void for the roles: what is to be rehearsed is carried out, and ends the proof', async () => {
    const client = opened(new KMSClient(clientConfigOf(engine, 'kms')))
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
    const proof = await provePermissions({
      keyArn: KeyMetadata!.Arn!,
      roles: [{ name: 'anybody', client }],
      contexts: { none: {} },
      predict: () => 'allow'
    })
    expect(proof).toMatchObject({
      result: 'void',
      reason: 'a rehearsal was carried out: the engine knows no DryRun',
      measurements: { questions: 2 }
    })
    const { Grants } = await client.send(new ListGrantsCommand({ KeyId: KeyMetadata!.Arn }))
    expect(Grants).toEqual([])
  })
})
