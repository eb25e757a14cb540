import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Worker } from '../../../consumer/index.ts'
import { noKeyStats, type SealingKeyring } from '../../../core/record-transform.ts'
import { type DataKeyCacheOptions, kmsKeyring } from '../../../crypto/index.ts'
import { clientConfigOf, embeddedEngine } from '../../../pipeline/index.ts'
import { RevocationTraffic } from '../../../pipeline/proofs/revocation-traffic.ts'
import { opened, openLocal } from '../../helpers/local.ts'
import { proofPlan } from '../../helpers/proofs.ts'

it('deletes its lease table also when the worker has failed, and tells what of', async () => {
  const local = await openLocal()
  const engine = embeddedEngine(local)
  const dynamodb = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
  const tables = async () => (await dynamodb.send(new ListTablesCommand({}))).TableNames
  const failure = new TypeError('a bug of the opener')
  const run = vi.spyOn(Worker.prototype, 'run')
  onTestFinished(() => run.mockRestore())
  const keyringOf = (cache: DataKeyCacheOptions): SealingKeyring => {
    const keyring = kmsKeyring({ keyId: 'alias/proofs', clientConfig: clientConfigOf(engine, 'kms'), cache })
    return {
      createSealer: options => keyring.createSealer(options),
      createOpener: () => ({
        keyStats: noKeyStats,
        isSealed: () => true,
        open: () => Promise.reject(failure),
        close: () => {}
      })
    }
  }
  const traffic = await RevocationTraffic.start({ plan: proofPlan(), engine, keyringOf }, 1_000)
  await traffic.put()
  await expect(run.mock.results[0]!.value).rejects.toBe(failure)
  expect(await tables()).toEqual([expect.stringContaining('-proof-')])
  await expect(traffic.close()).rejects.toBe(failure)
  expect(await tables()).toEqual([])
})
