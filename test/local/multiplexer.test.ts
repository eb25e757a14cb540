import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { FirehoseClient, ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose'
import { CreateStreamCommand, KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { startLocal } from '../../local/index.ts'
import { opened, openLocal } from '../helpers/local.ts'

describe('one port for all services', () => {
  it('tells the services apart by the signature', async () => {
    const local = await openLocal()
    const config = { ...local.clientConfig('s3'), endpoint: local.endpoint }
    await opened(new KinesisClient(config)).send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
    await opened(new S3Client(config)).send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const { KeyMetadata: key } = await opened(new KMSClient(config)).send(new CreateKeyCommand({}))
    await opened(new DynamoDBClient(config)).send(
      new CreateTableCommand({
        TableName: 'table',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }]
      })
    )
    expect(
      (await opened(new FirehoseClient(config)).send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames
    ).toEqual([])
    // The same engines as behind the ports of their own.
    const streams = await opened(new KinesisClient(local.clientConfig('kinesis'))).send(
      new ListStreamsCommand({})
    )
    expect(streams.StreamNames).toEqual(['s'])
    const tables = await opened(new DynamoDBClient(local.clientConfig('dynamodb'))).send(
      new ListTablesCommand({})
    )
    expect(tables.TableNames).toEqual(['table'])
    const buckets = await opened(new S3Client(local.clientConfig('s3'))).send(new ListBucketsCommand({}))
    expect(buckets.Buckets?.map(({ Name }) => Name)).toEqual(['bucket'])
    const found = await opened(new KMSClient(local.clientConfig('kms'))).send(
      new DescribeKeyCommand({ KeyId: key?.KeyId })
    )
    expect(found.KeyMetadata?.Arn).toBe(key?.Arn)
  })

  it.each([
    ['Kinesis_20131202.ListStreams', '1.1', 'StreamNames'],
    // DynamoDB itself asks for a signature; the answer is its own.
    ['DynamoDB_20120810.ListTables', '1.0', '__type'],
    ['TrentService.CreateKey', '1.1', 'KeyMetadata'],
    ['Firehose_20150804.ListDeliveryStreams', '1.1', 'DeliveryStreamNames'],
    ['AmazonSQS.ListQueues', '1.0', 'QueueUrls']
  ])('takes an unsigned %s by its target', async (target, version, member) => {
    const local = await openLocal()
    const answer = await fetch(local.endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': target, 'content-type': `application/x-amz-json-${version}` },
      body: '{}'
    })
    expect(await answer.json()).toHaveProperty(member)
  })

  it('takes what names no service for S3, and answers health checks', async () => {
    const local = await openLocal()
    expect((await fetch(`${local.endpoint}/no-such-bucket/key`)).status).toBe(404)
    const health = await fetch(`${local.endpoint}/_localstack/health`)
    expect(await health.json()).toMatchObject({
      services: { kinesis: 'running', s3: 'running', sqs: 'running' }
    })
  })

  it('listens nowhere when one of its ports is taken', async () => {
    const first = await openLocal()
    const port = Number(new URL(first.endpoint).port)
    await expect(startLocal({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
