import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  DynamodbLeaseTable,
  type DynamodbLeaseTableOptions
} from '../../../consumer/leases/dynamodb-lease-table.ts'
import { HeldLease } from '../../../consumer/leases/held-lease.ts'
import type { FleetTable } from '../../../consumer/leases/kcl3/fleet-table.ts'
import type { Lease } from '../../../consumer/leases/lease.ts'
import { systemClock } from '../../../core/clock.ts'
import type { Fault } from '../../../local/index.ts'
import { aLease } from '../../helpers/leases.ts'
import { opened, openLocal } from '../../helpers/local.ts'

async function open(options: Partial<DynamodbLeaseTableOptions> = {}) {
  const faults: { operation: string; fault: Fault }[] = []
  const local = await openLocal({
    faults: {
      dynamodb: operation => {
        const index = faults.findIndex(next => next.operation === operation)
        return index < 0 ? undefined : faults.splice(index, 1)[0]!.fault
      }
    }
  })
  const clientConfig = local.clientConfig('dynamodb')
  let nowMs = 0
  const table = new DynamodbLeaseTable({
    tableName: 'app',
    createTable: true,
    leaseProtocol: 'kcl3',
    clientConfig,
    callTimeoutMs: 3_000,
    clock: { ...systemClock, now: () => systemClock.now() + nowMs },
    ...options
  })
  onTestFinished(() => table.close())
  const client = opened(new DynamoDBClient(clientConfig))
  const documents = DynamoDBDocumentClient.from(client)
  const put = (Item: Record<string, unknown>, TableName = 'app') =>
    documents.send(new PutCommand({ TableName, Item }))
  const item = async (leaseKey: string) =>
    (await documents.send(new GetCommand({ TableName: 'app', Key: { leaseKey } }))).Item
  const rows = async (TableName: string) => (await documents.send(new ScanCommand({ TableName }))).Items ?? []
  const makeTable = (TableName: string, key: string) =>
    client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: key, KeyType: 'HASH' }]
      })
    )
  /** The tables of KCL 3.0 to 3.4. */
  const makeOwnTables = () =>
    Promise.all([makeTable('app-CoordinatorState', 'key'), makeTable('app-WorkerMetricStats', 'wid')])
  const fleet = table.fleet as FleetTable
  /** As it reads after the next scan, and after the pause between two looks at other tables. */
  const read = async () => {
    await table.list()
    nowMs += 10_000
    return fleet.read()
  }
  const lose = (operation: string): void => void faults.push({ operation, fault: { kind: 'loseAnswer' } })
  return { table, fleet, client, documents, put, item, rows, makeOwnTables, read, lose }
}

const lockOf = (ownerName: string, recordVersionNumber: string) => ({
  ownerName,
  recordVersionNumber,
  leaseDurationMs: 30_000,
  isReleased: false
})
const leaderRow = (recordVersionNumber: string) => ({
  entityType: 'LEADER',
  ownerName: 'me',
  leaseDuration: '30000',
  recordVersionNumber
})
const workerRow = (lut: number) => ({
  entityType: 'WORKER_METRIC_STATS',
  lut,
  sts: {},
  opr: {},
  sup: 1,
  slu: lut
})

