import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  type ObjectLockRetention,
  type ObjectLockRule,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { opened, openLocal } from '../helpers/local.ts'

const Bucket = 'bucket'
const at = { Bucket, Key: 'k' }
const dayMs = 86_400_000

async function start({ isLocked = true }: { readonly isLocked?: boolean } = {}) {
  const local = await openLocal({ clock: 'virtual' })
  const client = opened(new S3Client({ ...local.clientConfig('s3'), maxAttempts: 1 }))
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: isLocked }))
  const put = async (more: object = {}) =>
    (await client.send(new PutObjectCommand({ ...at, Body: 'text', ...more }))).VersionId!
  const remove = (VersionId?: string, BypassGovernanceRetention?: boolean) =>
    client.send(new DeleteObjectCommand({ ...at, VersionId, BypassGovernanceRetention }))
  const configure = (Rule?: ObjectLockRule) =>
    client.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule }
      })
    )
  const retain = (Retention: ObjectLockRetention, BypassGovernanceRetention?: boolean) =>
    client.send(new PutObjectRetentionCommand({ ...at, Retention, BypassGovernanceRetention }))
  const inDays = (days: number) => new Date(local.clock.wallTime() + days * dayMs)
  return { local, client, put, remove, configure, retain, inDays }
}

const isProtected = {
  name: 'AccessDenied',
  message: 'Access Denied because object protected by object lock.'
}

describe('object locks of S3', () => {
  it('are given by the default of the bucket, and end with their time', async () => {
    const { local, client, put, remove, configure } = await start()
    await configure({ DefaultRetention: { Mode: 'COMPLIANCE', Days: 2 } })
    const { ObjectLockConfiguration } = await client.send(new GetObjectLockConfigurationCommand({ Bucket }))
    expect(ObjectLockConfiguration).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 2 } }
    })
    const untilMs = local.clock.wallTime() + 2 * dayMs
    const version = await put()
    expect(await client.send(new HeadObjectCommand(at))).toMatchObject({
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: new Date(untilMs)
    })
    await expect(remove(version, true)).rejects.toMatchObject(isProtected)
    // A delete marker is no harm to it.
    const { VersionId: marker } = await remove()
    await remove(marker)
    await local.clock.advance(2 * dayMs)
    await remove(version)
  })

  it('of governance give way to who may bypass them', async () => {
    const { put, remove, inDays } = await start()
    const version = await put({
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: inDays(1)
    })
    await expect(remove(version)).rejects.toMatchObject(isProtected)
    await remove(version, true)
  })

  it('are made longer by everybody, and shorter in governance mode with a bypass alone', async () => {
    const { client, put, retain, inDays } = await start()
    await put()
    await expect(client.send(new GetObjectRetentionCommand(at))).rejects.toMatchObject({
      name: 'NoSuchObjectLockConfiguration'
    })
    await retain({ Mode: 'GOVERNANCE', RetainUntilDate: inDays(2) })
    await retain({ Mode: 'GOVERNANCE', RetainUntilDate: inDays(3) })
    const shorter = { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) } as const
    await expect(retain(shorter)).rejects.toMatchObject(isProtected)
    await expect(retain({})).rejects.toMatchObject(isProtected)
    await retain(shorter, true)
    const { Retention } = await client.send(new GetObjectRetentionCommand(at))
    expect(Retention).toEqual(shorter)
    await retain({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(2) }, true)
    for (const change of [shorter, {}, { Mode: 'GOVERNANCE', RetainUntilDate: inDays(9) } as const]) {
      await expect(retain(change, true)).rejects.toMatchObject(isProtected)
    }
    await expect(retain({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(-1) })).rejects.toMatchObject({
      name: 'InvalidArgument'
    })
  })

  it('by a legal hold last until it is lifted', async () => {
    const { client, put, remove } = await start()
    const version = await put({ ObjectLockLegalHoldStatus: 'ON' })
    await expect(remove(version, true)).rejects.toMatchObject(isProtected)
    const hold = async () => (await client.send(new GetObjectLegalHoldCommand(at))).LegalHold?.Status
    expect(await hold()).toBe('ON')
    await client.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'OFF' } }))
    expect(await hold()).toBe('OFF')
    await remove(version)
  })

  it('keep one of several versions from being deleted, and none of the others', async () => {
    const { client, put } = await start()
    const locked = await put({ ObjectLockLegalHoldStatus: 'ON' })
    const free = await put()
    const Objects = [locked, free].map(VersionId => ({ Key: 'k', VersionId }))
    const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted).toEqual([{ Key: 'k', VersionId: free }])
    expect(Errors).toEqual([
      { Key: 'k', VersionId: locked, Code: 'AccessDenied', Message: isProtected.message }
    ])
  })

  it('are of buckets with versioning, which stays on', async () => {
    const { client, put, retain, configure, inDays } = await start({ isLocked: false })
    await put()
    await expect(client.send(new GetObjectLockConfigurationCommand({ Bucket }))).rejects.toMatchObject({
      name: 'ObjectLockConfigurationNotFoundError'
    })
    await expect(configure()).rejects.toMatchObject({ name: 'InvalidBucketState' })
    const retention = { Mode: 'GOVERNANCE', RetainUntilDate: inDays(1) } as const
    await expect(retain(retention)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'Bucket is missing Object Lock Configuration'
    })
    await expect(put({ ObjectLockLegalHoldStatus: 'ON' })).rejects.toMatchObject({ name: 'InvalidRequest' })
    const version = (Status: 'Enabled' | 'Suspended') =>
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
    await version('Enabled')
    await configure()
    await retain(retention)
    await expect(version('Suspended')).rejects.toMatchObject({ name: 'InvalidBucketState' })
  })

  it('want a digest with the object', async () => {
    const { local, configure } = await start()
    await configure({ DefaultRetention: { Mode: 'GOVERNANCE', Years: 1 } })
    const answer = await fetch(`${local.endpoints.s3}/${Bucket}/k`, { method: 'PUT', body: 'text' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('Content-MD5 OR x-amz-checksum- HTTP header is required')
  })

  it.each([
    ['days and years', { Mode: 'GOVERNANCE', Days: 1, Years: 1 }, 'MalformedXML'],
    ['no period', { Mode: 'GOVERNANCE' }, 'MalformedXML'],
    ['no days', { Mode: 'GOVERNANCE', Days: 0 }, 'InvalidArgument'],
    ['101 years', { Mode: 'GOVERNANCE', Years: 101 }, 'InvalidArgument']
  ] as const)('have no default of %s', async (_, DefaultRetention, name) => {
    const { configure } = await start()
    await expect(configure({ DefaultRetention })).rejects.toMatchObject({ name })
  })
})
