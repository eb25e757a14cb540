import {
  CreateAliasCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openKms } from '../helpers/local-kms.ts'

const context = { stream: 's', tenant: 't' }
const dayMs = 86_400_000

describe('the KMS engine', () => {
  it('opens a data key only under the context it was made with', async () => {
    const { client, createKey } = await openKms()
    const { keyId, arn } = await createKey()
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
    expect(opened.KeyMaterialId).toBe(made.KeyMaterialId)
    for (const EncryptionContext of [{ ...context, tenant: 'other' }, {}, { stream: 's' }]) {
      await expect(
        client.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext }))
      ).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    }
  })

  it('refuses every altered byte of a ciphertext', async () => {
    const { client, createKey } = await openKms()
    const { keyId } = await createKey()
    const { CiphertextBlob: blob } = await client.send(
      new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from('key') })
    )
    for (let index = 0; index < blob!.length; index += 1) {
      const altered = Uint8Array.from(blob!)
      altered[index]! ^= 1
      await expect(
        client.send(new DecryptCommand({ CiphertextBlob: altered })),
        `byte ${index}`
      ).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    }
  })

  it('names the wrong key as such, and does not tell of a key that is gone', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const [a, b] = [await createKey(), await createKey()]
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: a.keyId, Plaintext: Buffer.from('key') })
    )
    await expect(client.send(new DecryptCommand({ KeyId: b.arn, CiphertextBlob }))).rejects.toMatchObject({
      name: 'IncorrectKeyException'
    })
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: a.keyId, PendingWindowInDays: 7 }))
    await clock.advance(7 * dayMs)
    await expect(client.send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject({
      name: 'AccessDeniedException'
    })
    await expect(client.send(new DecryptCommand({ KeyId: a.arn, CiphertextBlob }))).rejects.toMatchObject({
      name: 'NotFoundException'
    })
  })

  it('reads what an older key version wrote', async () => {
    const { client, createKey } = await openKms()
    const { keyId } = await createKey()
    const encrypted = (text: string) =>
      client.send(new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from(text) }))
    const decrypted = async (CiphertextBlob: Uint8Array | undefined) => {
      const { Plaintext, KeyMaterialId } = await client.send(new DecryptCommand({ CiphertextBlob }))
      return { text: Buffer.from(Plaintext!).toString(), material: KeyMaterialId }
    }
    const { CiphertextBlob: old } = await encrypted('old')
    await client.send(new RotateKeyOnDemandCommand({ KeyId: keyId }))
    const { CiphertextBlob: young } = await encrypted('young')
    const [first, second] = [await decrypted(old), await decrypted(young)]
    expect([first.text, second.text]).toEqual(['old', 'young'])
    expect(first.material).not.toBe(second.material)
    const { KeyMetadata: key } = await client.send(new DescribeKeyCommand({ KeyId: keyId }))
    expect(key?.CurrentKeyMaterialId).toBe(second.material)
  })

  it('serves aliases, and refuses disabled keys and keys that are to be deleted', async () => {
    const { client, createKey } = await openKms()
    const { keyId, arn } = await createKey()
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

  it('re-encrypts to another key and context, and says from which key and version to which', async () => {
    const { client, createKey } = await openKms()
    const [a, b] = [await createKey(), await createKey()]
    const made = await client.send(
      new GenerateDataKeyWithoutPlaintextCommand({
        KeyId: a.keyId,
        NumberOfBytes: 20,
        EncryptionContext: { from: '1' }
      })
    )
    expect(made).not.toHaveProperty('Plaintext')
    const moved = await client.send(
      new ReEncryptCommand({
        CiphertextBlob: made.CiphertextBlob,
        SourceEncryptionContext: { from: '1' },
        DestinationKeyId: b.keyId,
        DestinationEncryptionContext: { to: '2' }
      })
    )
    expect(moved).toMatchObject({
      SourceKeyId: a.arn,
      KeyId: b.arn,
      SourceKeyMaterialId: made.KeyMaterialId,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT'
    })
    const open = (CiphertextBlob: Uint8Array | undefined, EncryptionContext: Record<string, string>) =>
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    const [before, after] = [
      await open(made.CiphertextBlob, { from: '1' }),
      await open(moved.CiphertextBlob, { to: '2' })
    ]
    expect(after.Plaintext).toEqual(before.Plaintext)
    expect(after.Plaintext).toHaveLength(20)
    expect(after.KeyMaterialId).toBe(moved.DestinationKeyMaterialId)
  })

  it('knows the limits of sizes', async () => {
    const { client, createKey } = await openKms()
    const { keyId: KeyId } = await createKey()
    const random = (NumberOfBytes: number) => client.send(new GenerateRandomCommand({ NumberOfBytes }))
    const encrypt = (bytes: number) =>
      client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.alloc(bytes) }))
    const generate = (NumberOfBytes: number) =>
      client.send(new GenerateDataKeyCommand({ KeyId, NumberOfBytes }))
    expect((await random(1_024)).Plaintext).toHaveLength(1_024)
    const { CiphertextBlob } = await encrypt(4_096)
    expect((await client.send(new DecryptCommand({ CiphertextBlob }))).Plaintext).toHaveLength(4_096)
    expect((await generate(1)).Plaintext).toHaveLength(1)
    for (const refused of [
      () => random(1_025),
      () => random(0),
      () => encrypt(4_097),
      () => encrypt(0),
      () => generate(1_025),
      () => client.send(new GenerateDataKeyCommand({ KeyId })),
      () => client.send(new GenerateDataKeyCommand({ KeyId, NumberOfBytes: 32, KeySpec: 'AES_256' }))
    ]) {
      await expect(refused(), String(refused)).rejects.toMatchObject({ name: 'ValidationException' })
    }
  })
})
