import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { KinesisStore, Stream, StreamConsumer } from '../store.ts'

type Input = Readonly<Record<string, unknown>>

/** Consumers of one stream (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html). */
const maxConsumers = 20
/** Of them, those that may be CREATING (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html). */
const maxCreating = 5

/** Name of a consumer that may be registered now. */
export function validateNewConsumer(stream: Stream, name: unknown): string {
  if (typeof name !== 'string' || !/^[a-zA-Z0-9_.-]{1,128}$/.test(name)) {
    throw constraintError('consumerName', 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+')
  }
  if (stream.consumers.some(consumer => consumer.name === name)) {
    throw new AwsError('ResourceInUseException', `Consumer ${name} of stream ${stream.name} already exists.`)
  }
  const creating = stream.consumers.filter(({ status }) => status === 'CREATING')
  if (stream.consumers.length >= maxConsumers || creating.length >= maxCreating) {
    throw new AwsError(
      'LimitExceededException',
      `Stream ${stream.name} has ${stream.consumers.length} consumers, of which ${creating.length} are being created.`
    )
  }
  return name
}

/** The consumer that the input names by its ARN, or by its name and the stream's ARN. */
export function consumerOf(
  store: KinesisStore,
  { ConsumerARN: arn, StreamARN: streamArn, ConsumerName: name }: Input
): { readonly stream: Stream; readonly consumer: StreamConsumer } {
  if (typeof arn !== 'string' && (typeof streamArn !== 'string' || typeof name !== 'string')) {
    throw new AwsError(
      'InvalidArgumentException',
      'Either ConsumerARN, or StreamARN and ConsumerName must be provided.'
    )
  }
  // arn:aws:kinesis:<region>:<account>:stream/<stream>/consumer/<name>:<creation time>
  const stream = store.streamOf({
    StreamARN: typeof arn === 'string' ? arn.replace(/\/consumer\/.*$/, '') : streamArn
  })
  const consumer = stream.consumers.find(candidate =>
    typeof arn === 'string' ? candidate.arn === arn : candidate.name === name
  )
  if (consumer !== undefined) return { stream, consumer }
  throw new AwsError(
    'ResourceNotFoundException',
    `Consumer ${typeof arn === 'string' ? arn : String(name)} of stream ${stream.name} not found.`
  )
}
