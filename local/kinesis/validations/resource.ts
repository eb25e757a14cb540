import { AwsError } from '../../aws-json.ts'
import type { KinesisStore, Stream, StreamConsumer } from '../store.ts'
import { consumerOf } from './consumers.ts'

/** The stream or the consumer that an ARN names; both have tags and a policy. */
export function resourceOf(store: KinesisStore, arn: unknown): Stream | StreamConsumer {
  if (typeof arn !== 'string') {
    throw new AwsError(
      'ValidationException',
      "1 validation error detected: Value null at 'resourceARN' failed to satisfy constraint: Member must not be null"
    )
  }
  return arn.includes('/consumer/')
    ? consumerOf(store, { ConsumerARN: arn }).consumer
    : store.streamOf({ StreamARN: arn })
}
