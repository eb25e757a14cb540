import {
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ReplicateKeyCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kmsDiscoveryKeyring, kmsKeyring, tenantKeyring } from '../../crypto/index.ts'
import { clientConfigOf, createPipeline, Ledger } from '../../pipeline/index.ts'
import { Producer } from '../../producer/index.ts'
import { openTestEngine, type TestEngine } from '../helpers/engine.ts'
import {
  collect,
  putAll,
  records,
  startPipeline,
  startWorker,
  texts,
  untilSettled
} from '../helpers/pipeline.ts'

const streamName = 'orders'

async function start(): Promise<{ test: TestEngine; kms: KMSClient; makeKey(): Promise<string> }> {
  const test = await openTestEngine()
  onTestFinished(() => test.close())
  const kms = new KMSClient(clientConfigOf(test.engine, 'kms'))
  onTestFinished(() => kms.destroy())
  const makeKey = async (): Promise<string> => (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  return { test, kms, makeKey }
}

describe('sealing with the KMS of the engine', () => {
  it('opens with either of two keys what was sealed under both', async () => {
    const { test, makeKey } = await start()
    const clientConfig = clientConfigOf(test.engine, 'kms')
    const [one, two] = [await makeKey(), await makeKey()]
    const sealer = kmsKeyring({ keyId: one, additionalKeyIds: [two], clientConfig }).createSealer({
      streamName
    })
    const sealed = await sealer.seal(Buffer.from('for both'))
    sealer.close()
    for (const keyId of [one, two]) {
      const opener = kmsKeyring({ keyId, clientConfig }).createOpener({ streamName })
      expect(Buffer.from(await opener.open(sealed)).toString()).toBe('for both')
      opener.close()
    }
  })

  it('opens by a further key of the plan while the first one is disabled', async () => {
    const { test, kms, makeKey } = await start()
    const [first, further] = [await makeKey(), await makeKey()]
    const sealing = { keyId: first, additionalKeys: [further] }
    const pipeline = createPipeline(test.plan({ sealing }), { engine: test.engine })
    onTestFinished(() => pipeline.close())
    const sealer = pipeline.createSealer()!
    const sealed = await sealer.seal(Buffer.from('for both'))
    sealer.close()
    await kms.send(new DisableKeyCommand({ KeyId: first }))
    const { name, stream } = pipeline.plan
    const opener = kmsKeyring({
      keyId: first,
      additionalKeyIds: [further],
      clientConfig: clientConfigOf(test.engine, 'kms')
    }).createOpener({ streamName: stream.name, context: { pipeline: name } })
    expect(Buffer.from(await opener.open(sealed)).toString()).toBe('for both')
    opener.close()
  })

  it('opens in another region, by the replica there, what a multi-Region key sealed', async () => {
    const { test, kms } = await start()
    const clientConfig = clientConfigOf(test.engine, 'kms')
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ MultiRegion: true }))
    const { ReplicaKeyMetadata: replica } = await kms.send(
      new ReplicateKeyCommand({ KeyId: key!.Arn, ReplicaRegion: 'eu-west-1' })
    )
    const sealer = kmsKeyring({ keyId: key!.Arn!, clientConfig }).createSealer({ streamName })
    const sealed = await sealer.seal(Buffer.from('far away'))
    sealer.close()
    // The key that sealed is out of reach: whatever opens is the replica.
    await kms.send(new DisableKeyCommand({ KeyId: key!.Arn }))
    const opener = kmsKeyring({ keyId: replica!.Arn!, multiRegion: true, clientConfig }).createOpener({
      streamName
    })
    expect(Buffer.from(await opener.open(sealed)).toString()).toBe('far away')
    opener.close()
  })

  it('opens by discovery what a key of the account sealed, and asks for no other account', async () => {
    const { test, makeKey } = await start()
    const clientConfig = clientConfigOf(test.engine, 'kms')
    const keyId = await makeKey()
    const sealer = kmsKeyring({ keyId, clientConfig }).createSealer({ streamName })
    const sealed = await sealer.seal(Buffer.from('found'))
    sealer.close()
    const discovery = (accountId: string) =>
      kmsDiscoveryKeyring({
        filter: { partition: 'aws', accountIds: [accountId] },
        clientConfig
      }).createOpener({
        streamName
      })
    const opener = discovery('000000000000')
    expect(Buffer.from(await opener.open(sealed)).toString()).toBe('found')
    opener.close()
    const stranger = discovery('111111111111')
    await expect((async () => stranger.open(sealed))()).rejects.toMatchObject({
      code: 'SEALSTREAM_NO_USABLE_DATA_KEY'
    })
    stranger.close()
  })

  it('has KMS refuse a data key under another encryption context', async () => {
    const { kms, makeKey } = await start()
    const KeyId = await makeKey()
    const { CiphertextBlob } = await kms.send(
      new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: { stream: 'orders' } })
    )
    await expect(
      kms.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext: { stream: 'payments' } }))
    ).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
  })

  it('holds the shard while the key is disabled, dead-letters nothing, and goes on', async () => {
    const { test, pipeline } = await startPipeline({ stream: { shards: 1 } })
    const kms = new KMSClient(clientConfigOf(test.engine, 'kms'))
    onTestFinished(() => kms.destroy())
    const ledger = new Ledger()
    await putAll(pipeline, ledger, records(10))
    const { KeyId } = await kms.send(
      new GenerateDataKeyCommand({ KeyId: pipeline.plan.sealing.keyId, KeySpec: 'AES_256' })
    )
    await kms.send(new DisableKeyCommand({ KeyId }))
    const worker = startWorker(pipeline, 'w1')
    await expect
      .poll(() => worker.events.map(({ type }) => type), { timeout: 20_000 })
      .toContain('keyUnavailable')
    expect(worker.stats).toMatchObject({ processed: 0, deadLettered: 0 })
    await kms.send(new EnableKeyCommand({ KeyId }))
    expect(await untilSettled(pipeline, test, ledger)).toEqual([])
    expect(ledger.summary).toMatchObject({ delivered: 10, lost: 0, deadLettered: 0 })
  })

  it('carries signed messages', async () => {
    const { test, pipeline } = await startPipeline({ stream: { shards: 1 } })
    const keyring = kmsKeyring({
      keyId: pipeline.plan.sealing.keyId,
      algorithmSuite: '0x0578',
      clientConfig: clientConfigOf(test.engine, 'kms')
    })
    const producer = new Producer({
      streamName: pipeline.plan.stream.name,
      clientConfig: clientConfigOf(test.engine, 'kinesis'),
      seal: { keyring }
    })
    await Promise.all(records(40).map(({ key, data }) => producer.put({ partitionKey: key, data })))
    await producer.close()
    const worker = collect(test, pipeline, { workerId: 'w1', open: { keyring } })
    await expect.poll(() => worker.received.length, { timeout: 20_000 }).toBe(40)
  })

  it('shreds the records of a tenant whose key is scheduled for deletion, and no others', async () => {
    const { test, kms, makeKey } = await start()
    const clientConfig = clientConfigOf(test.engine, 'kms')
    const keys: Record<string, string> = { 'tenant-a': await makeKey(), 'tenant-b': await makeKey() }
    const keyring = tenantKeyring({
      keyringOf: tenant => kmsKeyring({ keyId: keys[tenant]!, deletedKeys: 'refuse', clientConfig })
    })
    const pipeline = await startPipeline({ stream: { shards: 1 } })
    const producer = new Producer({
      streamName: pipeline.pipeline.plan.stream.name,
      clientConfig: clientConfigOf(pipeline.test.engine, 'kinesis'),
      seal: { keyring, keyFor: ({ partitionKey }) => partitionKey }
    })
    await Promise.all(
      Object.keys(keys).flatMap(tenant =>
        [1, 2, 3].map(n => producer.put({ partitionKey: tenant, data: Buffer.from(`${tenant} ${n}`) }))
      )
    )
    await producer.close()
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: keys['tenant-a'], PendingWindowInDays: 7 }))
    const letters: string[] = []
    const worker = collect(pipeline.test, pipeline.pipeline, {
      workerId: 'w1',
      open: { keyring },
      deadLetters: { put: async letter => void letters.push(letter.errorCode) }
    })
    await expect.poll(() => worker.received.length, { timeout: 20_000 }).toBe(3)
    expect(texts(worker.received)).toEqual(['tenant-b 1', 'tenant-b 2', 'tenant-b 3'])
    await expect.poll(() => letters.length, { timeout: 20_000 }).toBeGreaterThan(0)
    expect(new Set(letters)).toEqual(new Set(['SEALSTREAM_NO_USABLE_DATA_KEY']))
  })
})
