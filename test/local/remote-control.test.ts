import { CreateStreamCommand, KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { remoteControl } from '../../local/testing/remote-control.ts'
import { opened, openLocal } from '../helpers/local.ts'

describe('the switches of engines that run elsewhere', () => {
  it('do what those in the same process do', async () => {
    const local = await openLocal({ services: ['kinesis', 'sqs'] })
    const remote = remoteControl(local.endpoint)
    const kinesis = opened(new KinesisClient({ ...local.clientConfig('kinesis'), maxAttempts: 1 }))
    await remote.faults.script([{ service: 'kinesis', kind: 'throttle', operation: 'ListStreams' }], {
      seed: 3
    })
    await expect(kinesis.send(new ListStreamsCommand({}))).rejects.toMatchObject({
      name: 'LimitExceededException'
    })
    expect(await remote.faults.rules()).toEqual(local.faults.rules())
    expect(await remote.faults.log()).toEqual(local.faults.log())
    expect(await remote.faults.log()).toHaveLength(1)
    await remote.faults.clear()
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    expect((await remote.inspect.kinesis()).streams.map(({ name }) => name)).toEqual(['s'])
    await remote.reset()
    expect((await kinesis.send(new ListStreamsCommand({}))).StreamNames).toEqual([])
  })

  it('move a virtual clock', async () => {
    const local = await openLocal({ services: ['sqs'], clock: 'virtual' })
    const before = local.clock.now()
    await remoteControl(local.endpoint).clock.advance(90_000)
    expect(local.clock.now() - before).toBe(90_000)
  })

  it('say what is wrong', async () => {
    const local = await openLocal({ services: ['sqs'] })
    const remote = remoteControl(local.endpoint)
    await expect(remote.faults.script([{ service: 'sqs', kind: 'delay' }])).rejects.toMatchObject({
      reason: 'failed',
      message: 'option faults[0].delayMs: is missing'
    })
    await expect(remote.inspect.hec()).rejects.toMatchObject({ reason: 'failed', message: 'there are sqs' })
    await local.close()
    await expect(remote.reset()).rejects.toMatchObject({ reason: 'unreachable' })
  })
})
