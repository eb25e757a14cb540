import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { CheckpointWatch } from '../../helpers/checkpoint-watch.ts'
import { aRow, makeLeaseTable, putRow } from '../../helpers/lease-rows.ts'
import { opened, openLocal } from '../../helpers/local.ts'

it('sees a checkpoint that goes back, by whichever expression it was written', async () => {
  const local = await openLocal({ services: ['dynamodb'] })
  const watch = new CheckpointWatch('leases')
  const client = watch.watch(opened(new DynamoDBClient(local.clientConfig('dynamodb'))))
  await makeLeaseTable(client, 'leases', [aRow('a', '100'), aRow('b', '100')])
  const update = (leaseKey: string, checkpoint: string, counter: string): Promise<unknown> =>
    client.send(
      new UpdateItemCommand({
        TableName: 'leases',
        Key: { leaseKey: { S: leaseKey } },
        UpdateExpression: 'SET #c = :c, leaseCounter = :n REMOVE pendingCheckpoint',
        ExpressionAttributeNames: { '#c': 'checkpoint' },
        ExpressionAttributeValues: { ':c': { S: checkpoint }, ':n': { N: counter } }
      })
    )
  await update('a', '200', '6')
  await makeLeaseTable(client, 'others', [aRow('a', '1')])
  expect(watch.steppedBack()).toEqual([])
  await update('a', '150', '7')
  await putRow(client, 'leases', aRow('b', '99', { leaseCounter: { N: '8' } }))
  expect(watch.steppedBack()).toEqual(['a: from 200 to 150', 'b: from 100 to 99'])
  expect(watch.writes).toBe(5)
})
