import {
  DescribeDeliveryStreamCommand,
  ListDeliveryStreamsCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordCommand,
  StartDeliveryStreamEncryptionCommand,
  StopDeliveryStreamEncryptionCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand
} from '@aws-sdk/client-firehose'
import { describe, expect, it } from 'vitest'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'

const DeliveryStreamName = 'd'
const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/1'

describe('encryption of a delivery stream', () => {
  async function start() {
    const test = await startFirehose()
    const { firehose } = test
    return {
      ...test,
      on: (input?: object) =>
        firehose.send(
          new StartDeliveryStreamEncryptionCommand({
            DeliveryStreamName,
            ...(input === undefined ? {} : { DeliveryStreamEncryptionConfigurationInput: input as never })
          })
        ),
      off: () => firehose.send(new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName })),
      state: async () => {
        const { DeliveryStreamDescription: found } = await firehose.send(
          new DescribeDeliveryStreamCommand({ DeliveryStreamName })
        )
        const { Encrypted: one } = await firehose.send(
          new PutRecordCommand({ DeliveryStreamName, Record: { Data: Buffer.from('x') } })
        )
        const { Encrypted: batch } = await test.put('x')
        return { ...found!.DeliveryStreamEncryptionConfiguration, one, batch }
      }
    }
  }

  it('is told in descriptions and by every put', async () => {
    const { create, on, off, state } = await start()
    await create({ S3DestinationConfiguration: roleAndBucket })
    expect(await state()).toEqual({ Status: 'DISABLED', one: false, batch: false })
    await on()
    expect(await state()).toEqual({ Status: 'ENABLED', KeyType: 'AWS_OWNED_CMK', one: true, batch: true })
    await on({ KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: keyArn })
    expect(await state()).toMatchObject({ KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: keyArn })
    await off()
    expect(await state()).toEqual({ Status: 'DISABLED', one: false, batch: false })
  })

  it('is a state alone: no key is asked for', async () => {
    const { create, state, local } = await start()
    await create({
      S3DestinationConfiguration: roleAndBucket,
      DeliveryStreamEncryptionConfigurationInput: { KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: keyArn }
    })
    expect(await state()).toMatchObject({ Status: 'ENABLED', KeyARN: keyArn, batch: true })
    expect(local.kmsRequests()).toBe(0)
  })

  it('changes at most 25 times in 24 hours', async () => {
    const { create, on, off, clock } = await start()
    await create({ S3DestinationConfiguration: roleAndBucket })
    await on()
    await clock.advance(1_000)
    for (let change = 0; change < 12; change += 1) {
      await off()
      await on()
    }
    await expect(off()).rejects.toMatchObject({ name: 'LimitExceededException' })
    await clock.advance(86_399_000 - 1)
    await expect(off()).rejects.toMatchObject({ name: 'LimitExceededException' })
    await clock.advance(1)
    await off()
    await expect(on()).rejects.toMatchObject({ name: 'LimitExceededException' })
  })

  it.each([
    [{ KeyType: 'MINE' }, 'ValidationException', '[AWS_OWNED_CMK, CUSTOMER_MANAGED_CMK]'],
    [{ KeyType: 'CUSTOMER_MANAGED_CMK' }, 'InvalidArgumentException', 'KeyARN'],
    [{ KeyType: 'AWS_OWNED_CMK', KeyARN: keyArn }, 'InvalidArgumentException', 'KeyARN'],
    [
      { KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: keyArn.replace('key', 'alias') },
      'ValidationException',
      'keyARN'
    ]
  ])('refuses %j', async (input, name, text) => {
    const { create, on } = await start()
    await create({ S3DestinationConfiguration: roleAndBucket })
    await expect(on(input)).rejects.toMatchObject({ name, message: expect.stringContaining(text) })
  })
})

describe('tags of a delivery stream', () => {
  async function start() {
    const test = await startFirehose()
    const { firehose, create } = test
    await create({
      S3DestinationConfiguration: roleAndBucket,
      Tags: [{ Key: 'team', Value: 'flights' }]
    })
    return {
      tag: (...tags: { readonly Key: string; readonly Value?: string }[]) =>
        firehose.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: tags })),
      untag: (...TagKeys: string[]) =>
        firehose.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys })),
      list: async (page: object = {}) => {
        const { Tags, HasMoreTags } = await firehose.send(
          new ListTagsForDeliveryStreamCommand({ DeliveryStreamName, ...page })
        )
        return { tags: Tags!.map(({ Key, Value }) => `${Key}=${Value}`), more: HasMoreTags }
      }
    }
  }

  it('are set, overwritten, listed in pages and taken away', async () => {
    const { tag, untag, list } = await start()
    await tag({ Key: 'b' }, { Key: 'a', Value: '1' })
    await tag({ Key: 'team', Value: 'ground' })
    expect(await list()).toEqual({ tags: ['a=1', 'b=', 'team=ground'], more: false })
    expect(await list({ Limit: 1, ExclusiveStartTagKey: 'a' })).toEqual({ tags: ['b='], more: true })
    await untag('a', 'absent')
    expect((await list()).tags).toEqual(['b=', 'team=ground'])
  })

  it('are at most 50, all of a request or none', async () => {
    const { tag, list } = await start()
    const many = (count: number) => Array.from({ length: count }, (_, index) => ({ Key: `k${index}` }))
    await expect(tag(...many(50))).rejects.toMatchObject({ name: 'LimitExceededException' })
    expect((await list()).tags).toHaveLength(1)
    await tag(...many(49))
    await tag({ Key: 'team', Value: 'again' })
    expect((await list()).tags).toHaveLength(50)
  })

  it('refuses keys of AWS, empty and long ones', async () => {
    const { tag, list } = await start()
    await expect(tag({ Key: 'aws:x' })).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    for (const wrong of [{ Key: '' }, { Key: 'k'.repeat(129) }, { Key: 'k', Value: 'v'.repeat(257) }]) {
      await expect(tag(wrong)).rejects.toMatchObject({ name: 'ValidationException' })
    }
    await expect(tag()).rejects.toMatchObject({ name: 'ValidationException' })
    expect((await list()).tags).toEqual(['team=flights'])
  })
})

describe('the list of delivery streams', () => {
  it('comes in pages, of one type', async () => {
    const { create, firehose } = await startFirehose()
    for (const name of ['b', 'c', 'a']) {
      await create({ DeliveryStreamName: name, S3DestinationConfiguration: roleAndBucket })
    }
    const list = (input: object) => firehose.send(new ListDeliveryStreamsCommand(input))
    expect(await list({ Limit: 2 })).toMatchObject({
      DeliveryStreamNames: ['a', 'b'],
      HasMoreDeliveryStreams: true
    })
    expect(
      await list({ ExclusiveStartDeliveryStreamName: 'b', DeliveryStreamType: 'DirectPut' })
    ).toMatchObject({
      DeliveryStreamNames: ['c'],
      HasMoreDeliveryStreams: false
    })
    expect((await list({ DeliveryStreamType: 'MSKAsSource' })).DeliveryStreamNames).toEqual([])
    await expect(list({ Limit: 0 })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("'limit'")
    })
  })
})