describe('what a fleet keeps beside its leases', () => {
  it('lies in the lease table, as the KCL writes it, where there is no other', async () => {
    const { table, fleet, item, read } = await open()
    await table.ensure()
    await table.create(aLease('shard'))
    expect(await read()).toEqual({ lock: undefined, clientVersion: undefined, workers: [] })
    expect(await fleet.takeLock(lockOf('me', 'v1'), undefined)).toBe(true)
    expect(await fleet.takeLock(lockOf('other', 'v9'), undefined)).toBe(false)
    expect(await item('Leader')).toEqual({ leaseKey: 'Leader', ...leaderRow('v1') })
    expect(await fleet.keepLock(lockOf('me', 'v1'), 'v2')).toBe(true)
    expect(await fleet.keepLock(lockOf('me', 'v1'), 'v3')).toBe(false)
    expect(await item('Leader')).toEqual({ leaseKey: 'Leader', ...leaderRow('v2') })
    expect(await fleet.publish('me', 1_700_000_000, undefined)).toBe(true)
    expect(await item('me')).toEqual({ leaseKey: 'me', ...workerRow(1_700_000_000) })
    await fleet.declare('CLIENT_VERSION_3X', 'me')
    await fleet.declare('CLIENT_VERSION_2X', 'other')
    expect(await item('Migration3.0')).toEqual({
      leaseKey: 'Migration3.0',
      entityType: 'CLIENT_VERSION_MIGRATION',
      cv: 'CLIENT_VERSION_3X',
      mb: 'me',
      mts: expect.any(Number)
    })
    expect(await read()).toEqual({
      lock: lockOf('me', 'v2'),
      clientVersion: 'CLIENT_VERSION_3X',
      workers: [{ workerId: 'me', updatedSeconds: 1_700_000_000, metrics: new Map(), limits: new Map() }]
    })
    // None of it is taken for a lease.
    expect((await table.list()).map(({ leaseKey }) => leaseKey)).toEqual(['shard'])
    await fleet.giveLockBack(lockOf('me', 'v1'))
    expect(await item('Leader')).toBeDefined()
    await fleet.giveLockBack(lockOf('me', 'v2'))
    await fleet.withdraw('me')
    expect(await item('Leader')).toBeUndefined()
    expect(await item('me')).toBeUndefined()
  })

  it('is read as a KCL on EC2 writes it', async () => {
    const { table, put, read } = await open()
    await table.ensure()
    await put({
      leaseKey: 'java',
      entityType: 'WORKER_METRIC_STATS',
      lut: 1_700_000_000,
      sts: { C: [12.5, -1, 30], M: [40] },
      opr: { C: [80], M: [70] },
      properties: { later: 'more' },
      sup: 1,
      slu: 1_700_000_000
    })
    await put({
      leaseKey: 'Leader',
      entityType: 'LEADER',
      ownerName: 'java',
      leaseDuration: '120000',
      recordVersionNumber: 'u',
      isReleased: '1'
    })
    const { lock, workers } = await read()
    expect(lock).toEqual({
      ownerName: 'java',
      leaseDurationMs: 120_000,
      recordVersionNumber: 'u',
      isReleased: true
    })
    expect(workers).toEqual([
      {
        workerId: 'java',
        updatedSeconds: 1_700_000_000,
        metrics: new Map([
          ['C', [12.5, -1, 30]],
          ['M', [40]]
        ]),
        limits: new Map([
          ['C', 80],
          ['M', 70]
        ])
      }
    ])
  })

  it('lies in the tables of KCL 3.0 to 3.4 where those are, and moves only as far as everyone can follow', async () => {
    for (const migrateAllEntitiesToLeaseTable of [false, true]) {
      const { table, fleet, client, put, item, rows, makeOwnTables, read } = await open({
        migrateAllEntitiesToLeaseTable
      })
      await table.ensure()
      await makeOwnTables()
      await put({ key: 'Migration3.0', cv: 'CLIENT_VERSION_3X', mb: 'java', mts: 1 }, 'app-CoordinatorState')
      expect(await read()).toMatchObject({ lock: undefined, clientVersion: 'CLIENT_VERSION_3X' })
      await fleet.takeLock(lockOf('me', 'v1'), undefined)
      await fleet.publish('me', 1, undefined)
      await fleet.declare('CLIENT_VERSION_2X', 'me')
      expect(await rows('app-CoordinatorState')).toEqual(
        expect.arrayContaining([
          { key: 'Leader', ...leaderRow('v1') },
          { key: 'Migration3.0', cv: 'CLIENT_VERSION_3X', mb: 'java', mts: 1 }
        ])
      )
      expect(await rows('app-WorkerMetricStats')).toEqual([{ wid: 'me', ...workerRow(1) }])
      // Older workers scan this table: not one row that is no lease.
      expect(await rows('app')).toEqual([])

      const migrateTo = (status: string) =>
        put(
          { key: 'TableMigration3.5', entityType: 'TABLE_MIGRATION', tm: status, mb: 'java', mts: 1 },
          'app-CoordinatorState'
        )
      await migrateTo('TABLE_MIGRATION_STATUS_DEPLOYED')
      await read()
      await fleet.publish('me', 2, undefined)
      expect((await item('me'))?.lut).toBe(migrateAllEntitiesToLeaseTable ? 2 : undefined)
      await migrateTo('TABLE_MIGRATION_STATUS_PENDING')
      await read()
      await fleet.publish('me', 3, undefined)
      expect((await item('me'))?.lut).toBe(3)
      // Both places are read, and the later row counts.
      expect((await read()).workers).toMatchObject([{ workerId: 'me', updatedSeconds: 3 }])
      expect(await fleet.keepLock(lockOf('me', 'v1'), 'v2')).toBe(true)
      expect(await item('Leader')).toBeUndefined()

      await migrateTo('TABLE_MIGRATION_STATUS_COMPLETE')
      await put({ leaseKey: 'Migration3.0', entityType: 'CLIENT_VERSION_MIGRATION', cv: 'CLIENT_VERSION_3X' })
      expect(await read()).toMatchObject({ lock: undefined, clientVersion: 'CLIENT_VERSION_3X' })
      await fleet.takeLock(lockOf('me', 'v1'), undefined)
      expect(await item('Leader')).toBeDefined()
      // Nothing is asked of the old tables any more.
      for (const name of ['CoordinatorState', 'WorkerMetricStats']) {
        await client.send(new DeleteTableCommand({ TableName: `app-${name}` }))
      }
      expect(await read()).toMatchObject({ lock: lockOf('me', 'v1') })
    }
  })

  it('tells a worker from another under its id, but not from itself', async () => {
    const { table, fleet, lose, item } = await open()
    await table.ensure()
    await fleet.publish('me', 10, undefined)
    expect(await fleet.publish('me', 40, 10)).toBe(true)
    // The client repeats what it has no answer to.
    lose('UpdateItem')
    expect(await fleet.publish('me', 70, 40)).toBe(true)
    expect(await fleet.publish('me', 71, 40)).toBe(false)
    expect((await item('me'))?.lut).toBe(70)
    // A leader may have removed it.
    await fleet.withdraw('me')
    expect(await fleet.publish('me', 100, 70)).toBe(true)
    await fleet.forget({ workerId: 'me', updatedSeconds: 70, metrics: new Map(), limits: new Map() })
    expect(await item('me')).toBeDefined()
    await fleet.forget({ workerId: 'me', updatedSeconds: 100, metrics: new Map(), limits: new Map() })
    expect(await item('me')).toBeUndefined()
  })
})

