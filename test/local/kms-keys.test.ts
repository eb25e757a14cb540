import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
  UpdatePrimaryRegionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openKms } from '../helpers/local-kms.ts'

const dayMs = 86_400_000

async function describeKey(client: KMSClient, KeyId: string) {
  return (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!
}

describe('keys of the KMS engine', () => {
  it('are described as AWS describes them', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const { keyId, arn } = await createKey({ Description: 'first', Tags: [{ TagKey: 'a', TagValue: '1' }] })
    expect(await describeKey(client, arn)).toEqual({
      AWSAccountId: '000000000000',
      KeyId: keyId,
      Arn: `arn:aws:kms:us-east-1:000000000000:key/${keyId}`,
      CreationDate: new Date(clock.wallTime()),
      Enabled: true,
      Description: 'first',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      CurrentKeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
      MultiRegion: false
    })
    await client.send(new UpdateKeyDescriptionCommand({ KeyId: keyId, Description: 'second' }))
    expect(await describeKey(client, keyId)).toMatchObject({ Description: 'second' })
    // Symmetric keys alone: nothing here signs, and no material is imported.
    for (const input of [
      { KeySpec: 'RSA_2048' },
      { KeyUsage: 'SIGN_VERIFY' },
      { Origin: 'EXTERNAL' }
    ] as const) {
      await expect(client.send(new CreateKeyCommand(input))).rejects.toMatchObject({
        name: 'UnsupportedOperationException'
      })
    }
  })

  it('are listed page by page', async () => {
    const { client, createKey } = await openKms()
    const made: string[] = []
    for (let index = 0; index < 5; index += 1) made.push((await createKey()).keyId)
    const listed: string[] = []
    const pages: number[] = []
    let Marker: string | undefined
    do {
      const page = await client.send(new ListKeysCommand({ Limit: 2, Marker }))
      expect(page.Truncated).toBe(page.NextMarker !== undefined)
      pages.push(page.Keys!.length)
      listed.push(...page.Keys!.map(({ KeyId }) => KeyId!))
      Marker = page.NextMarker
    } while (Marker !== undefined)
    expect(pages).toEqual([2, 2, 1])
    expect(listed).toEqual(made)
    await expect(client.send(new ListKeysCommand({ Marker: 'elsewhere' }))).rejects.toMatchObject({
      name: 'InvalidMarkerException'
    })
  })

  it('wait for their deletion, can be called back, and then are gone with their aliases', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const { keyId, arn } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: keyId }))
    const schedule = (PendingWindowInDays: number) =>
      client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId, PendingWindowInDays }))
    await expect(schedule(6)).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(client.send(new CancelKeyDeletionCommand({ KeyId: keyId }))).rejects.toMatchObject({
      name: 'KMSInvalidStateException'
    })
    expect(await schedule(7)).toMatchObject({
      KeyId: arn,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: 7,
      DeletionDate: new Date(clock.wallTime() + 7 * dayMs)
    })
    await clock.advance(7 * dayMs - 1)
    await client.send(new CancelKeyDeletionCommand({ KeyId: keyId }))
    expect(await describeKey(client, keyId)).toMatchObject({ KeyState: 'Disabled', Enabled: false })
    await schedule(7)
    await clock.advance(7 * dayMs)
    await expect(describeKey(client, keyId)).rejects.toMatchObject({ name: 'NotFoundException' })
    await expect(describeKey(client, 'alias/a')).rejects.toMatchObject({ name: 'NotFoundException' })
  })

  it('keep policies and tags', async () => {
    const { client, createKey } = await openKms()
    const { keyId: KeyId } = await createKey()
    const policyOf = async () => (await client.send(new GetKeyPolicyCommand({ KeyId }))).Policy!
    expect(JSON.parse(await policyOf())).toMatchObject({ Statement: [{ Action: 'kms:*', Effect: 'Allow' }] })
    // This one locks everybody out: AWS would ask for BypassPolicyLockoutSafetyCheck.
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await client.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy }))
    expect(await policyOf()).toBe(Policy)
    expect((await client.send(new ListKeyPoliciesCommand({ KeyId }))).PolicyNames).toEqual(['default'])
    const long = JSON.stringify({ Statement: [], Id: 'x'.repeat(32_768) })
    await expect(client.send(new PutKeyPolicyCommand({ KeyId, Policy: long }))).rejects.toMatchObject({
      name: 'ValidationException'
    })
    await expect(client.send(new PutKeyPolicyCommand({ KeyId, Policy: '{' }))).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException'
    })

    const tagsOf = async () => (await client.send(new ListResourceTagsCommand({ KeyId }))).Tags
    const tag = (TagKey: string, TagValue: string) =>
      client.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey, TagValue }] }))
    await tag('a', '1')
    await tag('b', '2')
    await tag('a', '3')
    await client.send(new UntagResourceCommand({ KeyId, TagKeys: ['b'] }))
    expect(await tagsOf()).toEqual([{ TagKey: 'a', TagValue: '3' }])
    await expect(tag('aws:x', '1')).rejects.toMatchObject({ name: 'TagException' })
  })
})

