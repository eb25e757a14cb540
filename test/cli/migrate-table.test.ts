import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { aRow, makeLeaseTable, putRow, rowsOf } from '../helpers/lease-rows.ts'
import { opened, openLocal } from '../helpers/local.ts'

const folder = makeCommandFolder()
const migrateTable = (...args: string[]): Promise<Outcome> =>
  outcome(launchCommand(folder, ['migrate-table', ...args]))

async function start() {
  const local = await openLocal({ services: ['dynamodb', 'kms'] })
  const client = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
  await makeLeaseTable(client, 'old', [
    aRow('shardId-000000000000', '100', { leaseOwner: { S: 'w' } }),
    aRow('shardId-000000000001', 'SHARD_END')
  ])
  const { endpoint } = local
  const places = ['--from-endpoint', endpoint, '--to-endpoint', endpoint]
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  const key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  return { client, places, key }
}

describe('sealstream migrate-table', { timeout: 60_000 }, () => {
  it('looks first, copies, and goes on where it was', async () => {
    const { client, places, key } = await start()
    const tables = ['--from', 'old', '--to', 'new', ...places]
    const dry = await migrateTable(...tables, '--dry-run')
    expect(dry.stdout).toContain('would create  2, move on 0, remove 0\n')
    expect(dry.stdout).toContain('missing  shardId-000000000000: it is not in the target')
    expect(dry.code).toBe(0)

    const copied = await migrateTable(...tables, '--kms-key', key)
    expect(copied.stderr).toContain('made table new\npass 1  created 2, moved on 0, removed 0\n')
    expect(copied.stdout).toContain('rows       2 old, 2 new, of which 2 say the same\n')
    const [, old, , now] = /digest +(\w+) old\n( +)(\w+) new\n/.exec(copied.stdout)!
    expect(now).toBe(old)
    expect(copied.code).toBe(0)
    expect((await rowsOf(client, 'new'))['shardId-000000000000']).not.toHaveProperty('leaseOwner')
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'new' }))
    expect(Table?.SSEDescription?.KMSMasterKeyArn).toBe(key)

    const again = await migrateTable(...tables)
    expect(again.stderr).toContain('holds leases already: resume (--resume)')
    expect(again.code).toBe(1)

    await putRow(client, 'old', aRow('shardId-000000000000', '300', { leaseCounter: { N: '8' } }))
    const followed = await migrateTable(...tables, '--resume', '--follow', '--quiet', '1', '--json')
    expect(followed.json).toMatchObject({
      from: 'old',
      to: 'new',
      endedBy: 'quiet',
      writes: { created: 0, movedOn: 1 },
      comparison: { state: 'equal', equal: 2 }
    })
    expect(followed.code).toBe(0)
  })

  it('ends with what differs as findings', async () => {
    const { client, places } = await start()
    await makeLeaseTable(client, 'new', [aRow('shardId-000000000000', 'LATEST', { leaseOwner: { S: 'n' } })])
    const { stdout, code } = await migrateTable('--from', 'old', '--to', 'new', ...places, '--resume')
    expect(stdout).toContain(
      'conflict  shardId-000000000000: the target stands at LATEST, and the source does not\nINCOMPLETE\n'
    )
    expect(code).toBe(4)
  })

  it('changes the key in place when both names are one table, and says so', async () => {
    const { client, places, key } = await start()
    const table = ['--from', 'old', '--to', 'old', ...places]
    const { stdout, code } = await migrateTable(...table, '--kms-key', key)
    expect(stdout).toBe(
      `--from and --to are one table: its key is changed in place, and nothing is copied\nkey before  DynamoDB's own\nkey now     ${key}\n`
    )
    expect(code).toBe(0)
    expect(Object.keys(await rowsOf(client, 'old'))).toHaveLength(2)
    const without = await migrateTable(...table)
    expect(without.stderr).toContain('expected --kms-key, to change its key in place')
    expect(without.code).toBe(2)
  })

  it.each([
    [[], '--from is missing: name the table'],
    [['--from', 'old'], '--to is missing: name the table'],
    [['--from', 'old', '--to', 'a/b'], '--to: expected the name of a table, found a/b'],
    [['--from', 'old', '--to', 'new', '--quiet', '0'], '--quiet: expected a whole number from 1 to 3600'],
    [['--from', 'old', '--to', 'new', '--to-endpoint', 'here'], '--to-endpoint: expected an http'],
    [['--from', 'old', '--to', 'new', '--verify'], "Unknown option '--verify'"]
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await migrateTable(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('says when nobody is there', async () => {
    const nobody = 'http://127.0.0.1:1'
    const { code, stderr } = await migrateTable(
      ...['--from', 'old', '--to', 'new', '--from-endpoint', nobody, '--to-endpoint', nobody]
    )
    expect(stderr).toContain('cannot reach DynamoDB')
    expect(code).toBe(3)
  })
})
