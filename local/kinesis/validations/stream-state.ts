import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { KinesisStore, Stream } from '../store.ts'

type Input = Readonly<Record<string, unknown>>

/** The stream that the input names, which must not be in the middle of a change. */
export function activeStream(store: KinesisStore, input: Input): Stream {
  const stream = store.streamOf(input)
  if (stream.status === 'ACTIVE') return stream
  throw new AwsError(
    'ResourceInUseException',
    `Stream ${stream.name} is not ACTIVE, instead in state ${stream.status}.`
  )
}

/** The same for operations that take no name: settings of the stream itself. */
export function activeStreamByArn(store: KinesisStore, input: Input): Stream {
  const { StreamARN: arn } = input
  if (typeof arn === 'string' && /^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/.test(arn)) {
    return activeStream(store, { StreamARN: arn })
  }
  throw constraintError('streamARN', 'Member must be the ARN of a stream')
}

/** An active stream whose shards are the caller's affair: on-demand streams split and merge by themselves. */
export function reshardableStream(store: KinesisStore, input: Input): Stream {
  const stream = activeStream(store, input)
  if (stream.mode === 'PROVISIONED') return stream
  throw new AwsError(
    'ValidationException',
    `Stream ${stream.name} has the on-demand capacity mode; this operation needs the provisioned one.`
  )
}
