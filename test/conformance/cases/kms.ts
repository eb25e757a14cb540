import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  ListGrantsCommand,
  ListResourceTagsCommand,
  ReEncryptCommand,
  RevokeGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand
} from '@aws-sdk/client-kms'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused } from '../case.ts'
import type { World } from '../world.ts'

const Plaintext = Buffer.from('plain')
const EncryptionContext = { pipeline: 'a', stream: 'b' }

const encrypt = async ({ kms }: World, KeyId: string, further: object = {}) =>
  (await kms.send(new EncryptCommand({ KeyId, Plaintext, ...further }))).CiphertextBlob!
const decrypt = async ({ kms }: World, CiphertextBlob: Uint8Array, further: object = {}) =>
  Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob, ...further }))).Plaintext!).toString()

export const kmsCases: readonly ConformanceCase[] = [
  caseOf(
    'kms.key.created',
    'a new key is enabled, symmetric, of this account, and its ARN ends with its id',
    async world => {
      const KeyId = await world.key()
      const { KeyMetadata: key } = await world.kms.send(new DescribeKeyCommand({ KeyId }))
      expect(key).toMatchObject({
        KeyState: 'Enabled',
        Enabled: true,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeyManager: 'CUSTOMER',
        Origin: 'AWS_KMS',
        MultiRegion: false
      })
      expect(key?.Arn).toMatch(new RegExp(`^arn:aws[\\w-]*:kms:[\\w-]+:\\d{12}:key/${KeyId}$`))
    }
  ),
  caseOf('kms.key.missing', 'a key that is not there is a NotFoundException', async ({ kms }) => {
    await refused(
      kms.send(new DescribeKeyCommand({ KeyId: '00000000-0000-4000-8000-000000000000' })),
      'NotFoundException'
    )
  }),
  caseOf(
    'kms.key.disabled',
    'a disabled key neither encrypts nor decrypts, until it is enabled',
    async world => {
      const KeyId = await world.key()
      const blob = await encrypt(world, KeyId)
      await world.kms.send(new DisableKeyCommand({ KeyId }))
      await refused(encrypt(world, KeyId), 'DisabledException')
      await refused(decrypt(world, blob), 'DisabledException')
      await world.kms.send(new EnableKeyCommand({ KeyId }))
      expect(await decrypt(world, blob)).toBe('plain')
    }
  ),
  caseOf(
    'kms.key.deletion',
    'a key on its way out refuses with KMSInvalidStateException, and is disabled after a cancellation',
    async world => {
      const KeyId = await world.key()
      const { DeletionDate, KeyState } = await world.kms.send(
        new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })
      )
      expect(KeyState).toBe('PendingDeletion')
      expect(DeletionDate).toBeInstanceOf(Date)
      await refused(encrypt(world, KeyId), 'KMSInvalidStateException')
      await world.kms.send(new CancelKeyDeletionCommand({ KeyId }))
      const { KeyMetadata } = await world.kms.send(new DescribeKeyCommand({ KeyId }))
      expect(KeyMetadata?.KeyState).toBe('Disabled')
    }
  ),
  caseOf('kms.key.deletion-window', 'a waiting period of six days is refused', async world => {
    const KeyId = await world.key()
    await refused(
      world.kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 6 })),
      'ValidationException'
    )
  }),
  caseOf('kms.key.default-policy', 'a key has a policy called default', async world => {
    const { Policy } = await world.kms.send(
      new GetKeyPolicyCommand({ KeyId: await world.key(), PolicyName: 'default' })
    )
    expect(JSON.parse(Policy!)).toHaveProperty('Statement')
  }),
  caseOf('kms.key.tags', 'tags are added and told', async world => {
    const KeyId = await world.key()
    const Tags = [{ TagKey: 'team', TagValue: 'a' }]
    await world.kms.send(new TagResourceCommand({ KeyId, Tags }))
    expect((await world.kms.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual(Tags)
  }),
  caseOf('kms.key.rotation', 'rotation is switched on with a period of its own', async world => {
    const KeyId = await world.key()
    await world.kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 100 }))
    const status = await world.kms.send(new GetKeyRotationStatusCommand({ KeyId }))
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 100 })
  }),
  caseOf('kms.key.rotated', 'what was encrypted before a rotation is decrypted after it', async world => {
    const KeyId = await world.key()
    const blob = await encrypt(world, KeyId)
    await world.kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    expect(await decrypt(world, blob)).toBe('plain')
  }),
  caseOf('kms.alias', 'a key can be named by its alias, until that is gone', async world => {
    const TargetKeyId = await world.key()
    const AliasName = `alias/${world.name()}`
    await world.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }))
    world.atEnd(() => world.kms.send(new DeleteAliasCommand({ AliasName })))
    const { KeyMetadata } = await world.kms.send(new DescribeKeyCommand({ KeyId: AliasName }))
    expect(KeyMetadata?.KeyId).toBe(TargetKeyId)
    await world.kms.send(new DeleteAliasCommand({ AliasName }))
    await refused(world.kms.send(new DescribeKeyCommand({ KeyId: AliasName })), 'NotFoundException')
  }),
  caseOf('kms.alias.twice', 'an alias that is taken is an AlreadyExistsException', async world => {
    const TargetKeyId = await world.key()
    const AliasName = `alias/${world.name()}`
    const create = () => world.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }))
    await create()
    world.atEnd(() => world.kms.send(new DeleteAliasCommand({ AliasName })))
    await refused(create(), 'AlreadyExistsException')
  }),
  caseOf(
    'kms.encrypt.round-trip',
    'decryption needs no key id, and tells the ARN of the key',
    async world => {
      const KeyId = await world.key()
      const CiphertextBlob = await encrypt(world, KeyId)
      const answer = await world.kms.send(new DecryptCommand({ CiphertextBlob }))
      expect(Buffer.from(answer.Plaintext!).toString()).toBe('plain')
      expect(answer.KeyId).toMatch(new RegExp(`:key/${KeyId}$`))
      expect(answer.EncryptionAlgorithm).toBe('SYMMETRIC_DEFAULT')
    }
  ),
  caseOf(
    'kms.encrypt.context-order',
    'the order of the pairs in an encryption context means nothing',
    async world => {
      const blob = await encrypt(world, await world.key(), { EncryptionContext })
      const turned = Object.fromEntries(Object.entries(EncryptionContext).reverse())
      expect(await decrypt(world, blob, { EncryptionContext: turned })).toBe('plain')
    }
  ),
  caseOf(
    'kms.encrypt.wrong-context',
    'another encryption context is an InvalidCiphertextException',
    async world => {
      const blob = await encrypt(world, await world.key(), { EncryptionContext })
      await refused(decrypt(world, blob), 'InvalidCiphertextException')
      await refused(
        decrypt(world, blob, { EncryptionContext: { ...EncryptionContext, stream: 'c' } }),
        'InvalidCiphertextException'
      )
    }
  ),
  caseOf(
    'kms.encrypt.flipped',
    'a flipped bit in the last byte is an InvalidCiphertextException',
    async world => {
      const blob = Uint8Array.from(await encrypt(world, await world.key()))
      blob[blob.length - 1]! ^= 1
      await refused(decrypt(world, blob), 'InvalidCiphertextException')
    }
  ),
  caseOf('kms.encrypt.other-key', 'decryption under another key is an IncorrectKeyException', async world => {
    const blob = await encrypt(world, await world.key())
    await refused(decrypt(world, blob, { KeyId: await world.key() }), 'IncorrectKeyException')
  }),
  caseOf('kms.encrypt.4097', '4,097 bytes are refused, 4,096 are not', async world => {
    const KeyId = await world.key()
    await encrypt(world, KeyId, { Plaintext: Buffer.alloc(4_096) })
    await refused(encrypt(world, KeyId, { Plaintext: Buffer.alloc(4_097) }), 'ValidationException')
  }),
  caseOf('kms.data-key', 'a data key comes plain and encrypted, both the same', async world => {
    const KeyId = await world.key()
    const answer = await world.kms.send(
      new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext })
    )
    expect(answer.Plaintext).toHaveLength(32)
    const { Plaintext: opened } = await world.kms.send(
      new DecryptCommand({ CiphertextBlob: answer.CiphertextBlob, EncryptionContext })
    )
    expect(Buffer.from(opened!)).toEqual(Buffer.from(answer.Plaintext!))
  }),
  caseOf('kms.data-key.bytes', 'a data key has 1 to 1,024 bytes', async world => {
    const KeyId = await world.key()
    const make = (NumberOfBytes: number) =>
      world.kms.send(new GenerateDataKeyCommand({ KeyId, NumberOfBytes }))
    expect((await make(1_024)).Plaintext).toHaveLength(1_024)
    await refused(make(1_025), 'ValidationException')
  }),
  caseOf('kms.data-key.no-size', 'a data key of neither a spec nor a size is refused', async world => {
    const KeyId = await world.key()
    await refused(world.kms.send(new GenerateDataKeyCommand({ KeyId })), 'ValidationException')
  }),
  caseOf('kms.data-key.without-plaintext', 'a data key can come encrypted alone', async world => {
    const answer = await world.kms.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId: await world.key(), KeySpec: 'AES_128' })
    )
    expect(answer).not.toHaveProperty('Plaintext')
    const { Plaintext: opened } = await world.kms.send(
      new DecryptCommand({ CiphertextBlob: answer.CiphertextBlob })
    )
    expect(opened).toHaveLength(16)
  }),
  caseOf('kms.re-encrypt', 'a ciphertext moves to another key and context', async world => {
    const [KeyId, DestinationKeyId] = [await world.key(), await world.key()]
    const CiphertextBlob = await encrypt(world, KeyId)
    const answer = await world.kms.send(
      new ReEncryptCommand({
        CiphertextBlob,
        DestinationKeyId,
        DestinationEncryptionContext: EncryptionContext
      })
    )
    expect(answer.SourceKeyId).toMatch(new RegExp(`:key/${KeyId}$`))
    expect(answer.KeyId).toMatch(new RegExp(`:key/${DestinationKeyId}$`))
    expect(await decrypt(world, answer.CiphertextBlob!, { EncryptionContext })).toBe('plain')
  }),
  caseOf('kms.random', 'random bytes come in the number asked for', async ({ kms }) => {
    expect((await kms.send(new GenerateRandomCommand({ NumberOfBytes: 24 }))).Plaintext).toHaveLength(24)
  }),
  caseOf('kms.dry-run', 'a dry run that would succeed is a DryRunOperationException', async world => {
    const KeyId = await world.key()
    await refused(
      world.kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', DryRun: true })),
      'DryRunOperationException'
    )
  }),
  caseOf('kms.grant', 'a grant is made, listed with its constraints, and revoked', async world => {
    const KeyId = await world.key()
    const { GrantId, GrantToken } = await world.kms.send(
      new CreateGrantCommand({
        KeyId,
        GranteePrincipal: 'arn:aws:iam::000000000000:root',
        Operations: ['Decrypt'],
        Constraints: { EncryptionContextSubset: { pipeline: 'a' } }
      })
    )
    expect(GrantToken).toBeTypeOf('string')
    const { Grants } = await world.kms.send(new ListGrantsCommand({ KeyId }))
    expect(Grants).toMatchObject([
      { GrantId, Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: { pipeline: 'a' } } }
    ])
    await world.kms.send(new RevokeGrantCommand({ KeyId, GrantId }))
    expect((await world.kms.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([])
  })
]
