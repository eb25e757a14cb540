import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DynamodbLeaseTable } from '../../consumer/leases/dynamodb-lease-table.ts'
import type { Lease } from '../../consumer/leases/lease.ts'
import { systemClock } from '../../core/clock.ts'
import { maxHashKey } from '../../core/hash-key.ts'
import { AwsError, type Fault } from '../../local/index.ts'
import { aLease } from '../helpers/leases.ts'
import { opened, openLocal } from '../helpers/local.ts'

const fresh = aLease('shardId-000000000002', {
  parentShardIds: ['shardId-000000000000', 'shardId-000000000001'],
  hashKeyRange: { start: 0n, end: maxHashKey }
})
const position = (sequenceNumber: string, subSequenceNumber = 0) => ({
  checkpoint: { sequenceNumber, subSequenceNumber }
})

async function start(options: { createTable?: boolean; ensure?: boolean } = {}) {
  let fault: Fault | undefined
  let faults = 0
  const local = await openLocal({
    faults: {
      dynamodb: operation => {
        if (faults === 0 || operation === 'GetItem') return undefined
        faults -= 1
        return fault
      }
    }
  })
  const config = local.clientConfig('dynamodb')
  const table = new DynamodbLeaseTable({
    tableName: 'app',
    createTable: options.createTable ?? true,
    clientConfig: config,
    callTimeoutMs: 3_000,
    clock: systemClock
  })
  onTestFinished(() => table.close())
  if (options.ensure ?? true) await table.ensure()
  const client = opened(new DynamoDBClient(config))
  const documents = DynamoDBDocumentClient.from(client)
  const item = async (leaseKey = fresh.leaseKey) =>
    (await documents.send(new GetCommand({ TableName: 'app', Key: { leaseKey } }))).Item
  const put = (Item: Record<string, unknown>) => documents.send(new PutCommand({ TableName: 'app', Item }))
  const fail = (next: Fault, times = 1): void => {
    fault = next
    faults = times
  }
  return { table, client, documents, item, put, fail }
}

