import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  S3DeadLetterSource,
  S3DeadLetterStore,
  SqsDeadLetterSource,
  SqsDeadLetterStore
} from '../../consumer/index.ts'
import { Ledger } from '../../pipeline/index.ts'
import { aDeadLetter } from '../helpers/dead-letters.ts'
import { opened, openLocal } from '../helpers/local.ts'
import { putAll, records, startPipeline, startWorker } from '../helpers/pipeline.ts'

/**
 * Every request of this process, whoever made the client: its method, and those of its headers that hand S3 a key. Of the
 * services used here S3 alone is asked by anything but POST.
 */
function watchRequests(): { readonly method: string; readonly keyHeaders: readonly string[] }[] {
  const seen: { method: string; keyHeaders: string[] }[] = []
  const watch = (message: unknown): void => {
    const { request } = message as { request: ClientRequest }
    const keyHeaders = request.getHeaderNames().filter(name => name.includes('customer'))
    seen.push({ method: request.method, keyHeaders })
  }
  subscribe('http.client.request.start', watch)
  onTestFinished(() => void unsubscribe('http.client.request.start', watch))
  return seen
}

const methodsOf = (seen: readonly { readonly method: string }[]): string[] =>
  [...new Set(seen.map(({ method }) => method))].sort()

describe('keys that a client hands to S3 (SSE-C)', () => {
  it('would be seen here, and are refused by a bucket that says nothing of them', async () => {
    const local = await openLocal()
    const seen = watchRequests()
    const s3 = opened(new S3Client(local.clientConfig('s3')))
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const put = new PutObjectCommand({
      Bucket: 'bucket',
      Key: 'key',
      Body: 'body',
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: 'k'.repeat(32)
    })
    await expect(s3.send(put)).rejects.toMatchObject({ name: 'AccessDenied' })
    expect(seen.at(-1)!.keyHeaders).toContain('x-amz-server-side-encryption-customer-algorithm')
  })

  it('are never sent with dead letters, neither as objects nor as claims', async () => {
    const local = await openLocal()
    const s3 = opened(new S3Client(local.clientConfig('s3')))
    const sqs = opened(new SQSClient(local.clientConfig('sqs')))
    await s3.send(new CreateBucketCommand({ Bucket: 'dead' }))
    await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }))
    const seen = watchRequests()
    const claims = { client: s3, bucket: 'dead', prefix: 'claims/' }
    const objects = { client: s3, bucket: 'dead', prefix: 'letters/' }
    const queue = { client: sqs, queue: 'dead', claims }
    const pairs = [
      [new S3DeadLetterStore(objects), new S3DeadLetterSource(objects)],
      [new SqsDeadLetterStore({ ...queue, maxMessageBytes: 1_024 }), new SqsDeadLetterSource(queue)]
    ] as const
    for (const [store, source] of pairs) {
      await store.put(aDeadLetter({ data: Buffer.alloc(4_000) }))
      const [held] = await source.receive()
      expect((await held!.read()).data).toHaveLength(4_000)
      await held!.remove()
    }
    expect(methodsOf(seen)).toEqual(['DELETE', 'GET', 'POST', 'PUT'])
    expect(seen.flatMap(({ keyHeaders }) => keyHeaders)).toEqual([])
  })

  it('are never sent by a pipeline that makes its buckets, delivers, and reads back', async () => {
    const seen = watchRequests()
    const { test, pipeline } = await startPipeline({ stream: { shards: 1 } })
    const reader = pipeline.createReader(pipeline.plan.destinations[0]!)!
    const ledger = new Ledger([{ name: 's3', identity: reader.identity }])
    const worker = startWorker(pipeline, 'w1')
    await putAll(pipeline, ledger, records(20))
    await expect
      .poll(
        async () => {
          await test.local?.flushFirehose()
          for await (const piece of reader.readNew()) for (const each of piece.records) ledger.deliver(each)
          return ledger.settled
        },
        { timeout: 25_000, interval: 100 }
      )
      .toBe(true)
    await worker.stop()
    expect(methodsOf(seen)).toEqual(expect.arrayContaining(['GET', 'PUT']))
    expect(seen.flatMap(({ keyHeaders }) => keyHeaders)).toEqual([])
  })
})