describe('the owner index', () => {
  it('is made with the table, and added to one that is there', async () => {
    const indexOf = async (client: DynamoDBClient) =>
      (await client.send(new DescribeTableCommand({ TableName: 'app' }))).Table?.GlobalSecondaryIndexes?.[0]
    const made = await open()
    await made.table.ensure()
    const expected = {
      IndexName: 'LeaseOwnerToLeaseKeyIndex',
      KeySchema: [
        { AttributeName: 'leaseOwner', KeyType: 'HASH' },
        { AttributeName: 'leaseKey', KeyType: 'RANGE' }
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' }
    }
    expect(await indexOf(made.client)).toMatchObject(expected)
    await made.client.send(new DeleteTableCommand({ TableName: 'app' }))

    const older = await open({ leaseProtocol: 'kcl2' })
    await older.table.ensure()
    expect(await indexOf(older.client)).toBeUndefined()
    const { client, documents } = older
    const newer = new DynamodbLeaseTable({
      tableName: 'app',
      createTable: true,
      leaseProtocol: 'kcl3',
      client,
      callTimeoutMs: 3_000,
      clock: systemClock
    })
    await newer.ensure()
    expect(await indexOf(client)).toMatchObject(expected)
    await documents.send(
      new PutCommand({
        TableName: 'app',
        Item: { leaseKey: 'x', leaseOwner: 'me', leaseCounter: 1, checkpoint: 'LATEST' }
      })
    )
    expect((await newer.fleet!.findAssigned('me', new Set()))?.map(({ leaseKey }) => leaseKey)).toEqual(['x'])
  })

  it('shows what was assigned, apart from what is known and what is finished', async () => {
    const { table, fleet, put } = await open()
    await table.ensure()
    for (const leaseKey of ['a', 'b', 'c']) await table.create(aLease(leaseKey, { leaseOwner: 'me' }))
    await table.create(aLease('d', { leaseOwner: 'other' }))
    await put({ leaseKey: 'e', leaseOwner: 'me', leaseCounter: 3, checkpoint: 'SHARD_END' })
    const found = await fleet.findAssigned('me', new Set(['b']))
    expect(found?.map(({ leaseKey }) => leaseKey).sort()).toEqual(['a', 'c'])
  })
})

describe('a lease under a leader', () => {
  const held = async (more: Partial<Lease> = {}) => {
    const opened = await open()
    await opened.table.ensure()
    await opened.put({
      leaseKey: 'k',
      leaseOwner: 'a',
      leaseCounter: 5,
      checkpoint: '42',
      checkpointSubSequenceNumber: 0,
      ownerSwitchesSinceCheckpoint: 2,
      strange: 'kept'
    })
    const [lease] = await opened.table.list()
    return { ...opened, lease: { ...lease!, ...more } }
  }

  it('is assigned at once, unless it has changed since', async () => {
    const { table, fleet, item, lease } = await held()
    expect(await fleet.assign(lease, 'b')).toMatchObject({
      leaseOwner: 'b',
      leaseCounter: 6,
      ownerSwitchesSinceCheckpoint: 3
    })
    expect(await item('k')).toMatchObject({
      leaseOwner: 'b',
      leaseCounter: 6,
      ownerSwitchesSinceCheckpoint: 3,
      checkpoint: '42',
      strange: 'kept'
    })
    expect(await fleet.assign(lease, 'c')).toBeUndefined()
    const [now] = await table.list()
    await table.renew(now!)
    expect(await fleet.assign(now!, 'c')).toBeUndefined()
    expect(await table.renew(lease)).toBeUndefined()
  })

  it('is handed over: the owner renews, checkpoints, and lets go', async () => {
    const { table, fleet, item, lease } = await held()
    expect(await fleet.startHandoff(lease, 'b')).toMatchObject({
      leaseOwner: 'b',
      checkpointOwner: 'a',
      leaseCounter: 5
    })
    expect(await fleet.startHandoff(lease, 'c')).toBeUndefined()
    // A checkpoint does not notice, and is good all the same.
    const checkpointed = await table.checkpoint(lease, {
      checkpoint: { sequenceNumber: '43', subSequenceNumber: 0 }
    })
    expect(await item('k')).toMatchObject({
      leaseOwner: 'b',
      checkpointOwner: 'a',
      leaseCounter: 6,
      checkpoint: '43'
    })
    const renewed = await table.renew({ ...checkpointed!, throughputKBps: 1.5 })
    expect(renewed).toMatchObject({ leaseOwner: 'b', checkpointOwner: 'a', leaseCounter: 7 })
    expect(await item('k')).toMatchObject({ throughputKBps: 1.5 })
    expect(await table.renew(renewed!)).toMatchObject({ leaseCounter: 8 })
    const released = await table.release({ ...renewed!, leaseCounter: 8 })
    expect(released).toMatchObject({ leaseOwner: 'b', checkpointOwner: undefined, leaseCounter: 9 })
    const row = await item('k')
    expect(row).toMatchObject({
      leaseOwner: 'b',
      leaseCounter: 9,
      ownerSwitchesSinceCheckpoint: 1,
      checkpoint: '43',
      strange: 'kept'
    })
    expect(row).not.toHaveProperty('checkpointOwner')
    expect(await table.renew({ ...renewed!, leaseCounter: 8 })).toBeUndefined()
  })

  it('goes to the worker that waits also when its owner has not noticed yet, and stops', async () => {
    const { table, fleet, item, lease } = await held()
    await fleet.startHandoff(lease, 'b')
    expect(await table.release(lease)).toMatchObject({ leaseOwner: 'b' })
    expect(await item('k')).toMatchObject({ leaseOwner: 'b', leaseCounter: 6 })
    expect(await item('k')).not.toHaveProperty('checkpointOwner')
  })

  it('is recognised as its own by its owner after lost answers in the middle of a handoff', async () => {
    const { table, fleet, lease, lose } = await held()
    await fleet.startHandoff(lease, 'b')
    lose('UpdateItem')
    const renewed = await table.renew(lease)
    expect(renewed).toMatchObject({ checkpointOwner: 'a' })
    lose('UpdateItem')
    expect(await table.release(renewed!)).toMatchObject({ leaseOwner: 'b', checkpointOwner: undefined })
  })

  /** Held by a worker that is given 50 ms to hand it over. */
  const tenureOf = (lease: Lease, table: DynamodbLeaseTable) => {
    const seen: string[] = []
    const tenure = new HeldLease({
      lease,
      table,
      clock: systemClock,
      failoverTimeMs: 60_000,
      takenMs: systemClock.now(),
      onLost: () => void seen.push('lost'),
      handoffs: {
        timeMs: 50,
        onRequested: (leaseKey, to) => void seen.push(`${leaseKey} for ${to}`),
        onLate: (_, to) => void seen.push(`late for ${to}`)
      }
    })
    return { tenure, seen }
  }

  it('of which a handoff was noticed ends when the time for it is over', async () => {
    const { table, fleet, item, lease } = await held()
    await fleet.startHandoff(lease, 'b')
    const { tenure, seen } = tenureOf(lease, table)
    await tenure.renew()
    expect(tenure.handoffSignal.reason).toMatchObject({ name: 'LeaseHandoffError' })
    expect(tenure.signal.aborted).toBe(false)
    await expect.poll(() => tenure.signal.aborted).toBe(true)
    expect(seen).toEqual(['k for b', 'late for b', 'lost'])
    expect(await item('k')).toMatchObject({ leaseOwner: 'b' })
    await expect(
      tenure.checkpoint({ checkpoint: { sequenceNumber: '50', subSequenceNumber: 0 } })
    ).rejects.toMatchObject({ code: 'SEALSTREAM_LEASE_LOST' })
  })

  it('that the leader gave away without waiting is lost all the same', async () => {
    const { table, fleet, lease } = await held()
    await fleet.startHandoff(lease, 'b')
    const { tenure, seen } = tenureOf(lease, table)
    await tenure.renew()
    const [row] = await table.list()
    await fleet.assign(row!, 'b')
    await expect.poll(() => tenure.signal.aborted).toBe(true)
    expect(seen).toEqual(['k for b', 'lost'])
  })
})
