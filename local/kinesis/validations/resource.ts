import { missingMemberError } from '../../constraint-error.ts'
import type { KinesisStore, Stream, StreamConsumer } from '../store.ts'
import { consumerOf } from './consumers.ts'

/** The stream or the consumer that an ARN names; both have tags and a policy. */
export function resourceOf(store: KinesisStore, arn: unknown): Stream | StreamConsumer {
  if (typeof arn !== 'string') {
    throw missingMemberError('resourceARN')
  }
  return arn.includes('/consumer/')
    ? consumerOf(store, { ConsumerARN: arn }).consumer
    : store.streamOf({ StreamARN: arn })
}
