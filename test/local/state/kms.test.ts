import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ReplicateKeyCommand,
  RetireGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import type { LocalOptions } from '../../../local/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { opened } from '../../helpers/local.ts'
import { launchEngines, makeStateFolder, putUntilKilled, restartable } from '../../helpers/state.ts'

function restartableKms(options: LocalOptions = {}): () => Promise<KMSClient> {
  const restart = restartable(options)
  return async () => opened(new KMSClient((await restart()).clientConfig('kms')))
}

/** Everything that the API tells. */
async function everythingOf(client: KMSClient) {
  const { Keys = [] } = await client.send(new ListKeysCommand({}))
  const keys = await Promise.all(
    Keys.map(async ({ KeyId }) => ({
      metadata: (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata,
      policy: (await client.send(new GetKeyPolicyCommand({ KeyId }))).Policy,
      tags: (await client.send(new ListResourceTagsCommand({ KeyId }))).Tags,
      grants: (await client.send(new ListGrantsCommand({ KeyId }))).Grants,
      rotation: (await client.send(new GetKeyRotationStatusCommand({ KeyId }))).NextRotationDate,
      rotations: (
        await client.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }))
      ).Rotations
    }))
  )
  return { keys, aliases: (await client.send(new ListAliasesCommand({}))).Aliases }
}

describe('the KMS engine with a state folder', () => {
  it('is the same after a restart: keys, aliases, grants, tags, rotation, states', async () => {
    const restart = restartableKms()
    const client = await restart()
    const make = async (input = {}) =>
      (await client.send(new CreateKeyCommand({ Description: 'd', ...input }))).KeyMetadata!.KeyId!
    const KeyId = await make({
      Tags: [{ TagKey: 'a', TagValue: '1' }],
      Policy: '{"Version":"2012-10-17","Statement":[]}'
    })
    await client.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: KeyId }))
    await client.send(new EnableKeyRotationCommand({ KeyId }))
    await client.send(new RotateKeyOnDemandCommand({ KeyId }))
    await client.send(new DisableKeyCommand({ KeyId: await make() }))
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: await make() }))
    const multi = await make({ MultiRegion: true })
    await client.send(new ReplicateKeyCommand({ KeyId: multi, ReplicaRegion: 'eu-west-1' }))
    const wanted = new CreateGrantCommand({
      KeyId,
      Name: 'g',
      GranteePrincipal: 'arn:aws:iam::000000000000:user/local',
      Operations: ['Decrypt', 'RetireGrant'],
      Constraints: { EncryptionContextSubset: { a: 'b' } }
    })
    const { GrantId, GrantToken } = await client.send(wanted)
    const before = await everythingOf(client)
    expect(before.keys).toHaveLength(4)

    const after = await restart()
    expect(await everythingOf(after)).toEqual(before)
    // It finds the grant that it has made, and the token is still good.
    expect((await after.send(wanted)).GrantId).toBe(GrantId)
    await after.send(new RetireGrantCommand({ GrantToken }))
    expect((await after.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([])
  })

  it('opens what was sealed before, under every version of a key', async () => {
    const clock = new FakeClock()
    const restart = restartableKms({ clock })
    let client = await restart()
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
    const KeyId = KeyMetadata!.KeyId!
    await client.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
    const EncryptionContext = { stream: 's' }
    const seal = async (text: string) =>
      (await client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from(text), EncryptionContext })))
        .CiphertextBlob!
    const open = async (CiphertextBlob: Uint8Array) =>
      Buffer.from(
        (await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))).Plaintext!
      ).toString()
    const first = await seal('first')
    client = await restart()
    expect(await open(first)).toBe('first')
    // The rotation is due, and made by the request that uses it.
    await clock.advance(91 * 86_400_000)
    const second = await seal('second')
    client = await restart()
    expect([await open(first), await open(second)]).toEqual(['first', 'second'])
  })

  it('opens every data key that was given out before a SIGKILL', async () => {
    const folder = makeStateFolder()
    const engines = await launchEngines(folder)
    const client = opened(new KMSClient({ ...engines.clientConfig, maxAttempts: 1 }))
    const keys = await putUntilKilled(engines, 20, async () => {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
      return client.send(new GenerateDataKeyCommand({ KeyId: KeyMetadata!.KeyId, KeySpec: 'AES_256' }))
    })
    const again = opened(new KMSClient((await launchEngines(folder)).clientConfig))
    for (const { CiphertextBlob, Plaintext } of keys) {
      expect((await again.send(new DecryptCommand({ CiphertextBlob }))).Plaintext).toEqual(Plaintext)
    }
  })
})
