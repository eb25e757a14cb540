import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import {
  ChangeMessageVisibilityCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient
} from '@aws-sdk/client-sqs'
import { callService } from '../../core/service-errors.ts'
import { clientConfigOf, type Engine } from '../engine.ts'
import { isQueueUrl, type ResolvedPlan } from '../plan.ts'

/** Something as a service stores it. */
export interface StoredPiece {
  readonly place: 'lease table' | 'dead-letter queue' | 'dead-letter bucket'
  readonly bytes: Uint8Array
}

/** Most messages, and most objects, that are looked at: a queue of a live pipeline may hold millions. */
const maxPieces = 1_000
/** How long a message is hidden while it is looked at, in seconds; then it is let go again. */
const holdSeconds = 30

/** Everything that the lease table and the dead letters of a plan hold, as it is stored. Changes nothing. */
export async function* storedPieces(plan: ResolvedPlan, engine: Engine): AsyncGenerator<StoredPiece> {
  yield* leaseItems(plan, engine)
  if (plan.deadLetters.kind === 'sqs') yield* messages(plan, engine)
  yield* objects(plan, engine)
}

async function* leaseItems({ consumer }: ResolvedPlan, engine: Engine): AsyncGenerator<StoredPiece> {
  const client = new DynamoDBClient(clientConfigOf(engine, 'dynamodb'))
  try {
    for (let start: Record<string, never> | undefined; ; ) {
      const { Items = [], LastEvaluatedKey } = await callService('dynamodb', 'Scan', () =>
        client.send(
          new ScanCommand({
            TableName: consumer.applicationName,
            ConsistentRead: true,
            ExclusiveStartKey: start
          })
        )
      )
      for (const item of Items) {
        yield { place: 'lease table', bytes: Buffer.from(JSON.stringify(item, binaryAsBase64)) }
      }
      if (LastEvaluatedKey === undefined) return
      start = LastEvaluatedKey as Record<string, never>
    }
  } finally {
    client.destroy()
  }
}

function binaryAsBase64(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

async function* messages({ deadLetters }: ResolvedPlan, engine: Engine): AsyncGenerator<StoredPiece> {
  const client = new SQSClient(clientConfigOf(engine, 'sqs'))
  const held: Message[] = []
  try {
    const { queue } = deadLetters
    const { QueueUrl } = isQueueUrl(queue)
      ? { QueueUrl: queue }
      : await callService('sqs', 'GetQueueUrl', () =>
          client.send(new GetQueueUrlCommand({ QueueName: queue }))
        )
    try {
      while (held.length < maxPieces) {
        const { Messages: received = [] } = await callService('sqs', 'ReceiveMessage', () =>
          client.send(
            new ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: 10,
              VisibilityTimeout: holdSeconds,
              WaitTimeSeconds: 1,
              MessageAttributeNames: ['All']
            })
          )
        )
        if (received.length === 0) return
        held.push(...received)
        for (const { Body, MessageAttributes } of received) {
          const whole = JSON.stringify({ Body, MessageAttributes }, binaryAsBase64)
          yield { place: 'dead-letter queue', bytes: Buffer.from(whole) }
        }
      }
    } finally {
      await Promise.all(
        held.map(({ ReceiptHandle }) =>
          client
            .send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
            // It comes back by itself a moment later.
            .catch(() => {})
        )
      )
    }
  } finally {
    client.destroy()
  }
}

async function* objects({ deadLetters }: ResolvedPlan, engine: Engine): AsyncGenerator<StoredPiece> {
  const client = new S3Client(clientConfigOf(engine, 's3'))
  const { bucket: Bucket, prefix: Prefix } = deadLetters
  try {
    const { Contents = [] } = await callService('s3', 'ListObjectsV2', () =>
      client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: maxPieces }))
    )
    for (const { Key } of Contents) {
      const bytes = await callService('s3', 'GetObject', async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        return Body?.transformToByteArray()
      })
      // Its key is stored as well.
      yield {
        place: 'dead-letter bucket',
        bytes: Buffer.concat([Buffer.from(`${Key}\n`), bytes ?? Buffer.alloc(0)])
      }
    }
  } finally {
    client.destroy()
  }
}
