import {
  CreateTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient
} from '@aws-sdk/client-dynamodb'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  DynamodbLeaseTable,
  type DynamodbLeaseTableOptions
} from '../../../consumer/leases/dynamodb-lease-table.ts'
import { HeldLease } from '../../../consumer/leases/held-lease.ts'
import type { Lease } from '../../../consumer/leases/lease.ts'
import { LeaseCoordinator } from '../../../consumer/leases/lease-coordinator.ts'
import { ShardSync } from '../../../consumer/shards/shard-sync.ts'
import type { WorkerEvent } from '../../../consumer/types.ts'
import { systemClock } from '../../../core/clock.ts'
import { AwsError, type Fault } from '../../../local/index.ts'
import { FakeKinesis } from '../../helpers/fake-kinesis.ts'
import { aLease } from '../../helpers/leases.ts'
import { opened, openLocal } from '../../helpers/local.ts'
import { numberedScenarios } from '../../helpers/numbered-scenarios.ts'

const { scenario, complete } = numberedScenarios('lease table', [12, 22, 23, 42])
const position = (sequenceNumber: string, subSequenceNumber = 0) => ({ sequenceNumber, subSequenceNumber })

async function open(options: Partial<DynamodbLeaseTableOptions> = {}) {
  const faults: { operation: string; fault: Fault | undefined }[] = []
  const requests: { operation: string; input: unknown }[] = []
  const local = await openLocal({
    faults: {
      dynamodb: (operation, input) => {
        requests.push({ operation, input })
        const index = faults.findIndex(next => next.operation === operation)
        return index < 0 ? undefined : faults.splice(index, 1)[0]!.fault
      }
    }
  })
  const events: WorkerEvent[] = []
  const clientConfig = local.clientConfig('dynamodb')
  const openTable = (more: Partial<DynamodbLeaseTableOptions> = {}): DynamodbLeaseTable => {
    const table = new DynamodbLeaseTable({
      tableName: 'app',
      createTable: true,
      clientConfig,
      callTimeoutMs: 3_000,
      clock: systemClock,
      onEvent: event => events.push(event),
      ...options,
      ...more
    })
    onTestFinished(() => table.close())
    return table
  }
  const table = openTable()
  const client = opened(new DynamoDBClient(clientConfig))
  const documents = DynamoDBDocumentClient.from(client)
  const put = (Item: Record<string, unknown>, TableName = 'app') =>
    documents.send(new PutCommand({ TableName, Item }))
  const item = async (leaseKey: string) =>
    (await documents.send(new GetCommand({ TableName: 'app', Key: { leaseKey } }))).Item
  const makeTable = (TableName: string, key: string, type: 'S' | 'N' = 'S') =>
    client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: key, AttributeType: type }],
        KeySchema: [{ AttributeName: key, KeyType: 'HASH' }]
      })
    )
  /** Loses `times` answers, after `whole` that come back. */
  const lose = (operation: string, times = 1, whole = 0): void => {
    for (let count = 0; count < whole; count += 1) faults.push({ operation, fault: undefined })
    for (let count = 0; count < times; count += 1) faults.push({ operation, fault: { kind: 'loseAnswer' } })
  }
  return { local, client, table, openTable, events, put, item, makeTable, lose, faults, requests }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1_000)

