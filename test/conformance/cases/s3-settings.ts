import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutPublicAccessBlockCommand
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { type ConformanceCase, caseOf, refused } from '../case.ts'
import type { World } from '../world.ts'

/** Denies everybody what comes without TLS: nothing that the cases do on AWS. */
const policyOf = (Bucket: string, further: object = {}) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OnlyTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        ...further
      }
    ]
  })

const putPolicy = ({ s3 }: World, Bucket: string, Policy: string) =>
  s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))

const rulesOf = async ({ s3 }: World, Bucket: string) =>
  (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules

export const s3SettingCases: readonly ConformanceCase[] = [
  caseOf('s3.policy.life', 'a policy is kept, told and deleted', async world => {
    const Bucket = await world.bucket()
    const get = () => world.s3.send(new GetBucketPolicyCommand({ Bucket }))
    await refused(get(), 'NoSuchBucketPolicy')
    await putPolicy(world, Bucket, policyOf(Bucket))
    expect(JSON.parse((await get()).Policy!)).toEqual(JSON.parse(policyOf(Bucket)))
    const { PolicyStatus } = await world.s3.send(new GetBucketPolicyStatusCommand({ Bucket }))
    expect(PolicyStatus?.IsPublic).toBe(false)
    await world.s3.send(new DeleteBucketPolicyCommand({ Bucket }))
    await refused(get(), 'NoSuchBucketPolicy')
  }),
  caseOf(
    's3.policy.malformed',
    'a policy that is no JSON, or of another bucket, is MalformedPolicy',
    async world => {
      const Bucket = await world.bucket()
      await refused(putPolicy(world, Bucket, 'no policy'), 'MalformedPolicy')
      const resource = { Resource: 'arn:aws:s3:::another-bucket-than-this/*' }
      await refused(putPolicy(world, Bucket, policyOf(Bucket, resource)), 'MalformedPolicy')
    }
  ),
  caseOf('s3.policy.public', 'a new bucket refuses a policy that is public', async world => {
    const Bucket = await world.bucket()
    const policy = policyOf(Bucket, { Effect: 'Allow', Condition: undefined })
    await refused(putPolicy(world, Bucket, policy), 'AccessDenied')
  }),
  caseOf(
    's3.encryption.default',
    'a new bucket encrypts by AES256, and says so of its objects',
    async world => {
      const Bucket = await world.bucket()
      expect(await rulesOf(world, Bucket)).toMatchObject([
        { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
      ])
      await world.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))
      const head = await world.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
      expect(head.ServerSideEncryption).toBe('AES256')
    }
  ),
  caseOf('s3.encryption.kms', 'objects take the key of their bucket, and name it', async world => {
    const Bucket = await world.bucket()
    const key = await world.key()
    await world.s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
              BucketKeyEnabled: true
            }
          ]
        }
      })
    )
    await world.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))
    const head = await world.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
    expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', BucketKeyEnabled: true })
    expect(head.SSEKMSKeyId).toContain(key)
    await world.s3.send(new DeleteBucketEncryptionCommand({ Bucket }))
    expect(await rulesOf(world, Bucket)).toMatchObject([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
    ])
  }),
  caseOf(
    's3.setting.public-access',
    'a new bucket blocks all public access, until that is deleted',
    async world => {
      const Bucket = await world.bucket()
      const get = async () =>
        (await world.s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration
      const all = {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true
      }
      expect(await get()).toEqual(all)
      const further = { ...all, RestrictPublicBuckets: false }
      await world.s3.send(
        new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: further })
      )
      expect(await get()).toEqual(further)
      await world.s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
      await refused(get(), 'NoSuchPublicAccessBlockConfiguration')
    }
  ),
  caseOf(
    's3.setting.missing',
    'tags, CORS, lifecycle and lock of a new bucket are each an error',
    async world => {
      const at = { Bucket: await world.bucket() }
      await refused(world.s3.send(new GetBucketTaggingCommand(at)), 'NoSuchTagSet')
      await refused(world.s3.send(new GetBucketCorsCommand(at)), 'NoSuchCORSConfiguration')
      await refused(
        world.s3.send(new GetBucketLifecycleConfigurationCommand(at)),
        'NoSuchLifecycleConfiguration'
      )
      await refused(
        world.s3.send(new GetObjectLockConfigurationCommand(at)),
        'ObjectLockConfigurationNotFoundError'
      )
    }
  ),
  caseOf('s3.lock.legal-hold', 'a version on legal hold stays, and so does versioning', async world => {
    const Bucket = world.name()
    await world.s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    world.atEnd(() => world.s3.send(new DeleteBucketCommand({ Bucket })))
    const at = { Bucket, Key: 'a' }
    const { VersionId } = await world.s3.send(
      new PutObjectCommand({ ...at, Body: 'x', ObjectLockLegalHoldStatus: 'ON' })
    )
    const remove = () => world.s3.send(new DeleteObjectCommand({ ...at, VersionId }))
    await refused(remove(), 'AccessDenied')
    await refused(
      world.s3.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } })
      ),
      'InvalidBucketState'
    )
    await world.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'OFF' } }))
    await remove()
  })
]