describe('aliases of the KMS engine', () => {
  it('are made once, moved, listed and deleted', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const [a, b] = [await createKey(), await createKey()]
    const create = (AliasName: string, TargetKeyId: string) =>
      client.send(new CreateAliasCommand({ AliasName, TargetKeyId }))
    await create('alias/x', a.keyId)
    await create('alias/y', b.keyId)
    await expect(create('alias/x', b.keyId)).rejects.toMatchObject({ name: 'AlreadyExistsException' })
    await expect(create('alias/aws/x', b.keyId)).rejects.toMatchObject({ name: 'InvalidAliasNameException' })
    const created = new Date(clock.wallTime())
    await clock.advance(1_000)
    await client.send(new UpdateAliasCommand({ AliasName: 'alias/x', TargetKeyId: b.keyId }))
    expect((await describeKey(client, 'arn:aws:kms:us-east-1:000000000000:alias/x')).KeyId).toBe(b.keyId)
    const aliasesOf = async (KeyId?: string) =>
      (await client.send(new ListAliasesCommand({ KeyId }))).Aliases!
    expect(await aliasesOf(a.keyId)).toEqual([])
    expect(await aliasesOf()).toEqual([
      {
        AliasName: 'alias/x',
        AliasArn: 'arn:aws:kms:us-east-1:000000000000:alias/x',
        TargetKeyId: b.keyId,
        CreationDate: created,
        LastUpdatedDate: new Date(clock.wallTime())
      },
      expect.objectContaining({ AliasName: 'alias/y', TargetKeyId: b.keyId })
    ])
    await client.send(new DeleteAliasCommand({ AliasName: 'alias/x' }))
    expect((await aliasesOf()).map(({ AliasName }) => AliasName)).toEqual(['alias/y'])
    await expect(client.send(new DeleteAliasCommand({ AliasName: 'alias/x' }))).rejects.toMatchObject({
      name: 'NotFoundException'
    })
  })
})

