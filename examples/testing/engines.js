// What the tests run on: the embedded engines (Node alone, tens of milliseconds), or, with ENGINE=localstack, a
// LocalStack container. Both give endpoints and client configurations of one shape.
import { CreateStreamCommand, KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { kmsKeyring } from 'sealstream/crypto'
import { startLocal, startLocalStack } from 'sealstream/testing'

/** Engines with the stream `orders` and the key `alias/orders`. */
export async function startEngines() {
  const engines = await (process.env.ENGINE === 'localstack' ? startLocalStack() : startLocal())
  const kinesis = new KinesisClient(engines.clientConfig('kinesis'))
  const kms = new KMSClient(engines.clientConfig('kms'))
  try {
    await kinesis.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }))
    await waitUntilStreamExists({ client: kinesis, maxWaitTime: 30, minDelay: 1 }, { StreamName: 'orders' })
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/orders', TargetKeyId: key?.KeyId }))
  } finally {
    kinesis.destroy()
    kms.destroy()
  }
  const keyring = kmsKeyring({ keyId: 'alias/orders', clientConfig: engines.clientConfig('kms') })
  return { engines, keyring }
}
