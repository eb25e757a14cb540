import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  UpdateItemCommand
} from '@aws-sdk/client-dynamodb'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import {
  InvalidOptionError,
  type MigrateLeaseTableOptions,
  type MigrationEvent,
  migrateLeaseTable,
  rekeyLeaseTable
} from '../../../consumer/index.ts'
import type { Row } from '../../../consumer/migration/rows.ts'
import { type Clock, systemClock } from '../../../core/clock.ts'
import type { LocalEngines, LocalOptions } from '../../../local/index.ts'
import { aRow, makeLeaseTable, putRow, rowsOf } from '../../helpers/lease-rows.ts'
import { opened, openLocal } from '../../helpers/local.ts'

async function start(rows: readonly Row[], options: Omit<LocalOptions, 'services'> = {}) {
  const local = await openLocal({ ...options, services: ['dynamodb', 'kms'] })
  const client = clientOf(local)
  await makeLeaseTable(client, 'old', rows)
  const events: MigrationEvent[] = []
  const migrate = (more: Partial<MigrateLeaseTableOptions> = {}) =>
    migrateLeaseTable({
      from: { tableName: 'old', client },
      to: { tableName: 'new', client },
      intervalMs: 10,
      onEvent: event => events.push(event),
      ...more
    })
  const makeKey = async (): Promise<string> => {
    const kms = opened(new KMSClient(local.clientConfig('kms')))
    return (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  }
  const newRows = () => rowsOf(client, 'new')
  return { local, client, events, migrate, makeKey, newRows }
}

function clientOf(local: LocalEngines): DynamoDBClient {
  return opened(new DynamoDBClient({ ...local.clientConfig('dynamodb'), maxAttempts: 1 }))
}

const shard = (index: number): string => `shardId-${String(index).padStart(12, '0')}`
const parents = (...ids: string[]) => ({ parentShardId: { SS: ids } })

describe('migrateLeaseTable', () => {
  it('copies every row whole but for its owner, into a table that it makes', async () => {
    const strange = {
      strange: {
        M: { list: { L: [{ N: '12345678901234567890123456789012345678' }, { NULL: true as const }] } }
      },
      pendingCheckpoint: { S: '120' },
      pendingCheckpointSubSequenceNumber: { N: '2' },
      pendingCheckpointState: { B: Buffer.from('state') },
      childShardIds: { SS: [shard(4), shard(5)] }
    }
    const owner = { leaseOwner: { S: 'w1' }, checkpointOwner: { S: 'w2' } }
    const source = [
      aRow(shard(0), '100', { ...strange, ...owner }),
      aRow(shard(1), 'SHARD_END'),
      aRow(`111122223333:orders:1700000000:${shard(0)}`, '7', owner),
      { leaseKey: { S: 'Leader' }, entityType: { S: 'LEADER' }, ownerName: { S: 'w1' } },
      { leaseKey: { S: 'orders' }, entityType: { S: 'STREAM' }, streamId: { S: 'orders' } }
    ]
    const { client, events, migrate, makeKey, newRows } = await start(source)
    const kmsKeyId = await makeKey()
    const result = await migrate({ key: { kmsKeyId } })
    expect(await newRows()).toEqual({
      [shard(0)]: aRow(shard(0), '100', { ...strange, pendingCheckpointState: { B: expect.anything() } }),
      [shard(1)]: source[1],
      [`111122223333:orders:1700000000:${shard(0)}`]: aRow(`111122223333:orders:1700000000:${shard(0)}`, '7'),
      orders: source[4]
    })
    expect(result).toMatchObject({
      endedBy: 'settled',
      writes: { created: 4, movedOn: 0, removed: 0, overtaken: 0 },
      comparison: { state: 'equal', rows: { source: 5, target: 4 }, equal: 4, leftBehind: 1, differences: [] }
    })
    expect(result.comparison.digest.target).toBe(result.comparison.digest.source)
    expect(events[0]).toEqual({ type: 'tableCreated', tableName: 'new' })
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'new' }))
    expect(Table).toMatchObject({
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      SSEDescription: { Status: 'ENABLED', KMSMasterKeyArn: kmsKeyId }
    })
    const { ContinuousBackupsDescription } = await client.send(
      new DescribeContinuousBackupsCommand({ TableName: 'new' })
    )
    expect(ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus).toBe(
      'ENABLED'
    )
    // The source is as it was.
    expect(Object.values(await rowsOf(client, 'old')).map(row => row.leaseKey!.S)).toHaveLength(5)
  })

  it('brings forward what nobody holds in the target, under a counter that no worker has seen', async () => {
    const { client, migrate, newRows } = await start([
      aRow(shard(0), '100', { pendingCheckpoint: { S: '110' } })
    ])
    await migrate()
    await putRow(client, 'old', aRow(shard(0), '200', { leaseCounter: { N: '3' }, leaseOwner: { S: 'w' } }))
    await client.send(
      new UpdateItemCommand({
        TableName: 'new',
        Key: { leaseKey: { S: shard(0) } },
        UpdateExpression: 'SET startingHashKey = :zero, endingHashKey = :end',
        ExpressionAttributeValues: { ':zero': { S: '0' }, ':end': { S: '99' } }
      })
    )
    const { writes, comparison } = await migrate({ resume: true })
    expect(writes).toMatchObject({ created: 0, movedOn: 1 })
    // What the target has learnt of the shard stays, and what was pending is gone.
    expect((await newRows())[shard(0)]).toEqual(
      aRow(shard(0), '200', {
        leaseCounter: { N: '6' },
        startingHashKey: { S: '0' },
        endingHashKey: { S: '99' }
      })
    )
    expect(comparison.state).toBe('equal')
  })

  it('leaves alone what is held or further in the target, and tells what is held in both', async () => {
    const owned = { leaseOwner: { S: 'old-worker' } }
    const rows = [0, 1, 2].map(index => aRow(shard(index), '500', owned))
    const { client, events, migrate, newRows } = await start(rows)
    const there = [
      aRow(shard(0), '100', { leaseOwner: { S: 'new-worker' } }),
      aRow(shard(1), '900'),
      aRow(shard(9), '1')
    ]
    await makeLeaseTable(client, 'new', there)
    const { writes, comparison } = await migrate({ resume: true })
    const now = await newRows()
    expect(now[shard(0)]).toEqual(there[0])
    expect(now[shard(1)]).toEqual(there[1])
    expect(now[shard(2)]).toEqual(aRow(shard(2), '500'))
    expect(writes).toEqual({ created: 1, movedOn: 0, removed: 0, overtaken: 0 })
    expect(comparison).toMatchObject({ state: 'equal', worked: 2, heldInBoth: 1, foreign: 1, equal: 1 })
    expect(events.filter(({ type }) => type === 'leaseHeldInBoth')).toEqual([
      { type: 'leaseHeldInBoth', leaseKey: shard(0) }
    ])
  })

  it('does not write over a worker that takes the lease in between', async () => {
    const { local, client, migrate, newRows } = await start([aRow(shard(0), '500')])
    await makeLeaseTable(client, 'new', [aRow(shard(0), '100')])
    let isTaken = false
    const racing = clientOf(local)
    racing.middlewareStack.add(
      next => async args => {
        if (!isTaken && 'UpdateExpression' in args.input) {
          isTaken = true
          await client.send(
            new UpdateItemCommand({
              TableName: 'new',
              Key: { leaseKey: { S: shard(0) } },
              UpdateExpression: 'SET leaseOwner = :w ADD leaseCounter :one',
              ExpressionAttributeValues: { ':w': { S: 'new-worker' }, ':one': { N: '1' } }
            })
          )
        }
        return next(args)
      },
      { step: 'initialize' }
    )
    const { writes, comparison } = await migrate({ resume: true, to: { tableName: 'new', client: racing } })
    expect(isTaken).toBe(true)
    expect(writes).toMatchObject({ movedOn: 0, overtaken: 1 })
    expect(comparison).toMatchObject({ state: 'equal', worked: 1 })
    expect((await newRows())[shard(0)]).toMatchObject({
      checkpoint: { S: '100' },
      leaseOwner: { S: 'new-worker' }
    })
  })

  it('removes what the source has finished and cleaned up meanwhile, and makes nothing anew that the target has', async () => {
    const children = [aRow(shard(1), '20', parents(shard(0))), aRow(shard(2), '30', parents(shard(0)))]
    const { client, migrate, newRows } = await start([aRow(shard(0), '10'), ...children])
    await migrate()
    await client.send(new DeleteItemCommand({ TableName: 'old', Key: { leaseKey: { S: shard(0) } } }))
    expect((await migrate({ resume: true })).writes).toMatchObject({ created: 0, removed: 1 })
    expect(Object.keys(await newRows()).sort()).toEqual([shard(1), shard(2)])

    // The other way round: the workers of the target are the faster ones.
    await putRow(client, 'old', aRow(shard(0), '10'))
    const { writes, comparison } = await migrate({ resume: true })
    expect(writes).toMatchObject({ created: 0, removed: 0 })
    expect(comparison).toMatchObject({ state: 'equal', cleaned: 1 })
  })

  it('says what differs and stays incomplete, without touching it', async () => {
    const { client, migrate, newRows } = await start([
      aRow(shard(0), 'nonsense'),
      aRow(shard(1), '500'),
      aRow(shard(2), '500')
    ])
    const there = [aRow(shard(1), 'LATEST', { leaseOwner: { S: 'early' } })]
    await makeLeaseTable(client, 'new', there)
    const { comparison } = await migrate({ resume: true })
    expect(comparison).toMatchObject({
      state: 'incomplete',
      conflicts: 2,
      equal: 1,
      differences: [
        { leaseKey: shard(0), is: 'conflict', reason: 'its checkpoint cannot be read in the source' },
        { leaseKey: shard(1), is: 'conflict', reason: 'the target stands at LATEST, and the source does not' }
      ]
    })
    expect((await newRows())[shard(1)]).toEqual(there[0])
    expect(comparison.digest.target).not.toBe(comparison.digest.source)
  })

  it('goes on after throttles in the middle, and can be run again where they last', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => aRow(shard(index), String(index)))
    const { local, events, migrate, newRows } = await start(rows)
    const throttle = { service: 'dynamodb', operation: 'PutItem', kind: 'throttle' } as const
    local.faults.script([{ ...throttle, times: 7 }])
    await migrate()
    expect(Object.keys(await newRows())).toHaveLength(30)
    expect(events.filter(({ type }) => type === 'callFailed')).not.toHaveLength(0)
    local.faults.clear()

    local.faults.script([{ ...throttle, times: 1_000 }])
    await expect(migrate({ to: { tableName: 'third', client: clientOf(local) } })).rejects.toMatchObject({
      code: 'SEALSTREAM_THROTTLED'
    })
    local.faults.clear()
    const { comparison } = await migrate({
      to: { tableName: 'third', client: clientOf(local) },
      resume: true
    })
    expect(comparison).toMatchObject({ state: 'equal', equal: 30 })
  })

  it('recognises a row that it made when the answer was lost', async () => {
    const { local, migrate, newRows } = await start([aRow(shard(0), '10')])
    local.faults.script([{ service: 'dynamodb', operation: 'PutItem', kind: 'lost-answer', times: 1 }])
    const { comparison } = await migrate()
    expect(comparison.state).toBe('equal')
    expect(Object.keys(await newRows())).toEqual([shard(0)])
  })

  it('looks and writes nothing in a dry run', async () => {
    const { client, migrate } = await start([aRow(shard(0), '10'), aRow(shard(1), '10')])
    const result = await migrate({ dryRun: true })
    expect(result).toMatchObject({
      endedBy: 'dryRun',
      writes: { created: 2, movedOn: 0, removed: 0 },
      comparison: { state: 'incomplete', missing: 2 }
    })
    await expect(client.send(new DescribeTableCommand({ TableName: 'new' }))).rejects.toThrow()
  })

  it('follows until the source is quiet', async () => {
    const { client, migrate, newRows } = await start([aRow(shard(0), '100', { leaseOwner: { S: 'w' } })])
    // A worker of the source, which checkpoints while the migration waits for its next pass, four times.
    let step = 1
    let nowMs = 0
    const clock: Clock = {
      ...systemClock,
      now: () => nowMs,
      async sleep(ms) {
        nowMs += ms
        if (step >= 5) return
        step += 1
        const counter = { leaseCounter: { N: String(100 + step) } }
        await putRow(client, 'old', aRow(shard(0), String(100 * step), counter))
      }
    }
    const { endedBy, passes, comparison, writes } = await migrate({
      follow: true,
      intervalMs: 1_000,
      quietMs: 3_000,
      clock
    })
    expect(endedBy).toBe('quiet')
    expect(writes).toEqual({ created: 1, movedOn: 4, removed: 0, overtaken: 0 })
    // Five that saw a change, and three seconds in which none came.
    expect(passes).toBe(8)
    expect(comparison).toMatchObject({ state: 'equal', equal: 1 })
    expect((await newRows())[shard(0)]).toMatchObject({ checkpoint: { S: '500' } })
  })

  it('ends with the signal, and compares all the same', async () => {
    const { events, migrate } = await start([aRow(shard(0), '100')])
    const stop = new AbortController()
    const result = await migrate({
      follow: true,
      signal: stop.signal,
      onEvent: event => {
        events.push(event)
        if (event.type === 'passDone') stop.abort()
      }
    })
    expect(result).toMatchObject({ endedBy: 'signal', passes: 1, comparison: { state: 'equal' } })
  })

  it.each([
    [{ from: { tableName: '' } }, 'from.tableName'],
    [{ to: { tableName: 'new', client: {}, clientConfig: {} } }, 'to.clientConfig'],
    [{ to: undefined }, 'to'],
    [{ to: { tableName: 'old' }, from: { tableName: 'old' } }, 'to'],
    [{ key: { kmsKeyId: '' } }, 'key.kmsKeyId'],
    [{ key: 'alias/x' }, 'key'],
    [{ intervalMs: 1 }, 'intervalMs'],
    [{ quietMs: 0 }, 'quietMs'],
    [{ follow: 'yes' }, 'follow'],
    [{ verify: true }, 'verify']
  ])('refuses %j, naming %s', async (wrong, option) => {
    const options = { from: { tableName: 'old' }, to: { tableName: 'new' }, ...wrong }
    const failure = migrateLeaseTable(options as unknown as MigrateLeaseTableOptions)
    await expect(failure).rejects.toMatchObject({ option })
    await expect(failure).rejects.toBeInstanceOf(InvalidOptionError)
  })

  it('refuses tables that cannot be meant, before anything is written', async () => {
    const { client, migrate, makeKey, newRows } = await start([aRow(shard(0), '10')])
    await expect(migrate({ from: { tableName: 'none', client } })).rejects.toMatchObject({
      obstacle: 'missing',
      tableName: 'none'
    })
    await expect(migrate({ createTable: false })).rejects.toMatchObject({
      obstacle: 'missing',
      tableName: 'new'
    })
    await client.send(
      new CreateTableCommand({
        TableName: 'numbers',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'N' }],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }]
      })
    )
    await expect(migrate({ to: { tableName: 'numbers', client } })).rejects.toMatchObject({
      name: 'LeaseTableSchemaError'
    })
    const theirs = aRow(shard(0), '77')
    await makeLeaseTable(client, 'new', [theirs])
    await expect(migrate()).rejects.toMatchObject({ obstacle: 'notEmpty' })
    await expect(migrate({ resume: true, key: { kmsKeyId: await makeKey() } })).rejects.toMatchObject({
      obstacle: 'otherKey'
    })
    expect(await newRows()).toEqual({ [shard(0)]: theirs })
  })
})