describe('rotation of the KMS engine', () => {
  it('happens by itself when the period is over, and says when next', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const { keyId: KeyId } = await createKey()
    const statusOf = () => client.send(new GetKeyRotationStatusCommand({ KeyId }))
    const rotationsOf = async () => (await client.send(new ListKeyRotationsCommand({ KeyId }))).Rotations!
    expect(await statusOf()).toMatchObject({ KeyRotationEnabled: false })
    await expect(
      client.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 89 }))
    ).rejects.toMatchObject({ name: 'ValidationException' })
    await client.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
    const first = clock.wallTime() + 90 * dayMs
    expect(await statusOf()).toMatchObject({
      KeyRotationEnabled: true,
      RotationPeriodInDays: 90,
      NextRotationDate: new Date(first)
    })
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('old') }))
    const { CurrentKeyMaterialId: before } = await describeKey(client, KeyId)
    await clock.advance(90 * dayMs - 1)
    expect(await rotationsOf()).toEqual([])
    await clock.advance(1)
    const { CurrentKeyMaterialId: after } = await describeKey(client, KeyId)
    expect(after).not.toBe(before)
    expect(await rotationsOf()).toEqual([
      {
        KeyId,
        KeyMaterialId: after,
        KeyMaterialState: 'CURRENT',
        RotationType: 'AUTOMATIC',
        RotationDate: new Date(first)
      }
    ])
    expect(await statusOf()).toMatchObject({ NextRotationDate: new Date(first + 90 * dayMs) })
    expect(await client.send(new DecryptCommand({ CiphertextBlob }))).toMatchObject({ KeyMaterialId: before })
    await client.send(new DisableKeyRotationCommand({ KeyId }))
    await clock.advance(400 * dayMs)
    expect(await rotationsOf()).toHaveLength(1)
  })

  it('happens on demand at once, at most 25 times, and leaves the schedule as it is', async () => {
    const { client, createKey } = await openKms({ clock: new FakeClock() })
    const { keyId: KeyId } = await createKey()
    await client.send(new EnableKeyRotationCommand({ KeyId }))
    const statusOf = () => client.send(new GetKeyRotationStatusCommand({ KeyId }))
    const { NextRotationDate } = await statusOf()
    const rotate = () => client.send(new RotateKeyOnDemandCommand({ KeyId }))
    for (let time = 0; time < 25; time += 1) await rotate()
    await expect(rotate()).rejects.toMatchObject({ name: 'LimitExceededException' })
    const status = await statusOf()
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 365, NextRotationDate })
    expect(status.OnDemandRotationStartDate).toBeUndefined()
    const { Rotations: all } = await client.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })
    )
    expect(all).toHaveLength(26)
    expect(all![0]).not.toHaveProperty('RotationType')
    expect(all!.filter(({ KeyMaterialState }) => KeyMaterialState === 'CURRENT')).toEqual([all![25]])
  })

  it('rests while a key is disabled, and is made up for once when it is enabled', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock })
    const { keyId: KeyId } = await createKey()
    await client.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
    await client.send(new DisableKeyCommand({ KeyId }))
    await clock.advance(200 * dayMs)
    const rotationsOf = async () => (await client.send(new ListKeyRotationsCommand({ KeyId }))).Rotations!
    expect(await rotationsOf()).toEqual([])
    await client.send(new EnableKeyCommand({ KeyId }))
    expect(await rotationsOf()).toMatchObject([
      { RotationType: 'AUTOMATIC', RotationDate: new Date(clock.wallTime()) }
    ])
    expect(await client.send(new GetKeyRotationStatusCommand({ KeyId }))).toMatchObject({
      NextRotationDate: new Date(clock.wallTime() + 90 * dayMs)
    })
  })

  it('is refused for a disabled key', async () => {
    const { client, createKey } = await openKms()
    const { keyId: KeyId } = await createKey()
    await client.send(new DisableKeyCommand({ KeyId }))
    for (const command of [
      new RotateKeyOnDemandCommand({ KeyId }),
      new EnableKeyRotationCommand({ KeyId })
    ]) {
      await expect(client.send(command as EnableKeyRotationCommand)).rejects.toMatchObject({
        name: 'DisabledException'
      })
    }
  })
})