describe('writes whose answer is lost', () => {
  scenario(
    12,
    'are recognised: every kind, once by the client’s own repetition and once by the next write',
    async () => {
      const { table, item, lose } = await open()
      await table.ensure()
      lose('PutItem')
      expect(await table.create(aLease('k'))).toBe(true)
      expect(await table.create(aLease('k'))).toBe(false)
      const steps: readonly ((seen: Lease) => Promise<Lease | undefined>)[] = [
        seen => table.take(seen, 'me'),
        seen => table.renew(seen),
        seen => table.prepareCheckpoint(seen, position('6', 1), new Uint8Array([7])),
        seen => table.checkpoint(seen, { checkpoint: position('5', 2) }),
        seen => table.release(seen)
      ]
      let held = aLease('k')
      for (const step of steps) {
        lose('UpdateItem')
        const written = await step(held)
        expect(written).toMatchObject({ leaseCounter: held.leaseCounter + 1 })
        held = written!
        expect((await item('k'))?.leaseCounter).toBe(held.leaseCounter)
      }
      // Both answers lost: the caller does not know, tries again, and the write is made once.
      for (const step of steps) {
        lose('UpdateItem', 2)
        await expect(step(held)).rejects.toMatchObject({ failure: 'unreachable' })
        const written = await step(held)
        expect(written).toMatchObject({ leaseCounter: held.leaseCounter + 1 })
        held = written!
        expect((await item('k'))?.leaseCounter).toBe(held.leaseCounter)
      }
      // A release after a renewal that was carried out unseen is made all the same.
      held = (await table.take(held, 'me'))!
      lose('UpdateItem', 2)
      await expect(table.renew(held)).rejects.toMatchObject({ failure: 'unreachable' })
      expect(await table.release(held)).toMatchObject({ leaseOwner: undefined })
      expect(await item('k')).not.toHaveProperty('leaseOwner')
    }
  )

  it('are recognised also when one follows the other, each without an answer', async () => {
    const { table, item, lose } = await open()
    await table.ensure()
    await table.create(aLease('k'))
    const held = (await table.take(aLease('k'), 'me'))!
    lose('UpdateItem', 2)
    await expect(table.renew(held)).rejects.toMatchObject({ failure: 'unreachable' })
    // Refused under the old counter, and written under the one that was found.
    lose('UpdateItem', 2, 1)
    await expect(table.checkpoint(held, { checkpoint: position('5') })).rejects.toMatchObject({
      failure: 'unreachable'
    })
    expect(await item('k')).toMatchObject({ leaseCounter: 3, checkpoint: '5' })
    const checkpointed = await table.checkpoint(held, { checkpoint: position('5') })
    expect(checkpointed).toMatchObject({ leaseCounter: 3, leaseOwner: 'me' })
    expect(await table.renew(checkpointed!)).toMatchObject({ leaseCounter: 4, checkpoint: position('5') })
  })

  it('do not hide a second worker under the same id', async () => {
    const { table, openTable, lose } = await open()
    await table.ensure()
    await table.create(aLease('k'))
    const held = (await table.take(aLease('k'), 'me'))!
    const twin = openTable()
    const theirs = (await twin.take(held, 'me'))!
    await expect(table.renew(held)).rejects.toMatchObject({
      code: 'SEALSTREAM_DUPLICATE_WORKER',
      workerId: 'me'
    })
    await expect(table.checkpoint(held, { checkpoint: position('1') })).rejects.toMatchObject({
      leaseKey: 'k'
    })
    // A lost answer of our own explains one step, not two.
    lose('UpdateItem', 2)
    await expect(twin.renew(theirs)).rejects.toMatchObject({ failure: 'unreachable' })
    const [row] = await table.list()
    await table.renew(row!)
    await expect(twin.renew(theirs)).rejects.toMatchObject({ code: 'SEALSTREAM_DUPLICATE_WORKER' })
  })

  it('do not make a take an own one that another worker won', async () => {
    const { table, openTable } = await open()
    await table.ensure()
    await table.create(aLease('k'))
    await openTable().take(aLease('k'), 'other')
    expect(await table.take(aLease('k'), 'me')).toBeUndefined()
  })

  it('let a row be removed once, and only as it was seen', async () => {
    const { table, item, lose } = await open()
    await table.ensure()
    await table.create(aLease('k'))
    const taken = (await table.take(aLease('k'), 'me'))!
    expect(await table.delete(aLease('k'))).toBe(false)
    expect(await item('k')).toBeDefined()
    lose('DeleteItem')
    expect(await table.delete(taken)).toBe(true)
    expect(await item('k')).toBeUndefined()
    expect(await table.delete(taken)).toBe(true)
    // Facts about a row that is gone do not bring it back.
    await table.describe(taken, { childShardIds: ['c'] })
    expect(await item('k')).toBeUndefined()
  })
})

const idle = [
  { leaseKey: 'leader', entityType: 'LEADER', ownerName: 'w', leaseDuration: '120000', isReleased: '1' },
  {
    leaseKey: 'gone worker',
    entityType: 'WORKER_METRIC_STATS',
    lut: 1_600_000_000,
    sts: {},
    leaseCounter: 1
  },
  { leaseKey: '1:s:1', entityType: 'STREAM', streamId: '1:s:1' },
  { leaseKey: 'Migration3.0', entityType: 'CLIENT_VERSION_MIGRATION', cv: 'CLIENT_VERSION_2X' },
  { leaseKey: 'unknown', entityType: 'SOMETHING_NEW', leaseCounter: 1, checkpoint: 'LATEST' },
  { leaseKey: 'untyped', color: 'red' }
]