describe('rekeyLeaseTable', () => {
  it('changes the key in place, and leaves the rows', async () => {
    const { client, makeKey } = await start([aRow(shard(0), '10')])
    const table = { tableName: 'old', client }
    const first = await makeKey()
    const second = await makeKey()
    expect(await rekeyLeaseTable({ table, key: { kmsKeyId: first }, dryRun: true })).toEqual({
      previousKeyArn: undefined,
      keyArn: undefined,
      isChanged: true
    })
    expect(await rekeyLeaseTable({ table, key: { kmsKeyId: first } })).toEqual({
      previousKeyArn: undefined,
      keyArn: first,
      isChanged: true
    })
    const id = second.split('/').at(-1)!
    expect(await rekeyLeaseTable({ table, key: { kmsKeyId: id } })).toEqual({
      previousKeyArn: first,
      keyArn: second,
      isChanged: true
    })
    expect(await rekeyLeaseTable({ table, key: { kmsKeyId: second } })).toMatchObject({ isChanged: false })
    expect(Object.keys(await rowsOf(client, 'old'))).toEqual([shard(0)])
  })

  it('refuses a table that is not there, and a key that is none', async () => {
    const { client } = await start([])
    const none = rekeyLeaseTable({ table: { tableName: 'none', client }, key: 'aws' })
    await expect(none).rejects.toMatchObject({ obstacle: 'missing' })
    const wrong = rekeyLeaseTable({ table: { tableName: 'old', client }, key: {} as 'aws' })
    await expect(wrong).rejects.toMatchObject({ option: 'key.kmsKeyId' })
  })
})
