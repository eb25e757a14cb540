import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, it } from 'vitest'
import { type LocalEngines, startLocal } from '../../../local/index.ts'

let local: LocalEngines
let kinesis: KinesisClient
beforeEach(async () => {
  local = await startLocal({ services: ['kinesis', 'firehose'], receivers: ['search'], clock: 'virtual' })
  kinesis = new KinesisClient({ ...local.clientConfig('kinesis'), maxAttempts: 1 })
  return async () => {
    kinesis.destroy()
    await local.close()
  }
})

async function call(method: string, path: string, body?: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await fetch(`${local.endpoint}/_sealstream/${path}`, {
    method,
    ...(body === undefined ? {} : { body: text })
  })
  expect(answer.headers.get('content-type')).toBe('application/json')
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const put = (): Promise<unknown> =>
  kinesis.send(
    new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from('secret payload') })
  )

describe('the administration over HTTP', () => {
  it('puts rules in force, tells what became of them, and takes them back', async () => {
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const rules = [{ service: 'kinesis', kind: 'throttle', operation: 'PutRecord', times: 2 }]
    expect(await call('PUT', 'faults', rules)).toEqual({
      status: 200,
      body: { rules: [{ rule: rules[0], requests: 0, hits: 0 }], log: [] }
    })
    await expect(put()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' })
    const told = await call('GET', 'faults')
    expect(told.body).toMatchObject({
      rules: [{ requests: 1, hits: 1 }],
      log: [{ rule: 0, service: 'kinesis', operation: 'PutRecord', kind: 'throttle' }]
    })
    expect(JSON.stringify(told.body)).not.toContain(Buffer.from('secret payload').toString('base64'))
    expect((await call('DELETE', 'faults')).body).toMatchObject({ rules: [], log: [{ rule: 0 }] })
    await put()
  })

  it('takes a seed beside the rules', async () => {
    const rules = [{ service: 'kinesis', kind: 'throttle', operation: 'PutRecord', probability: 0.5 }]
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    const hits = async (seed: number): Promise<string> => {
      await call('PUT', 'faults', { rules, seed })
      const outcomes: string[] = []
      for (let count = 0; count < 24; count += 1) {
        outcomes.push(
          await put().then(
            () => '.',
            () => 'x'
          )
        )
      }
      return outcomes.join('')
    }
    const first = await hits(7)
    expect(await hits(7)).toBe(first)
    expect(await hits(8)).not.toBe(first)
  })

  it.each([
    ['PUT', 'faults', 'not json', 400, 'body is not JSON'],
    [
      'PUT',
      'faults',
      '[{"service":"kinesis","kind":"x"}]',
      400,
      'option faults[0].kind: must be one of throttle'
    ],
    ['PUT', 'faults', { rules: [], seed: 'x' }, 400, 'option seed'],
    ['PUT', 'faults', {}, 400, 'option faults: must be a list'],
    ['POST', 'faults', [], 405, 'POST is not for this path'],
    ['POST', 'inspect', {}, 405, 'POST is not for this path'],
    ['GET', 'reset', undefined, 405, 'GET is not for this path'],
    ['POST', 'clock', {}, 400, 'option ms'],
    ['POST', 'clock', { advanceMs: -1 }, 400, 'option ms'],
    ['GET', 'nothing', undefined, 404, 'there are faults'],
    ['GET', 'faults/more', undefined, 404, 'there are faults'],
    ['GET', 'inspect/kms', undefined, 404, 'there are kinesis, s3, firehose, search'],
    ['GET', 'inspect/toString', undefined, 404, 'there are kinesis']
  ])('%s %s with %j is answered %i', async (method, path, body, status, error) => {
    expect(await call(method, path, body)).toEqual({
      status,
      body: { error: expect.stringContaining(error) }
    })
  })

  it('refuses a body that is too large', async () => {
    expect((await call('PUT', 'faults', ' '.repeat(1024 * 1024 + 1))).status).toBe(400)
  })

  it('shows what the engines hold, all of them or one', async () => {
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }))
    await put()
    const one = await call('GET', 'inspect/kinesis')
    expect(one.body).toMatchObject({ streams: [{ name: 's', records: 1, shards: [{}, {}] }] })
    const all = await call('GET', 'inspect')
    expect(Object.keys(all.body)).toEqual(['kinesis', 's3', 'firehose', 'search'])
    expect(all.body.kinesis).toEqual(one.body)
  })

  it('moves a virtual clock, and tells its time', async () => {
    const { body: before } = await call('GET', 'clock')
    const { body: after } = await call('POST', 'clock', { advanceMs: 60_000 })
    expect(Number(after.nowMs) - Number(before.nowMs)).toBe(60_000)
    expect(Number(after.wallTimeMs) - Number(before.wallTimeMs)).toBe(60_000)
    expect(local.clock.now()).toBe(after.nowMs)
  })

  it('says that the system’s time moves by itself', async () => {
    await using real = await startLocal({ services: ['sqs'] })
    const answer = await fetch(`${real.endpoint}/_sealstream/clock`, {
      method: 'POST',
      body: '{"advanceMs":1}'
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain("clock: 'virtual'")
  })

  it('resets, and stays reachable while it does', async () => {
    const s3 = new S3Client(local.clientConfig('s3'))
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    s3.destroy()
    expect(await call('POST', 'reset')).toEqual({ status: 200, body: {} })
    expect((await call('GET', 'inspect/s3')).body).toEqual({ buckets: [] })
  })
})