describe('the layout', () => {
  it('is that of the KCL: names, types, and what is absent', async () => {
    const { table, client, item } = await start()
    const { Table: described } = await client.send(new DescribeTableCommand({ TableName: 'app' }))
    expect(described).toMatchObject({
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' }
    })
    expect(await table.create(fresh)).toBe(true)
    expect(await table.create(fresh)).toBe(false)
    expect(await item()).toEqual({
      leaseKey: 'shardId-000000000002',
      leaseCounter: 0,
      ownerSwitchesSinceCheckpoint: 0,
      checkpoint: 'TRIM_HORIZON',
      checkpointSubSequenceNumber: 0,
      parentShardId: new Set(['shardId-000000000000', 'shardId-000000000001']),
      startingHashKey: '0',
      endingHashKey: '340282366920938463463374607431768211455'
    })
    expect(await table.list()).toEqual([fresh])
  })

  it('follows a lease from take to release, attribute by attribute', async () => {
    const { table, item, put } = await start()
    await put({
      leaseKey: 'k',
      leaseCounter: 3,
      ownerSwitchesSinceCheckpoint: 2,
      leaseOwner: 'former',
      checkpoint: '100',
      checkpointSubSequenceNumber: 4,
      checkpointOwner: 'former',
      pendingCheckpoint: '101',
      pendingCheckpointSubSequenceNumber: 0,
      pendingCheckpointState: new Uint8Array([1]),
      throughputKBps: 12.5
    })
    const [row] = await table.list()
    const taken = await table.take(row!, 'me')
    expect(taken).toMatchObject({ leaseOwner: 'me', leaseCounter: 4, ownerSwitchesSinceCheckpoint: 3 })
    const afterTake = await item('k')
    expect(afterTake).toMatchObject({ leaseOwner: 'me', leaseCounter: 4, pendingCheckpoint: '101' })
    expect(afterTake).not.toHaveProperty('checkpointOwner')

    const renewed = await table.renew(taken!)
    expect(await item('k')).toMatchObject({ leaseCounter: 5, checkpoint: '100' })
    const checkpointed = await table.checkpoint(renewed!, position('205', 6))
    const afterCheckpoint = await item('k')
    expect(afterCheckpoint).toMatchObject({
      leaseCounter: 6,
      checkpoint: '205',
      checkpointSubSequenceNumber: 6,
      ownerSwitchesSinceCheckpoint: 0,
      throughputKBps: 12.5
    })
    for (const pending of ['', 'SubSequenceNumber', 'State']) {
      expect(afterCheckpoint).not.toHaveProperty(`pendingCheckpoint${pending}`)
    }
    const ended = await table.checkpoint(checkpointed!, {
      ...position('SHARD_END'),
      childShardIds: ['c1', 'c2']
    })
    expect(await item('k')).toMatchObject({ checkpoint: 'SHARD_END', childShardIds: new Set(['c1', 'c2']) })
    // A finished shard stays finished.
    expect(await table.checkpoint(ended!, position('999'))).toBeUndefined()

    const released = await table.release(ended!)
    expect(released).toMatchObject({ leaseOwner: undefined, leaseCounter: 8 })
    expect(await item('k')).not.toHaveProperty('leaseOwner')
  })

  it('counts no switch when the same worker takes its lease again', async () => {
    const { table, put } = await start()
    await put({
      leaseKey: 'k',
      leaseCounter: 3,
      ownerSwitchesSinceCheckpoint: 1,
      leaseOwner: 'me',
      checkpoint: '1'
    })
    const [row] = await table.list()
    expect(await table.take(row!, 'me')).toMatchObject({ leaseCounter: 4, ownerSwitchesSinceCheckpoint: 1 })
  })

  it('passes over rows of other kinds and leaves them as they are', async () => {
    const { table, put, item } = await start()
    const others = [
      { leaseKey: 'leader', entityType: 'LEADER', recordVersionNumber: 'uuid', isReleased: '1' },
      { leaseKey: 'metrics', entityType: 'WORKER_METRIC_STATS', leaseCounter: 1, wid: 'w' },
      { leaseKey: 'stream', entityType: 'STREAM' },
      { leaseKey: 'Migration3.0', cv: '3.x' },
      { leaseKey: 'unknown', entityType: 'SOMETHING_NEW', leaseCounter: 1 }
    ]
    for (const other of others) await put(other)
    await put({ leaseKey: 'a-lease', entityType: 'LEASE', leaseCounter: 1, checkpoint: 'LATEST' })
    expect((await table.list()).map(({ leaseKey }) => leaseKey)).toEqual(['a-lease'])
    for (const other of others) expect(await item(other.leaseKey)).toEqual(other)
  })

  it.each([
    [
      'KCL 1.x',
      {
        leaseKey: 'k',
        leaseCounter: 5,
        leaseOwner: 'w',
        checkpoint: '77',
        checkpointSubSequenceNumber: 0,
        ownerSwitchesSinceCheckpoint: 0
      }
    ],
    [
      'KCL 2.x with a number for the pending state',
      {
        leaseKey: 'k',
        leaseCounter: 5,
        leaseOwner: 'w',
        checkpoint: '77',
        checkpointSubSequenceNumber: 0,
        ownerSwitchesSinceCheckpoint: 0,
        pendingCheckpointState: 0,
        startingHashKey: '0',
        endingHashKey: '9'
      }
    ],
    [
      'KCL 3.x',
      {
        leaseKey: 'k',
        leaseCounter: 5,
        leaseOwner: 'w',
        checkpoint: '77',
        checkpointSubSequenceNumber: 0,
        ownerSwitchesSinceCheckpoint: 0,
        entityType: 'LEASE',
        throughputKBps: 1.5,
        parentShardId: new Set(['p']),
        lastCounterIncrementNanos: 5
      }
    ]
  ])('reads rows of %s, and unknown attributes survive our writes', async (_, row) => {
    const { table, put, item } = await start()
    await put(row)
    const [read] = await table.list()
    expect(read).toMatchObject({
      leaseKey: 'k',
      leaseOwner: 'w',
      leaseCounter: 5,
      checkpoint: { sequenceNumber: '77', subSequenceNumber: 0 }
    })
    await table.renew(read!)
    expect(await item('k')).toEqual({ ...row, leaseCounter: 6 })
  })
})