describe('rows of other kinds', () => {
  scenario(22, 'are passed over, untouched, and do not count in the balance', async () => {
    const { table, put, item, events } = await open()
    await table.ensure()
    for (const row of idle) await put(row)
    const kinesis = new FakeKinesis(2)
    const held: string[] = []
    const coordinator = new LeaseCoordinator({
      table,
      streams: [
        new ShardSync({
          kinesis,
          streamName: 's',
          table,
          initialPosition: 'LATEST',
          clock: systemClock,
          random: Math.random,
          signal: new AbortController().signal
        })
      ],
      workerId: 'me',
      failoverTimeMs: 10_000,
      maxLeases: 2,
      clock: systemClock,
      random: Math.random,
      onEvent: event => events.push(event),
      onTaken: ({ leaseKey }) => held.push(leaseKey),
      onFatal: error => expect.unreachable(String(error))
    })
    onTestFinished(() => coordinator.close())
    await coordinator.start()
    expect(held.sort()).toEqual(kinesis.shards.map(({ id }) => id))
    expect([...coordinator.leases.keys()].sort()).toEqual(held)
    expect(coordinator.counts.spillover).toBe(0)
    for (const row of idle) expect(await item(row.leaseKey)).toEqual(row)
    expect(table.usage).toMatchObject({ scans: 3, writes: 4, readUnits: expect.any(Number) })
    expect(table.usage.writeUnits).toBeGreaterThanOrEqual(4)
  })

  it.each([
    ['a leader lock', { leaseKey: 'l', entityType: 'LEADER', recordVersionNumber: 'uuid' }],
    [
      'metrics of a living worker',
      { leaseKey: 'w', entityType: 'WORKER_METRIC_STATS', lut: nowSeconds() - 20 }
    ],
    [
      'a migration to KCL 3',
      { leaseKey: 'm', entityType: 'CLIENT_VERSION_MIGRATION', cv: 'CLIENT_VERSION_3X' }
    ],
    ['a migration of the tables', { leaseKey: 't', entityType: 'TABLE_MIGRATION', tm: 'x' }]
  ])(
    'of a KCL 3 at work (%s) keep a worker from starting, and are told to one that runs',
    async (sign, row) => {
      const { table, openTable, put, events } = await open()
      await table.ensure()
      await table.list()
      await put(row)
      const late = openTable()
      await late.ensure()
      await expect(late.list()).rejects.toMatchObject({
        code: 'SEALSTREAM_LEASE_TABLE_REFUSED',
        signs: [sign],
        message: expect.stringContaining('to join that fleet')
      })
      await expect(late.list()).rejects.toMatchObject({ name: 'Kcl3StateError' })
      await table.list()
      await table.list()
      expect(events).toEqual([{ type: 'kcl3StateSeen', signs: [sign] }])
    }
  )

  it.each([
    ['CoordinatorState', 'key', { key: 'Leader', ownerName: 'w' }, 'a leader lock'],
    ['CoordinatorState', 'key', { key: 'Migration3.0', cv: 'CLIENT_VERSION_3X' }, 'a migration to KCL 3'],
    ['CoordinatorState', 'key', { key: 'TableMigration3.5', tm: 'x' }, 'a migration of the tables'],
    ['WorkerMetricStats', 'wid', { wid: 'w', lut: nowSeconds() }, 'metrics of a living worker']
  ])('in the table %s beside it (%s %j) do so, too', async (name, key, row, sign) => {
    const { table, makeTable, put } = await open({ applicationName: 'orders' })
    await makeTable(`orders-${name}`, key)
    await table.ensure()
    await put(row, `orders-${name}`)
    await expect(table.ensure()).rejects.toMatchObject({ name: 'Kcl3StateError', signs: [sign] })
  })

  it('are not looked for where that is denied: it is told, and the worker starts', async () => {
    const { table, events, faults } = await open()
    const denied: Fault = { kind: 'error', error: new AwsError('AccessDeniedException', 'no') }
    faults.push({ operation: 'Scan', fault: denied }, { operation: 'Scan', fault: denied })
    await table.ensure()
    expect(await table.list()).toEqual([])
    expect(events).toMatchObject([
      { type: 'callFailed', operation: 'Scan', failure: 'denied' },
      { type: 'callFailed', operation: 'Scan', failure: 'denied' }
    ])
  })
})

