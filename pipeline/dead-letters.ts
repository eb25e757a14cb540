import type { S3Client } from '@aws-sdk/client-s3'
import type { SQSClient } from '@aws-sdk/client-sqs'
import {
  type DeadLetterSource,
  type DeadLetterSummary,
  S3DeadLetterSource,
  S3DeadLetterStore,
  SqsDeadLetterSource,
  SqsDeadLetterStore
} from '../consumer/index.ts'
import type { DeadLetterStore } from '../core/record-sink.ts'
import type { ResolvedPlan } from './plan.ts'

interface Clients {
  readonly s3: S3Client
  readonly sqs: SQSClient
}

/** Where the plan's workers put dead letters. */
export function deadLetterStore({ deadLetters }: ResolvedPlan, { s3, sqs }: Clients): DeadLetterStore {
  const { kind, queue, bucket, prefix } = deadLetters
  const objects = { client: s3, bucket, prefix }
  return kind === 's3'
    ? new S3DeadLetterStore(objects)
    : new SqsDeadLetterStore({ client: sqs, queue, claims: objects })
}

/** Where they are read from. */
export function deadLetterSource({ deadLetters }: ResolvedPlan, { s3, sqs }: Clients): DeadLetterSource {
  const { kind, queue, bucket, prefix } = deadLetters
  const objects = { client: s3, bucket, prefix }
  return kind === 's3'
    ? new S3DeadLetterSource(objects)
    : new SqsDeadLetterSource({ client: sqs, queue, claims: objects })
}

/** The same store, and a word to `onStored` about each dead letter that is in it. */
export function telling(
  store: DeadLetterStore,
  onStored: (letter: DeadLetterSummary) => void
): DeadLetterStore {
  return {
    async put(letter, options) {
      await store.put(letter, options)
      const { data: _, ...summary } = letter
      onStored(summary)
    }
  }
}