describe('conditions', () => {
  it('lets one of two writers win, and gives the other nothing', async () => {
    const { table, item } = await start()
    await table.create(fresh)
    const [first, second] = await Promise.all([table.take(fresh, 'w1'), table.take(fresh, 'w2')])
    expect([first, second].filter(won => won !== undefined)).toHaveLength(1)
    const winner = first === undefined ? 'w2' : 'w1'
    expect(await item()).toMatchObject({
      leaseOwner: winner,
      leaseCounter: 1,
      ownerSwitchesSinceCheckpoint: 1
    })
    const stale = { ...fresh, leaseOwner: winner === 'w1' ? 'w2' : 'w1', leaseCounter: 0 }
    expect(await table.renew(stale)).toBeUndefined()
    expect(await table.checkpoint(stale, position('5'))).toBeUndefined()
    expect(await table.release(stale)).toBeUndefined()
  })

  it('finds a lease lost whose row was deleted', async () => {
    const { table, documents } = await start()
    await table.create(fresh)
    const held = await table.take(fresh, 'me')
    await documents.send(new DeleteCommand({ TableName: 'app', Key: { leaseKey: fresh.leaseKey } }))
    expect(await table.renew(held!)).toBeUndefined()
    expect(await table.checkpoint(held!, position('5'))).toBeUndefined()
    expect(await table.list()).toEqual([])
  })
})

describe('failures', () => {
  it('recognises its own success after a lost answer: the repeated write fails on the condition', async () => {
    const { table, item, fail } = await start()
    await table.create(fresh)
    let held = fresh
    const steps: readonly ((seen: Lease) => Promise<Lease | undefined>)[] = [
      seen => table.take(seen, 'me'),
      seen => table.renew(seen),
      seen => table.checkpoint(seen, position('5', 2)),
      seen => table.release(seen)
    ]
    for (const [index, step] of steps.entries()) {
      fail({ kind: 'loseAnswer' })
      const written = await step(held)
      expect(written, `step ${index}`).toMatchObject({ leaseCounter: index + 1 })
      held = written!
      expect((await item())?.leaseCounter).toBe(index + 1)
    }
  })

  it('does not know what became of a write when every answer is lost; the next one finds out', async () => {
    const { table, item, fail } = await start()
    await table.create(fresh)
    const held = (await table.take(fresh, 'me'))!
    fail({ kind: 'loseAnswer' }, 2)
    await expect(table.checkpoint(held, position('5'))).rejects.toMatchObject({ failure: 'unreachable' })
    // Written it was: a renewal under the old counter is not taken for a lost lease.
    const renewed = await table.renew(held)
    expect(renewed).toMatchObject({ leaseCounter: 2, checkpoint: { sequenceNumber: '5' } })
    fail({ kind: 'loseAnswer' }, 2)
    await expect(table.renew(renewed!)).rejects.toMatchObject({ failure: 'unreachable' })
    const checkpointed = await table.checkpoint(renewed!, position('6'))
    expect(checkpointed).toMatchObject({ leaseCounter: 4, checkpoint: { sequenceNumber: '6' } })
    expect(await item()).toMatchObject({ leaseCounter: 4, checkpoint: '6', leaseOwner: 'me' })
  })

  it.each(['list', 'create', 'renew'] as const)(
    'rejects with a typed error when %s is throttled',
    async call => {
      const { table, fail } = await start()
      fail({ kind: 'error', error: new AwsError('ThrottlingException', 'slow down') }, 5)
      await expect(call === 'list' ? table.list() : table[call](fresh)).rejects.toMatchObject({
        code: 'SEALSTREAM_THROTTLED',
        service: 'dynamodb',
        retryable: true
      })
    }
  )
})

describe('the table itself', () => {
  it('is made once, whoever is first', async () => {
    const { table, client } = await start({ ensure: false })
    await Promise.all([table.ensure(), table.ensure(), table.ensure()])
    expect((await client.send(new DescribeTableCommand({ TableName: 'app' }))).Table?.TableStatus).toBe(
      'ACTIVE'
    )
  })

  it('is used when it is there, also without the right to make one', async () => {
    const { table, client } = await start({ ensure: false, createTable: false })
    await expect(table.ensure()).rejects.toMatchObject({ name: 'LeaseTableMissingError', tableName: 'app' })
    await expect(table.ensure()).rejects.toThrow(/createTable: true/)
    await client.send(
      new CreateTableCommand({
        TableName: 'app',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }]
      })
    )
    await table.ensure()
  })
})
