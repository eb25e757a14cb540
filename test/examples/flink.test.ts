import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { buildClient, CommitmentPolicy, KMS, KmsKeyringNode } from '@aws-crypto/client-node'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient
} from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { kmsKeyring } from '../../crypto/index.ts'
import { Producer } from '../../producer/index.ts'
import { decodeByProtobufjs } from '../helpers/aggregation-oracles.ts'
import { opened } from '../helpers/local.ts'
import { openKms } from '../helpers/local-kms.ts'

const example = (file: string): string =>
  readFileSync(new URL(`../../examples/flink/${file}`, import.meta.url), 'utf8')

/** What an application finds in the stream, and the key. */
async function putByProducer(payloads: readonly string[]) {
  const { local, createKey } = await openKms()
  const { arn } = await createKey()
  const kinesis = opened(new KinesisClient(local.clientConfig('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }))
  const producer = new Producer({
    streamName: 'orders',
    clientConfig: local.clientConfig('kinesis'),
    seal: {
      keyring: kmsKeyring({ keyId: arn, clientConfig: local.clientConfig('kms') }),
      mode: 'record',
      context: { pipeline: 'shop' }
    }
  })
  await Promise.all(
    payloads.map((payload, index) => producer.put({ partitionKey: `k${index}`, data: Buffer.from(payload) }))
  )
  await producer.close()
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName: 'orders',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON'
    })
  )
  const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }))
  return { arn, local, records: Records.map(({ Data }) => Buffer.from(Data!)) }
}

describe('what an application of Flink finds in a stream in mode record', () => {
  it('is an aggregate of the KPL, each user record of which the official library opens', async () => {
    const payloads = Array.from({ length: 20 }, (_, index) => `payload ${index}`)
    const { arn, local, records } = await putByProducer(payloads)
    expect(records).toHaveLength(1)
    const [aggregate] = records
    const body = aggregate!.subarray(4, -16)
    expect(aggregate!.subarray(0, 4).toString('hex')).toBe('f3899ac2')
    expect(aggregate!.subarray(-16)).toEqual(createHash('md5').update(body).digest())

    const userRecords = decodeByProtobufjs(aggregate!)
    expect(userRecords.map(({ partitionKey }) => partitionKey)).toEqual(
      payloads.map((_, index) => `k${index}`)
    )

    const keyring = new KmsKeyringNode({
      keyIds: [arn],
      // Its own client; the types of the two differ in members that may be undefined.
      clientProvider: () => new KMS(local.clientConfig('kms')) as never
    })
    // As the example asks for it.
    const { decrypt } = buildClient({
      commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
      maxEncryptedDataKeys: 5
    })
    for (const [index, { data }] of userRecords.entries()) {
      const message = Buffer.from(data, 'hex')
      expect(message.includes('payload')).toBe(false)
      const { plaintext, messageHeader } = await decrypt(keyring, message)
      expect(plaintext.toString()).toBe(payloads[index])
      expect({ ...messageHeader.encryptionContext }).toEqual({ pipeline: 'shop', stream: 'orders' })
      expect(messageHeader.version).toBe(2)
    }
  })

  it('is the message itself, without an aggregate, when a record goes alone', async () => {
    const { records } = await putByProducer(['alone'])
    expect(records).toHaveLength(1)
    // Version 2, suite 0x0478.
    expect(records[0]!.subarray(0, 3).toString('hex')).toBe('020478')
  })
})

describe('the example for Flink', () => {
  it('asks for what the producer writes', () => {
    const opener = example('SealedRecordOpener.java')
    expect(opener).toContain('CommitmentPolicy.RequireEncryptRequireDecrypt')
    expect(opener).toContain('.withMaxEncryptedDataKeys(5)')
    expect(opener).toContain('.buildStrict(keyArn)')
  })

  it('names the versions that the judges run', () => {
    const readme = example('README.md')
    const pom = readFileSync(new URL('../interop/java/pom.xml', import.meta.url), 'utf8')
    const versionOf = (artifact: string): string =>
      new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([\\d.]+)</version>`).exec(pom)![1]!
    expect(readme).toContain(`\`aws-encryption-sdk-java\` | ${versionOf('aws-encryption-sdk-java')}`)
    expect(readme).toContain(`\`amazon-kinesis-client\` | ${/<kcl\.version>([\d.]+)</.exec(pom)![1]}`)
    expect(readme).toContain(`\`software.amazon.awssdk\` | ${/<sdk\.version>([\d.]+)</.exec(pom)![1]}`)
  })
})