describe('multi-Region keys of the KMS engine', () => {
  it('open in one region what was sealed in another, also after a rotation', async () => {
    const { client, clientOf, createKey } = await openKms()
    const { keyId, arn } = await createKey({ MultiRegion: true })
    expect(keyId).toMatch(/^mrk-[0-9a-f]{32}$/)
    const europe = clientOf({ region: 'eu-west-1' })
    await expect(describeKey(europe, keyId)).rejects.toMatchObject({ name: 'NotFoundException' })
    const { ReplicaKeyMetadata: replica } = await client.send(
      new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'eu-west-1', Description: 'over there' })
    )
    const replicaArn = `arn:aws:kms:eu-west-1:000000000000:key/${keyId}`
    const family = {
      PrimaryKey: { Arn: arn, Region: 'us-east-1' },
      ReplicaKeys: [{ Arn: replicaArn, Region: 'eu-west-1' }]
    }
    expect(replica).toMatchObject({
      Arn: replicaArn,
      MultiRegion: true,
      Description: 'over there',
      MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', ...family }
    })
    expect((await describeKey(client, arn)).MultiRegionConfiguration).toEqual({
      MultiRegionKeyType: 'PRIMARY',
      ...family
    })
    await client.send(new RotateKeyOnDemandCommand({ KeyId: arn }))
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: arn, Plaintext: Buffer.from('across') })
    )
    const opened = await europe.send(new DecryptCommand({ KeyId: replicaArn, CiphertextBlob }))
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('across')
    expect(opened.KeyId).toBe(replicaArn)
    // An ARN is served in its own region alone.
    await expect(
      client.send(new DecryptCommand({ KeyId: replicaArn, CiphertextBlob }))
    ).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid arn eu-west-1'
    })
    await expect(europe.send(new RotateKeyOnDemandCommand({ KeyId: keyId }))).rejects.toMatchObject({
      name: 'UnsupportedOperationException'
    })
    await expect(
      client.send(new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'eu-west-1' }))
    ).rejects.toMatchObject({ name: 'AlreadyExistsException' })
  })

  it('do not come of a key of one region', async () => {
    const { client, clientOf, createKey } = await openKms()
    const { keyId } = await createKey()
    await expect(
      client.send(new ReplicateKeyCommand({ KeyId: keyId, ReplicaRegion: 'eu-west-1' }))
    ).rejects.toMatchObject({ name: 'UnsupportedOperationException' })
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from('here') })
    )
    await expect(
      clientOf({ region: 'eu-west-1' }).send(new DecryptCommand({ CiphertextBlob }))
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })

  it('go in order: the primary key waits for its replicas', async () => {
    const clock = new FakeClock()
    const { client, clientOf, createKey } = await openKms({ clock })
    const { keyId, arn } = await createKey({ MultiRegion: true })
    const europe = clientOf({ region: 'eu-west-1' })
    await client.send(new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'eu-west-1' }))
    const schedule = { KeyId: keyId, PendingWindowInDays: 7 }
    const waiting = await client.send(new ScheduleKeyDeletionCommand(schedule))
    expect(waiting).toMatchObject({ KeyState: 'PendingReplicaDeletion' })
    expect(waiting.DeletionDate).toBeUndefined()
    expect(await describeKey(client, keyId)).toMatchObject({ PendingDeletionWindowInDays: 7 })
    await clock.advance(30 * dayMs)
    expect(await describeKey(client, keyId)).toMatchObject({ KeyState: 'PendingReplicaDeletion' })
    await europe.send(new ScheduleKeyDeletionCommand(schedule))
    await clock.advance(7 * dayMs)
    expect(await describeKey(client, keyId)).toMatchObject({
      KeyState: 'PendingDeletion',
      DeletionDate: new Date(clock.wallTime() + 7 * dayMs)
    })
    await clock.advance(7 * dayMs)
    await expect(describeKey(client, keyId)).rejects.toMatchObject({ name: 'NotFoundException' })
  })

  it('change places', async () => {
    const { client, clientOf, createKey } = await openKms()
    const { keyId, arn } = await createKey({ MultiRegion: true })
    const europe = clientOf({ region: 'eu-west-1' })
    const move = (region: string) =>
      client.send(new UpdatePrimaryRegionCommand({ KeyId: arn, PrimaryRegion: region }))
    await expect(move('eu-west-1')).rejects.toMatchObject({ name: 'NotFoundException' })
    await client.send(new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'eu-west-1' }))
    await move('eu-west-1')
    const typeOf = async (at: KMSClient) =>
      (await describeKey(at, keyId)).MultiRegionConfiguration?.MultiRegionKeyType
    expect([await typeOf(client), await typeOf(europe)]).toEqual(['REPLICA', 'PRIMARY'])
    await expect(move('us-east-1')).rejects.toMatchObject({ name: 'UnsupportedOperationException' })
  })
})
