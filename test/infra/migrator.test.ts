import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { type MigrateLeaseTableOptions, migrateLeaseTable, rekeyLeaseTable } from '../../consumer/index.ts'
import { evaluate, planAccess, planAuthorizer, planTemplate, rolePolicies } from '../../infra/index.ts'
import type { LocalAuthorize } from '../../local/index.ts'
import type { PipelinePlan } from '../../pipeline/index.ts'
import { aRow, makeLeaseTable, putRow } from '../helpers/lease-rows.ts'
import { opened, openLocal } from '../helpers/local.ts'

const roleArn = 'arn:aws:iam::000000000000:role/mover'
const plan: PipelinePlan = { name: 'orders', roles: { migrator: { roleArn, fromTable: 'former' } } }
const actionsOf = (sid: string): readonly string[] => {
  const [migrator] = rolePolicies(plan).filter(({ kind }) => kind === 'migrator')
  const statement = migrator!.policy.Statement.find(({ Sid }) => Sid === sid)
  return [statement?.Action ?? []].flat()
}

/** Both tables and the state key, on engines that decide by the policies of the plan. */
async function start() {
  let decide: LocalAuthorize = () => 'allow'
  const allowed = new Set<string>()
  const refused = new Set<string>()
  const local = await openLocal({
    services: ['dynamodb', 'kms'],
    authorize: async request => {
      const decision = await decide(request)
      const noted = decision === 'allow' ? allowed : refused
      if (request.principal === 'mover') noted.add(`${request.action} ${request.resource.split('/').at(-1)}`)
      return decision
    }
  })
  const client = opened(new DynamoDBClient(local.clientConfig('dynamodb')))
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  const stateKey = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  for (const table of ['former', 'orders-worker']) {
    await makeLeaseTable(client, table)
    await rekeyLeaseTable({ table: { tableName: table, client }, key: { kmsKeyId: stateKey } })
  }
  const mover = opened(
    new DynamoDBClient({
      ...local.clientConfig('dynamodb'),
      credentials: { accessKeyId: 'mover', secretAccessKey: 'secret' }
    })
  )
  const ruled = (): void => {
    decide = planAuthorizer(plan, { keyArns: { StateKey: stateKey }, principals: { mover: roleArn } })
  }
  const free = (): void => {
    decide = () => 'allow'
  }
  const migrate = (more: Partial<MigrateLeaseTableOptions> = {}) =>
    migrateLeaseTable({
      from: { tableName: 'former', client: mover },
      to: { tableName: 'orders-worker', client: mover },
      intervalMs: 10,
      resume: true,
      ...more
    })
  return { client, stateKey, mover, migrate, ruled, free, allowed, refused }
}

describe('the role that moves leases', () => {
  it('is enough for a whole move, and none of its rights is idle', async () => {
    const { client, migrate, ruled, free, allowed, refused } = await start()
    const child = { parentShardId: { SS: ['shardId-000000000000'] } }
    await putRow(client, 'former', aRow('shardId-000000000000', '10'))
    await putRow(client, 'former', aRow('shardId-000000000001', '10', child))
    ruled()
    expect((await migrate()).writes).toMatchObject({ created: 2 })
    free()
    await putRow(client, 'former', aRow('shardId-000000000001', '20', child))
    await client.send(
      new DeleteItemCommand({ TableName: 'former', Key: { leaseKey: { S: 'shardId-000000000000' } } })
    )
    ruled()
    const { writes, comparison } = await migrate()
    expect(writes).toMatchObject({ movedOn: 1, removed: 1 })
    expect(comparison.state).toBe('equal')
    expect([...refused]).toEqual([])
    const used = (table: string): string[] =>
      [...allowed].filter(each => each.endsWith(` ${table}`)).map(each => each.split(' ')[0]!)
    expect(used('former').sort()).toEqual([...actionsOf('ReadFormerLeases')].sort())
    expect(used('orders-worker').sort()).toEqual([...actionsOf('MoveLeases')].sort())
  })

  it('neither makes nor changes a table', async () => {
    const { client, mover, migrate, ruled, stateKey } = await start()
    await putRow(client, 'former', aRow('shardId-000000000000', '10'))
    ruled()
    const other = migrate({ to: { tableName: 'another', client: mover } })
    await expect(other).rejects.toMatchObject({ failure: 'denied' })
    const rekey = rekeyLeaseTable({
      table: { tableName: 'orders-worker', client: mover },
      key: { kmsKeyId: `${stateKey}x` }
    })
    await expect(rekey).rejects.toMatchObject({ failure: 'denied', operation: 'UpdateTable' })
  })

  it('is let in by the policies of table and key for as long as the plan names it', () => {
    const asked = (roles: PipelinePlan['roles'] & object): readonly string[] => {
      const { resourcePolicies, keyArns } = planAccess({ name: 'orders', roles })
      const everything = {
        name: 'everything',
        document: {
          Version: '2012-10-17' as const,
          Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }]
        }
      }
      const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/orders-worker'
      const through = (name: string) => ({
        'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com',
        'kms:EncryptionContext:aws:dynamodb:subscriberId': '000000000000',
        'kms:EncryptionContext:aws:dynamodb:tableName': name
      })
      const effect = (action: string, resource: string, context: Record<string, string>): string =>
        evaluate(
          { principal: { arn: roleArn, accountId: '000000000000' }, action, resource, context },
          { identity: [everything], resource: resourcePolicies.get(resource)! }
        ).effect
      const key = keyArns.StateKey!
      return [
        effect('dynamodb:UpdateItem', table, {}),
        effect('kms:Decrypt', key, through('orders-worker')),
        effect('kms:Decrypt', key, through('former')),
        effect('kms:Decrypt', key, through('other')),
        effect('kms:GenerateDataKey', key, through('orders-worker'))
      ]
    }
    const migrator = { roleArn, fromTable: 'former' }
    expect(asked({ migrator })).toEqual(['allow', 'allow', 'allow', 'implicitDeny', 'implicitDeny'])
    expect(asked({})).toEqual([
      'explicitDeny',
      'implicitDeny',
      'implicitDeny',
      'implicitDeny',
      'implicitDeny'
    ])
  })

  it('changes nothing else of the template', () => {
    const idsOf = (input: PipelinePlan): string[] => Object.keys(planTemplate(input).Resources)
    expect(idsOf(plan)).toEqual(idsOf({ name: 'orders' }))
  })
})
