import {
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type GrantConstraints,
  type GrantOperation,
  type KMSClient,
  ListGrantsCommand,
  ListKeysCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RetireGrantCommand,
  RevokeGrantCommand
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import type { LocalAuthorization, LocalDecision } from '../../local/index.ts'
import { createKmsEngine } from '../../local/kms/engine.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openKms } from '../helpers/local-kms.ts'

/** `local` may do everything; of the others no policy speaks. */
function onlyLocal({ principal }: LocalAuthorization): LocalDecision {
  return principal === 'local' ? 'allow' : 'implicitDeny'
}

const context = { stream: 's', tenant: 't' }
const Plaintext = Buffer.from('secret')

function encrypt(client: KMSClient, KeyId: string, EncryptionContext: Record<string, string> = context) {
  return client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }))
}

describe('the decision function of the KMS engine', () => {
  it('is asked with all that a policy may speak of', async () => {
    const asked: LocalAuthorization[] = []
    const { client, clientOf, createKey } = await openKms({
      authorize: request => {
        asked.push(request)
        return 'allow'
      }
    })
    const [a, b] = [await createKey(), await createKey()]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await client.send(new PutKeyPolicyCommand({ KeyId: b.keyId, Policy }))
    const { CiphertextBlob } = await encrypt(client, a.keyId)
    const { GrantToken: token } = await client.send(
      new CreateGrantCommand({ KeyId: a.keyId, GranteePrincipal: 'p', Operations: ['Decrypt'] })
    )
    asked.length = 0
    await clientOf({ accessKeyId: 'AKIAP' }).send(
      new ReEncryptCommand({
        CiphertextBlob,
        SourceEncryptionContext: context,
        DestinationKeyId: b.keyId,
        GrantTokens: [token!]
      })
    )
    const common = { service: 'kms', principal: 'AKIAP', grantTokens: [token] }
    const always = { 'aws:SecureTransport': 'true', 'aws:ViaAWSService': 'false' }
    expect(asked).toEqual([
      {
        ...common,
        action: 'kms:ReEncryptFrom',
        resource: a.arn,
        resourcePolicy: expect.stringContaining('kms:*'),
        context: { ...always, 'kms:EncryptionContext:stream': 's', 'kms:EncryptionContext:tenant': 't' }
      },
      { ...common, action: 'kms:ReEncryptTo', resource: b.arn, resourcePolicy: Policy, context: always }
    ])
    asked.length = 0
    await client.send(new ListKeysCommand({}))
    expect(asked).toMatchObject([{ action: 'kms:ListKeys', resource: '*', resourcePolicy: undefined }])
  })

  it('refuses in the words of AWS, and before the state of the key is told', async () => {
    let answer: LocalDecision = 'allow'
    const { client, createKey } = await openKms({ authorize: async () => answer })
    const { keyId, arn } = await createKey()
    const { CiphertextBlob } = await encrypt(client, keyId)
    answer = 'deny'
    await expect(encrypt(client, keyId)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: arn:aws:iam::000000000000:user/local is not authorized to perform: kms:Encrypt on resource: ${arn} with an explicit deny in a resource-based policy`
    })
    answer = 'implicitDeny'
    await expect(client.send(new DescribeKeyCommand({ KeyId: keyId }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('because no resource-based policy allows the kms:DescribeKey action')
    })
    await expect(client.send(new CreateKeyCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException'
    })
    // Whoever does not name the key is not told that it is there.
    const refused = expect.objectContaining({
      name: 'AccessDeniedException',
      message: expect.stringMatching(/^The ciphertext refers to a customer master key that does not exist/)
    })
    await expect(
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))
    ).rejects.toEqual(refused)
  })

  it('hears of the service that asks for its caller', async () => {
    const engine = createKmsEngine({
      clock: new FakeClock(),
      region: 'us-east-1',
      accountId: '000000000000',
      authorize: ({ action, context }) =>
        action !== 'kms:GenerateDataKey' || context['kms:ViaService'] === 's3.us-east-1.amazonaws.com'
          ? 'allow'
          : 'deny'
    })
    const { KeyMetadata: key } = (await engine.call('CreateKey', {})) as { KeyMetadata: { KeyId: string } }
    const input = { KeyId: key.KeyId, KeySpec: 'AES_256' }
    const generate = (viaService?: string) => engine.call('GenerateDataKey', input, { viaService })
    await expect(generate()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(generate('s3.us-east-1.amazonaws.com')).resolves.toHaveProperty('Plaintext')
    expect(engine.store.requests.at(-1)).toMatchObject({
      operation: 'GenerateDataKey',
      viaService: 's3.us-east-1.amazonaws.com',
      error: undefined
    })
  })
})

describe('grants of the KMS engine', () => {
  async function granted(Operations: GrantOperation[], Constraints?: GrantConstraints) {
    const kms = await openKms({ authorize: onlyLocal })
    const { keyId, arn } = await kms.createKey()
    const grant = await kms.client.send(
      new CreateGrantCommand({
        KeyId: keyId,
        GranteePrincipal: 'arn:aws:iam::000000000000:user/AKIAWORKER',
        RetiringPrincipal: 'AKIARETIRER',
        Operations,
        Constraints
      })
    )
    return { ...kms, keyId, arn, grant, worker: kms.clientOf({ accessKeyId: 'AKIAWORKER' }) }
  }

  it('allow what they say, to whom they say, at once and until they are revoked', async () => {
    const { client, clientOf, worker, keyId, grant } = await granted(['Encrypt'])
    await encrypt(worker, keyId)
    await expect(encrypt(clientOf({ accessKeyId: 'AKIAOTHER' }), keyId)).rejects.toMatchObject({
      name: 'AccessDeniedException'
    })
    await expect(
      worker.send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
    ).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await client.send(new RevokeGrantCommand({ KeyId: keyId, GrantId: grant.GrantId }))
    await expect(encrypt(worker, keyId)).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })

  it('give way to an explicit deny', async () => {
    const { client, createKey } = await openKms({
      authorize: ({ action }) => (action === 'kms:Encrypt' ? 'deny' : 'allow')
    })
    const { keyId: KeyId } = await createKey()
    await client.send(new CreateGrantCommand({ KeyId, GranteePrincipal: 'local', Operations: ['Encrypt'] }))
    await expect(encrypt(client, KeyId)).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })

  it.each([
    ['EncryptionContextEquals', context, [context], [{}, { stream: 's' }, { ...context, more: '1' }]],
    [
      'EncryptionContextSubset',
      { stream: 's' },
      [{ stream: 's' }, context],
      [{}, { tenant: 't' }, { ...context, stream: 'other' }]
    ]
  ])('hold callers to the context of %s', async (constraint, pairs, allowed, refused) => {
    const { worker, keyId } = await granted(['Encrypt', 'DescribeKey'], { [constraint]: pairs })
    for (const good of allowed as Record<string, string>[]) await encrypt(worker, keyId, good)
    for (const bad of refused as Record<string, string>[]) {
      await expect(encrypt(worker, keyId, bad), JSON.stringify(bad)).rejects.toMatchObject({
        name: 'AccessDeniedException'
      })
    }
    // DescribeKey has no context to be held to.
    await worker.send(new DescribeKeyCommand({ KeyId: keyId }))
  })

  it.each([
    [['Encrypt'], { EncryptionContextSubset: context }, true],
    [['Encrypt'], { EncryptionContextEquals: context }, true],
    [['Encrypt'], { EncryptionContextSubset: { stream: 's' } }, true],
    [['Encrypt'], { EncryptionContextSubset: { tenant: 't' } }, false],
    [['Encrypt'], undefined, false],
    [['Encrypt', 'Decrypt'], { EncryptionContextSubset: context }, false]
  ] as const)(
    'are passed on by who has them, never widened: %j under %j',
    async (operations, constraints, isAllowed) => {
      const { worker, clientOf, keyId } = await granted(['Encrypt', 'CreateGrant'], {
        EncryptionContextSubset: { stream: 's' }
      })
      const passing = worker.send(
        new CreateGrantCommand({
          KeyId: keyId,
          GranteePrincipal: 'AKIACHILD',
          Operations: [...operations],
          Constraints: constraints
        })
      )
      if (!isAllowed) {
        await expect(passing).rejects.toMatchObject({ name: 'AccessDeniedException' })
        return
      }
      await passing
      await encrypt(clientOf({ accessKeyId: 'AKIACHILD' }), keyId)
    }
  )

  it('cannot be passed on wider than an exact context', async () => {
    const { worker, keyId } = await granted(['Encrypt', 'CreateGrant'], { EncryptionContextEquals: context })
    const pass = (Constraints: GrantConstraints) =>
      worker.send(
        new CreateGrantCommand({ KeyId: keyId, GranteePrincipal: 'p', Operations: ['Encrypt'], Constraints })
      )
    await pass({ EncryptionContextEquals: context })
    for (const wider of [
      { EncryptionContextSubset: context },
      { EncryptionContextEquals: { ...context, more: '1' } },
      { EncryptionContextEquals: { stream: 's' } }
    ]) {
      await expect(pass(wider), JSON.stringify(wider)).rejects.toMatchObject({
        name: 'AccessDeniedException'
      })
    }
  })

  it('are listed, found again by their name, and refused for what the key cannot do', async () => {
    const { client, keyId, arn, grant } = await granted(['Encrypt'], { EncryptionContextSubset: context })
    const { Grants: grants } = await client.send(new ListGrantsCommand({ KeyId: keyId }))
    expect(grants).toMatchObject([
      {
        KeyId: arn,
        GrantId: grant.GrantId,
        GranteePrincipal: 'arn:aws:iam::000000000000:user/AKIAWORKER',
        RetiringPrincipal: 'AKIARETIRER',
        Operations: ['Encrypt'],
        Constraints: { EncryptionContextSubset: context }
      }
    ])
    const named = {
      KeyId: keyId,
      GranteePrincipal: 'p',
      Operations: ['Decrypt'],
      Name: 'n'
    } satisfies CreateGrantCommand['input']
    const [first, again] = [
      await client.send(new CreateGrantCommand(named)),
      await client.send(new CreateGrantCommand(named))
    ]
    expect(again.GrantId).toBe(first.GrantId)
    expect(again.GrantToken).not.toBe(first.GrantToken)
    const page = await client.send(new ListGrantsCommand({ KeyId: keyId, Limit: 1 }))
    expect(page).toMatchObject({ Truncated: true, NextMarker: expect.any(String) })
    const rest = await client.send(new ListGrantsCommand({ KeyId: keyId, Marker: page.NextMarker }))
    expect(rest.Grants!.map(({ Name }) => Name)).toEqual(['n'])
    await expect(
      client.send(new CreateGrantCommand({ ...named, Operations: ['Sign'] }))
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('are retired by the one who may, by id or token', async () => {
    const { client, clientOf, worker, keyId, arn, grant } = await granted(['Encrypt'])
    const retirer = clientOf({ accessKeyId: 'AKIARETIRER' })
    const retirable = async () =>
      (await client.send(new ListRetirableGrantsCommand({ RetiringPrincipal: 'AKIARETIRER' }))).Grants!
    expect(await retirable()).toMatchObject([{ KeyId: arn, GrantId: grant.GrantId }])
    const byToken = new RetireGrantCommand({ GrantToken: grant.GrantToken })
    await expect(worker.send(byToken)).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await retirer.send(new RetireGrantCommand({ KeyId: arn, GrantId: grant.GrantId, DryRun: true })).then(
      () => expect.unreachable(),
      error => expect(error).toMatchObject({ name: 'DryRunOperationException' })
    )
    await encrypt(worker, keyId)
    await retirer.send(byToken)
    expect(await retirable()).toEqual([])
    await expect(encrypt(worker, keyId)).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(retirer.send(byToken)).rejects.toMatchObject({ name: 'InvalidGrantTokenException' })
  })

  it('have tokens that are accepted while the grant lives', async () => {
    const { client, keyId, worker, grant } = await granted(['Encrypt'])
    const withToken = (token: string) =>
      worker.send(new EncryptCommand({ KeyId: keyId, Plaintext, GrantTokens: [token] }))
    await withToken(grant.GrantToken!)
    await expect(withToken('made up')).rejects.toMatchObject({ name: 'InvalidGrantTokenException' })
    await client.send(new RevokeGrantCommand({ KeyId: keyId, GrantId: grant.GrantId }))
    await expect(withToken(grant.GrantToken!)).rejects.toMatchObject({ name: 'InvalidGrantTokenException' })
  })
})

describe('the KMS engine', () => {
  it('rehearses: a dry run fails as the request would, or says that it would have succeeded', async () => {
    const { client, createKey } = await openKms()
    const { keyId: KeyId } = await createKey()
    const { CiphertextBlob } = await encrypt(client, KeyId)
    const rehearse = (EncryptionContext: Record<string, string>) =>
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, DryRun: true }))
    await expect(rehearse(context)).rejects.toMatchObject({
      name: 'DryRunOperationException',
      $metadata: { httpStatusCode: 412 }
    })
    await expect(rehearse({})).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    const create = new CreateGrantCommand({
      KeyId,
      GranteePrincipal: 'p',
      Operations: ['Decrypt'],
      DryRun: true
    })
    await expect(client.send(create)).rejects.toMatchObject({ name: 'DryRunOperationException' })
    expect((await client.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([])
  })

  it('rehearses a Decrypt without a ciphertext, which asks about the permission alone', async () => {
    const { client, clientOf, createKey } = await openKms({ authorize: onlyLocal })
    const { keyId: KeyId } = await createKey()
    const input = { KeyId, DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT' as const] }
    const rehearse = (from: KMSClient) => from.send(new DecryptCommand(input))
    await expect(rehearse(client)).rejects.toMatchObject({ name: 'DryRunOperationException' })
    await expect(rehearse(clientOf({ accessKeyId: 'other' }))).rejects.toMatchObject({
      name: 'AccessDeniedException'
    })
    await expect(client.send(new DecryptCommand({ ...input, DryRun: false }))).rejects.toMatchObject({
      name: 'ValidationException'
    })
    await client.send(new DisableKeyCommand({ KeyId }))
    await expect(rehearse(client)).rejects.toMatchObject({ name: 'DisabledException' })
  })

  it('logs who asked for what, with names of contexts, and nothing that is secret', async () => {
    const clock = new FakeClock()
    const { local, client, clientOf, createKey } = await openKms({ clock, authorize: onlyLocal })
    const { keyId, arn } = await createKey()
    const secretContext = { stream: 'context-value-1', tenant: 'context-value-2' }
    const { CiphertextBlob } = await encrypt(client, keyId, secretContext)
    await expect(
      clientOf({ accessKeyId: 'AKIAOTHER' }).send(
        new DecryptCommand({ KeyId: keyId, CiphertextBlob, EncryptionContext: { tenant: 'context-value-2' } })
      )
    ).rejects.toThrow()
    await client.send(
      new ReEncryptCommand({
        CiphertextBlob,
        SourceEncryptionContext: secretContext,
        DestinationKeyId: keyId,
        DestinationEncryptionContext: { purpose: 'context-value-3' }
      })
    )
    const common = { atMs: clock.wallTime(), region: 'us-east-1', viaService: undefined, error: undefined }
    expect(local.kmsRequestLog()).toEqual([
      { ...common, operation: 'CreateKey', principal: 'local', keyArns: [arn], contextNames: [] },
      {
        ...common,
        operation: 'Encrypt',
        principal: 'local',
        keyArns: [arn],
        contextNames: ['stream', 'tenant']
      },
      {
        ...common,
        operation: 'Decrypt',
        principal: 'AKIAOTHER',
        keyArns: [arn],
        contextNames: ['tenant'],
        error: 'AccessDeniedException'
      },
      {
        ...common,
        operation: 'ReEncrypt',
        principal: 'local',
        keyArns: [arn],
        contextNames: ['purpose', 'stream', 'tenant']
      }
    ])
    expect(local.kmsRequests()).toBe(4)
    const written = JSON.stringify(local.kmsRequestLog())
    expect(written).not.toContain('context-value')
    expect(written).not.toContain(Plaintext.toString('base64'))
    expect(written).not.toContain(Buffer.from(CiphertextBlob!).toString('base64'))
  })

  it('throttles cryptographic requests beyond its quota, and no others', async () => {
    const clock = new FakeClock()
    const { client, createKey } = await openKms({ clock, kmsRequestsPerSecond: 3 })
    const { keyId } = await createKey()
    for (let request = 0; request < 3; request += 1) await encrypt(client, keyId)
    await expect(encrypt(client, keyId)).rejects.toMatchObject({ name: 'ThrottlingException' })
    await client.send(new DescribeKeyCommand({ KeyId: keyId }))
    await clock.advance(500)
    await encrypt(client, keyId)
    await expect(encrypt(client, keyId)).rejects.toMatchObject({ name: 'ThrottlingException' })
    await clock.advance(60_000)
    for (let request = 0; request < 3; request += 1) await encrypt(client, keyId)
    await expect(encrypt(client, keyId)).rejects.toMatchObject({ name: 'ThrottlingException' })
  })
})