describe('rows of any writer', () => {
  const row = {
    leaseKey: 'k',
    leaseCounter: 5,
    leaseOwner: 'w',
    checkpoint: '77',
    checkpointSubSequenceNumber: 0
  }
  scenario(
    23,
    'are read, of KCL 1, 2 and 3, and what is not known of them survives every write',
    async () => {
      const { table, put, item } = await open()
      await table.ensure()
      const extra = { note: 'kept', huge: 1 }
      const fixtures: Record<string, unknown>[] = [
        { ...row, ownerSwitchesSinceCheckpoint: 0 },
        { ...row, pendingCheckpoint: '80', pendingCheckpointSubSequenceNumber: 3, pendingCheckpointState: 0 },
        { ...row, startingHashKey: '0', endingHashKey: '9', pendingCheckpointState: new Uint8Array([1, 2]) },
        {
          ...row,
          entityType: 'LEASE',
          throughputKBps: 1.500001,
          parentShardId: new Set(['p']),
          checkpointOwner: 'v'
        }
      ]
      for (const fixture of fixtures) {
        await put({ ...fixture, ...extra })
        const [read] = await table.list()
        expect(read).toMatchObject({ leaseOwner: 'w', leaseCounter: 5, checkpoint: position('77') })
        expect(read!.pendingCheckpoint).toEqual(
          'pendingCheckpoint' in fixture ? position('80', 3) : undefined
        )
        expect(read!.pendingCheckpointState).toEqual(
          fixture.pendingCheckpointState instanceof Uint8Array ? new Uint8Array([1, 2]) : undefined
        )
        let lease = (await table.renew(read!))!
        expect(await item('k')).toEqual({ ...fixture, ...extra, leaseCounter: 6 })
        lease = (await table.take(lease, 'me'))!
        lease = (await table.prepareCheckpoint(lease, position('90')))!
        lease = (await table.checkpoint(lease, { checkpoint: position('91') }))!
        await table.describe(lease, { hashKeyRange: { start: 0n, end: 9n }, childShardIds: ['c'] })
        await table.release(lease)
        expect(await item('k')).toEqual({
          leaseKey: 'k',
          leaseCounter: 10,
          ownerSwitchesSinceCheckpoint: 0,
          checkpoint: '91',
          checkpointSubSequenceNumber: 0,
          startingHashKey: '0',
          endingHashKey: '9',
          childShardIds: new Set(['c']),
          ...extra,
          ...('entityType' in fixture
            ? { entityType: 'LEASE', throughputKBps: 1.500001, parentShardId: new Set(['p']) }
            : {})
        })
      }
    }
  )

  it.each([
    [{ leaseCounter: undefined }, 'leaseCounter'],
    [{ leaseCounter: 'five' }, 'leaseCounter'],
    [{ leaseCounter: undefined, entityType: 'LEASE', checkpoint: undefined }, 'leaseCounter'],
    [{ checkpoint: undefined }, 'checkpoint'],
    [{ checkpoint: 'SOON' }, 'checkpoint'],
    [{ checkpoint: '-7' }, 'checkpoint'],
    [{ checkpointSubSequenceNumber: 1.5 }, 'checkpointSubSequenceNumber'],
    [{ pendingCheckpoint: '' }, 'pendingCheckpoint'],
    [{ startingHashKey: 'abc', endingHashKey: '9' }, 'startingHashKey'],
    [{ startingHashKey: '5', endingHashKey: '4' }, 'endingHashKey'],
    [{ startingHashKey: '5' }, 'endingHashKey']
  ])('that are broken (%j) are told once and left alone; the others go on', async (change, reason) => {
    const { table, put, item, events } = await open()
    await table.ensure()
    const broken = Object.fromEntries(
      Object.entries({ ...row, ...change }).filter(([, value]) => value !== undefined)
    )
    await put({ ...broken, leaseKey: 'broken' })
    await put({ ...row, leaseKey: 'whole' })
    for (let scan = 0; scan < 3; scan += 1) {
      expect((await table.list()).map(({ leaseKey }) => leaseKey)).toEqual(['whole'])
    }
    expect(events).toEqual([{ type: 'leaseRowCorrupt', leaseKey: 'broken', reason }])
    expect(await table.create(aLease('broken'))).toBe(false)
    expect(await item('broken')).toEqual({ ...broken, leaseKey: 'broken' })
  })

  it('keep their stream and shard in a table of several', async () => {
    const { table, item } = await open()
    await table.ensure()
    const key = '123456789012:orders:1700000000:shardId-000000000000'
    await table.create(aLease(key))
    expect(await item(key)).toMatchObject({
      streamName: '123456789012:orders:1700000000',
      shardId: 'shardId-000000000000'
    })
    expect(await table.list()).toEqual([aLease(key)])
  })
})

