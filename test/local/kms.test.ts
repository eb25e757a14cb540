import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

async function start(): Promise<{ client: KMSClient; keyId: string; arn: string }> {
  const local = await openLocal()
  const client = opened(new KMSClient({ ...local.clientConfig('kms'), maxAttempts: 1 }))
  const { KeyMetadata: key } = await client.send(new CreateKeyCommand({}))
  return { client, keyId: key!.KeyId!, arn: key!.Arn! }
}

const context = { stream: 's', tenant: 't' }

describe('the KMS engine', () => {
  it('opens a data key only under the context it was made with', async () => {
    const { client, keyId, arn } = await start()
    const made = await client.send(
      new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: context })
    )
    expect(made.Plaintext).toHaveLength(32)
    expect(made.KeyId).toBe(arn)
    // The order of the pairs is not part of the context.
    const reordered = { tenant: 't', stream: 's' }
    const opened = await client.send(
      new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: reordered })
    )
    expect(opened.Plaintext).toEqual(made.Plaintext)
    for (const EncryptionContext of [{ ...context, tenant: 'other' }, {}, { stream: 's' }]) {
      await expect(
        client.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext }))
      ).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    }
  })

  it('refuses every altered byte of a ciphertext', async () => {
    const { client, keyId } = await start()
    const { CiphertextBlob: blob } = await client.send(
      new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from('key') })
    )
    for (let index = 0; index < blob!.length; index += 7) {
      const altered = Uint8Array.from(blob!)
      altered[index]! ^= 1
      await expect(client.send(new DecryptCommand({ CiphertextBlob: altered }))).rejects.toThrow()
    }
  })

  it('reads what an older key version wrote', async () => {
    const { client, keyId } = await start()
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from('old') })
    )
    await client.send(new RotateKeyOnDemandCommand({ KeyId: keyId }))
    const { Plaintext } = await client.send(new DecryptCommand({ CiphertextBlob }))
    expect(Buffer.from(Plaintext!).toString()).toBe('old')
  })

  it('serves aliases, and refuses disabled keys and keys that are to be deleted', async () => {
    const { client, keyId, arn } = await start()
    await client.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: keyId }))
    const found = await client.send(new DescribeKeyCommand({ KeyId: 'alias/a' }))
    expect(found.KeyMetadata).toMatchObject({ Arn: arn, KeyState: 'Enabled' })
    const generate = () => client.send(new GenerateDataKeyCommand({ KeyId: 'alias/a', KeySpec: 'AES_256' }))
    await client.send(new DisableKeyCommand({ KeyId: keyId }))
    await expect(generate()).rejects.toMatchObject({ name: 'DisabledException' })
    await client.send(new EnableKeyCommand({ KeyId: keyId }))
    await generate()
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId }))
    await expect(generate()).rejects.toMatchObject({ name: 'KMSInvalidStateException' })
    await expect(client.send(new DescribeKeyCommand({ KeyId: 'alias/none' }))).rejects.toMatchObject({
      name: 'NotFoundException'
    })
  })
})
