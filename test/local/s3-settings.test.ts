import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { S3Store } from '../../local/s3/store.ts'
import { opened, openLocal } from '../helpers/local.ts'

const Bucket = 'bucket'
const at = { Bucket }

async function start() {
  const local = await openLocal({ clock: 'virtual' })
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand(at))
  const putPolicy = (policy: unknown) =>
    client.send(
      new PutBucketPolicyCommand({
        ...at,
        Policy: typeof policy === 'string' ? policy : JSON.stringify(policy)
      })
    )
  return { local, client, putPolicy }
}

const statement = {
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
  Condition: { Bool: { 'aws:SecureTransport': 'false' } }
}
const policyOf = (...further: object[]) => ({
  Version: '2012-10-17',
  Statement: further.map(one => ({ ...statement, ...one }))
})

describe('settings of S3 buckets', () => {
  it('are not public, and the owner has what is in it, from the start', async () => {
    const { client } = await start()
    expect((await client.send(new GetPublicAccessBlockCommand(at))).PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true
    })
    expect((await client.send(new GetBucketOwnershipControlsCommand(at))).OwnershipControls?.Rules).toEqual([
      { ObjectOwnership: 'BucketOwnerEnforced' }
    ])
    expect((await client.send(new GetBucketLocationCommand(at))).LocationConstraint).toBeUndefined()
    const { Grants, Owner } = await client.send(new GetBucketAclCommand(at))
    expect(Grants).toEqual([{ Grantee: { Type: 'CanonicalUser', ...Owner }, Permission: 'FULL_CONTROL' }])
  })

  it('keep the access block, the ownership and the tags that they are given, and forget them', async () => {
    const { client } = await start()
    await client.send(
      new PutPublicAccessBlockCommand({
        ...at,
        PublicAccessBlockConfiguration: { BlockPublicPolicy: true }
      })
    )
    const block = new GetPublicAccessBlockCommand(at)
    expect((await client.send(block)).PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: false,
      IgnorePublicAcls: false,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: false
    })
    await client.send(new DeletePublicAccessBlockCommand(at))
    await expect(client.send(block)).rejects.toMatchObject({
      name: 'NoSuchPublicAccessBlockConfiguration'
    })

    const Rules = [{ ObjectOwnership: 'ObjectWriter' } as const]
    await client.send(new PutBucketOwnershipControlsCommand({ ...at, OwnershipControls: { Rules } }))
    const ownership = new GetBucketOwnershipControlsCommand(at)
    expect((await client.send(ownership)).OwnershipControls?.Rules).toEqual(Rules)
    await client.send(new DeleteBucketOwnershipControlsCommand(at))
    await expect(client.send(ownership)).rejects.toMatchObject({
      name: 'OwnershipControlsNotFoundError'
    })

    const tagging = new GetBucketTaggingCommand(at)
    await expect(client.send(tagging)).rejects.toMatchObject({ name: 'NoSuchTagSet' })
    const TagSet = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: ' v ' }))
    await client.send(new PutBucketTaggingCommand({ ...at, Tagging: { TagSet } }))
    expect((await client.send(tagging)).TagSet).toEqual(TagSet)
    await client.send(new DeleteBucketTaggingCommand(at))
    await expect(client.send(tagging)).rejects.toMatchObject({ name: 'NoSuchTagSet' })
  })

  it('keep where logs would go, and no log comes', async () => {
    const { client } = await start()
    const logging = new GetBucketLoggingCommand(at)
    expect((await client.send(logging)).LoggingEnabled).toBeUndefined()
    const log = (TargetBucket: string) =>
      client.send(
        new PutBucketLoggingCommand({
          ...at,
          BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'p/' } }
        })
      )
    await expect(log('none-such')).rejects.toMatchObject({ name: 'InvalidTargetBucketForLogging' })
    await client.send(new CreateBucketCommand({ Bucket: 'logs' }))
    await log('logs')
    expect((await client.send(logging)).LoggingEnabled).toEqual({
      TargetBucket: 'logs',
      TargetPrefix: 'p/'
    })
    expect((await client.send(new ListObjectsV2Command({ Bucket: 'logs' }))).KeyCount).toBe(0)
    await client.send(new PutBucketLoggingCommand({ ...at, BucketLoggingStatus: {} }))
    expect((await client.send(logging)).LoggingEnabled).toBeUndefined()
  })

  it('keep rules for other origins, and answer to none of them', async () => {
    const { local, client } = await start()
    const cors = new GetBucketCorsCommand(at)
    await expect(client.send(cors)).rejects.toMatchObject({ name: 'NoSuchCORSConfiguration' })
    const put = (AllowedMethods: string[]) =>
      client.send(
        new PutBucketCorsCommand({
          ...at,
          CORSConfiguration: {
            CORSRules: [{ AllowedMethods, AllowedOrigins: ['https://a.example'], MaxAgeSeconds: 5 }]
          }
        })
      )
    await expect(put(['PATCH'])).rejects.toMatchObject({ name: 'InvalidRequest' })
    await put(['GET', 'PUT'])
    expect((await client.send(cors)).CORSRules).toEqual([
      { AllowedMethods: ['GET', 'PUT'], AllowedOrigins: ['https://a.example'], MaxAgeSeconds: 5 }
    ])
    const answer = await fetch(`${local.endpoints.s3}/${Bucket}?list-type=2`, {
      headers: { origin: 'https://a.example' }
    })
    expect(answer.headers.has('access-control-allow-origin')).toBe(false)
    await client.send(new DeleteBucketCorsCommand(at))
    await expect(client.send(cors)).rejects.toMatchObject({ name: 'NoSuchCORSConfiguration' })
  })

  it('keep the lifecycle of objects, and let none of them go', async () => {
    const { local, client } = await start()
    const lifecycle = new GetBucketLifecycleConfigurationCommand(at)
    await expect(client.send(lifecycle)).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' })
    const rule = { ID: 'a & b', Status: 'Enabled', Filter: { Prefix: '' } } as const
    const put = (Rules: object[]) =>
      client.send(
        new PutBucketLifecycleConfigurationCommand({
          ...at,
          LifecycleConfiguration: { Rules: Rules as never }
        })
      )
    await expect(put([rule])).rejects.toMatchObject({ name: 'InvalidRequest' })
    await expect(put([{ ...rule, Status: 'On' }])).rejects.toMatchObject({ name: 'MalformedXML' })
    await put([{ ...rule, Expiration: { Days: 1 } }])
    expect((await client.send(lifecycle)).Rules).toEqual([{ ...rule, Expiration: { Days: 1 } }])
    await client.send(new PutObjectCommand({ ...at, Key: 'k', Body: 'text' }))
    await local.clock.advance(3 * 86_400_000)
    expect((await client.send(new ListObjectsV2Command(at))).KeyCount).toBe(1)
    await client.send(new DeleteBucketLifecycleCommand(at))
    await expect(client.send(lifecycle)).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' })
  })

  it('keep the policy as it came', async () => {
    const { client, putPolicy } = await start()
    const get = new GetBucketPolicyCommand(at)
    const status = new GetBucketPolicyStatusCommand(at)
    await expect(client.send(get)).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' })
    await expect(client.send(status)).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' })
    const text = `${JSON.stringify(policyOf({}), null, 2)}\n`
    await putPolicy(text)
    expect((await client.send(get)).Policy).toBe(text)
    expect((await client.send(status)).PolicyStatus?.IsPublic).toBe(false)
    await client.send(new DeleteBucketPolicyCommand(at))
    await expect(client.send(get)).rejects.toMatchObject({ name: 'NoSuchBucketPolicy' })
  })

  it('tell the policy to whoever asks the store', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealstream-s3-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const store = new S3Store({ clock: systemClock, folder })
    await store.createBucket(Bucket)
    expect(store.policyOf(Bucket)).toBeUndefined()
    store.changeSettings(Bucket, { policy: '{}' })
    expect(store.policyOf(Bucket)).toBe('{}')
    expect(store.policyOf('none-such')).toBeUndefined()
  })

  it.each([
    ['no JSON', '{"Version"'],
    ['another first byte', ' {}'],
    ['no statement', {}],
    ['an empty list of statements', policyOf()],
    ['another version', { ...policyOf({}), Version: '2020-01-01' }],
    ['another effect', policyOf({ Effect: 'Maybe' })],
    ['no principal', policyOf({ Principal: undefined })],
    ['no action', policyOf({ Action: undefined })],
    ['an action of another service', policyOf({ Action: 'sqs:*' })],
    ['no resource', policyOf({ Resource: undefined })],
    ['another bucket', policyOf({ Resource: 'arn:aws:s3:::other/*' })],
    ['a condition without keys', policyOf({ Condition: { Bool: 'x' } })],
    ['more than 20 KiB', policyOf({ Sid: 'x'.repeat(20_481) })]
  ])('take no policy with %s', async (_, policy) => {
    const { putPolicy } = await start()
    await expect(putPolicy(policy)).rejects.toMatchObject({ name: 'MalformedPolicy' })
  })

  it.each([
    ['everybody', { Condition: undefined }, true],
    ['everybody, in a list', { Principal: { AWS: ['*'] }, Condition: undefined }, true],
    ['whoever uses TLS', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }, true],
    ['a wide network', { Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } } }, true],
    ['a network', { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }, false],
    ['a wide network of IPv6', { Condition: { IpAddress: { 'aws:SourceIp': '::/0' } } }, true],
    ['a network of IPv6', { Condition: { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } } }, false],
    ['an account', { Principal: { AWS: '111122223333' }, Condition: undefined }, false],
    ['any endpoint', { Condition: { StringLike: { 'aws:SourceVpce': 'vpce-*' } } }, true],
    ['an endpoint', { Condition: { StringEquals: { 'AWS:SourceVpce': 'vpce-1' } } }, false],
    ['all but one', { Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } } }, true]
  ])('tell whether a policy for %s is public, and block it', async (_, further, isPublic) => {
    const { client, putPolicy } = await start()
    const policy = policyOf({ Effect: 'Allow', ...further })
    const outcome = await putPolicy(policy).then(
      () => 'taken',
      (error: Error) => error.name
    )
    expect(outcome).toBe(isPublic ? 'AccessDenied' : 'taken')
    await client.send(new DeletePublicAccessBlockCommand(at))
    await putPolicy(policy)
    const { PolicyStatus } = await client.send(new GetBucketPolicyStatusCommand(at))
    expect(PolicyStatus?.IsPublic).toBe(isPublic)
  })
})