describe('a prepared checkpoint', () => {
  scenario(42, 'is found by the next owner with its state, and gone after the next checkpoint', async () => {
    const { table, openTable, item } = await open()
    await table.ensure()
    await table.create(aLease('k'))
    const hold = async (by: DynamodbLeaseTable, workerId: string): Promise<HeldLease> => {
      const [row] = await by.list()
      return new HeldLease({
        lease: (await by.take(row!, workerId))!,
        table: by,
        clock: systemClock,
        failoverTimeMs: 10_000,
        takenMs: systemClock.now(),
        onLost: () => {}
      })
    }
    const state = new Uint8Array([1, 2, 3])
    const crashed = await hold(table, 'w1')
    await crashed.checkpoint({ checkpoint: position('10') })
    await crashed.prepareCheckpoint(position('12', 4), state)
    const next = await hold(openTable(), 'w2')
    expect(next.lease).toMatchObject({ checkpoint: position('10'), pendingCheckpoint: position('12', 4) })
    expect(next.lease.pendingCheckpointState).toEqual(state)
    await expect(crashed.prepareCheckpoint(position('13'))).rejects.toMatchObject({
      code: 'SEALSTREAM_LEASE_LOST'
    })
    // Prepared anew without state: the old state does not stay with it.
    await next.prepareCheckpoint(position('13'))
    expect(await item('k')).toMatchObject({ pendingCheckpoint: '13', pendingCheckpointSubSequenceNumber: 0 })
    expect(await item('k')).not.toHaveProperty('pendingCheckpointState')
    await next.prepareCheckpoint(position('14'), state)
    await next.checkpoint({ checkpoint: position('14') })
    expect(next.lease.pendingCheckpoint).toBeUndefined()
    const names = Object.keys((await item('k'))!)
    expect(names.filter(name => name.startsWith('pending'))).toEqual([])
    await next.checkpoint({ checkpoint: position('SHARD_END') })
    await expect(next.prepareCheckpoint(position('15'))).rejects.toMatchObject({
      code: 'SEALSTREAM_LEASE_LOST'
    })
    await next.release().catch(() => {})
  })
})

describe('the table', () => {
  it.each([
    ['id', 'S'],
    ['leaseKey', 'N']
  ] as const)('is refused when its key is %s of type %s', async (key, type) => {
    const { table, makeTable } = await open()
    await makeTable('app', key, type)
    await expect(table.ensure()).rejects.toMatchObject({
      name: 'LeaseTableSchemaError',
      code: 'SEALSTREAM_LEASE_TABLE_REFUSED',
      tableName: 'app',
      message: expect.stringContaining(`${key} ${type} HASH`)
    })
  })

  it('is made with encryption and backups when they are asked for, and taken as it is when it stands', async () => {
    const { local, client, table, events, requests } = await open({
      createTable: { sse: { kmsKeyId: 'alias/leases' }, pointInTimeRecovery: true }
    })
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/leases', TargetKeyId: key!.KeyId }))
    await table.ensure()
    const { Table: made } = await client.send(new DescribeTableCommand({ TableName: 'app' }))
    expect(made).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS', KMSMasterKeyArn: key!.Arn }
    })
    const { ContinuousBackupsDescription: backups } = await client.send(
      new DescribeContinuousBackupsCommand({ TableName: 'app' })
    )
    expect(backups?.PointInTimeRecoveryDescription).toMatchObject({ PointInTimeRecoveryStatus: 'ENABLED' })
    expect(await table.list()).toEqual([])
    expect(events).toEqual([])
    requests.length = 0
    await table.ensure()
    expect(requests.map(({ operation }) => operation)).toEqual(['DescribeTable', 'Scan', 'Scan'])
  })

  it('is made with the key that AWS manages when no other is named', async () => {
    const { client, table } = await open({ createTable: { sse: true } })
    await table.ensure()
    const { Table: made } = await client.send(new DescribeTableCommand({ TableName: 'app' }))
    expect(made?.SSEDescription).toMatchObject({ Status: 'ENABLED', SSEType: 'KMS' })
    const { ContinuousBackupsDescription: backups } = await client.send(
      new DescribeContinuousBackupsCommand({ TableName: 'app' })
    )
    expect(backups?.PointInTimeRecoveryDescription).toMatchObject({ PointInTimeRecoveryStatus: 'DISABLED' })
  })

  it('is made without backups where there are none, which is told', async () => {
    const { table, events, faults } = await open({ createTable: { pointInTimeRecovery: true } })
    const error = new AwsError('UnknownOperationException', '')
    faults.push({ operation: 'UpdateContinuousBackups', fault: { kind: 'error', error } })
    await table.ensure()
    expect(await table.list()).toEqual([])
    expect(events).toMatchObject([{ type: 'callFailed', operation: 'UpdateContinuousBackups' }])
  })
})

describe('all scenarios', complete)
