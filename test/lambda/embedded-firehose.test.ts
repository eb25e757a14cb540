import { randomBytes } from 'node:crypto'
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { expect, it, onTestFinished } from 'vitest'
import { KeyUnavailableError } from '../../core/errors.ts'
import type { SealMode } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'
import { type FirehoseTransformOptions, firehoseTransform } from '../../lambda/index.ts'
import { Producer } from '../../producer/index.ts'
import { roleAndBucket, startFirehose } from '../helpers/delivery-streams.ts'
import { opened } from '../helpers/local.ts'
import { numberedScenarios } from '../helpers/numbered-scenarios.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })
const source = {
  DeliveryStreamType: 'KinesisStreamAsSource' as const,
  KinesisStreamSourceConfiguration: {
    KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders',
    RoleARN: roleAndBucket.RoleARN
  }
}
const processing = {
  Enabled: true,
  Processors: [
    {
      Type: 'Lambda' as const,
      Parameters: [
        {
          ParameterName: 'LambdaArn' as const,
          ParameterValue: 'arn:aws:lambda:us-east-1:000000000000:function:f'
        }
      ]
    }
  ]
}
interface Order {
  readonly n: number
  readonly customer: string
}

/** Producer -> embedded Kinesis -> embedded Firehose with the transformation -> S3. */
async function start(
  transformOptions: Partial<FirehoseTransformOptions>,
  { mode, s3 = {}, failures = 0 }: { mode: SealMode; s3?: object; failures?: number }
) {
  const transform = firehoseTransform({ destination: 's3', open: { keyring }, ...transformOptions })
  let failuresLeft = failures
  const test = await startFirehose({
    firehoseFunctions: {
      f: event => {
        failuresLeft -= 1
        if (failuresLeft >= 0) throw new KeyUnavailableError('denied')
        return transform(event)
      }
    }
  })
  const kinesis = opened(new KinesisClient(test.local.clientConfig('kinesis')))
  await kinesis.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 2 }))
  await test.create({
    ...source,
    ExtendedS3DestinationConfiguration: { ...roleAndBucket, ...s3, ProcessingConfiguration: processing }
  })
  const producer = new Producer({
    streamName: 'orders',
    seal: { keyring, mode },
    clientConfig: test.local.clientConfig('kinesis')
  })
  onTestFinished(async () => {
    transform.close()
    await producer.close()
  })
  const put = async (orders: readonly Order[]) => {
    const puts = orders.map(order =>
      producer.put({ partitionKey: order.customer, data: Buffer.from(JSON.stringify(order)) })
    )
    await producer.flush()
    await Promise.all(puts)
  }
  return { ...test, transform, put }
}

const orders: readonly Order[] = Array.from({ length: 40 }, (_, n) => ({
  n,
  customer: n % 3 === 0 ? 'ann' : 'bob'
}))
const parsed = (text: string): readonly Order[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Order)
const byNumber = (a: Order, b: Order): number => a.n - b.n

it.each(['aggregate', 'record'] as const)(
  'delivers what was sealed in mode %s as lines of S3 objects, and drops what it is told to',
  async mode => {
    const { put, objects, transform } = await start(
      {
        transform: ({ data }) => (JSON.parse(Buffer.from(data).toString()).n % 2 === 0 ? data : 'Dropped')
      },
      { mode }
    )
    await put(orders)
    const delivered = (await objects()).flatMap(({ text }) => parsed(text))
    expect(delivered.toSorted(byNumber)).toEqual(orders.filter(({ n }) => n % 2 === 0))
    expect(transform.stats.userRecords).toBe(40)
    if (mode === 'record') expect(transform.stats).toMatchObject({ records: 40, ok: 20, dropped: 20 })
    else expect(transform.stats.records).toBeLessThan(40)
  }
)

const { scenario, complete } = numberedScenarios('firehose transformation', [25])

scenario(25, 'delivers what is Ok, drops, and keeps what fails alone, without another attempt', async () => {
  const { put, objects, transform } = await start(
    {
      transform: ({ data }) => {
        const { n } = JSON.parse(Buffer.from(data).toString()) as Order
        if (n === 1) return 'Dropped'
        if (n === 2) throw new RangeError('no such order')
        return data
      }
    },
    { mode: 'record' }
  )
  await put(orders.slice(0, 3))
  const found = await objects()
  const isFailure = ({ key }: { key: string }): boolean => key.startsWith('processing-failed/')
  const delivered = found.filter(each => !isFailure(each))
  expect(delivered.map(({ text }) => text)).toEqual([`${JSON.stringify(orders[0])}\n`])
  const failures = found.filter(isFailure).map(({ text }) => JSON.parse(text))
  expect(failures).toMatchObject([{ attemptsMade: 1, errorCode: 'Lambda.ProcessingFailedStatus' }])
  expect(transform.stats).toMatchObject({ invocations: 1, ok: 1, dropped: 1 })
})

it('lays records of mode record under the partition keys that it gives them', async () => {
  const { put, objects } = await start(
    {
      dynamicPartitioning: true,
      transform: ({ data, partitionKey }) => ({ data, partitionKeys: { customer: partitionKey! } })
    },
    {
      mode: 'record',
      s3: {
        Prefix: 'by/!{partitionKeyFromLambda:customer}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
        DynamicPartitioningConfiguration: { Enabled: true }
      }
    }
  )
  await put(orders)
  const found = await objects()
  for (const customer of ['ann', 'bob']) {
    const lines = found
      .filter(({ key }) => key.startsWith(`by/${customer}/`))
      .flatMap(({ text }) => parsed(text))
    expect(lines.toSorted(byNumber)).toEqual(orders.filter(order => order.customer === customer))
  }
})

it('leaves a sealed aggregate, as it came, under the error prefix where it would need several keys', async () => {
  const { put, objects } = await start(
    { dynamicPartitioning: true },
    {
      mode: 'aggregate',
      s3: {
        Prefix: 'by/!{partitionKeyFromLambda:customer}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
        DynamicPartitioningConfiguration: { Enabled: true }
      }
    }
  )
  await put(orders)
  const found = await objects()
  expect(found.map(({ key }) => key.split('/').slice(0, 2))).toEqual(
    found.map(() => ['errors', 'processing-failed'])
  )
  const failures = found.flatMap(({ text }) =>
    text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  )
  expect(failures.length).toBeGreaterThan(0)
  const opener = keyring.createOpener({ streamName: 'orders' })
  for (const { errorCode, rawData } of failures) {
    expect(errorCode).toBe('Lambda.ProcessingFailedStatus')
    expect(opener.isSealed(Buffer.from(rawData, 'base64'))).toBe(true)
  }
  opener.close()
})

it('loses nothing to a key that is there again at the next attempt', async () => {
  const { put, objects, clock } = await start({}, { mode: 'record', failures: 2 })
  await put(orders)
  const delivered = async () => (await objects()).flatMap(({ text }) => parsed(text))
  expect(await delivered()).toEqual([])
  // The pauses between the attempts.
  await clock.advance(60_000)
  await expect.poll(async () => (await delivered()).toSorted(byNumber)).toEqual(orders)
})

complete()
