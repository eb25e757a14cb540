import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'

/** Name of the stream that an input is about. */
export function validateStreamReference({
  StreamName: name,
  StreamARN: arn
}: Readonly<Record<string, unknown>>): string {
  if (typeof arn !== 'string') {
    if (typeof name === 'string') return name
    throw new AwsError('InvalidArgumentException', 'Either StreamName or StreamARN must be provided.')
  }
  // arn:<partition>:kinesis:<region>:<account>:stream/<name>
  const [, inArn] = /^arn:aws[^:]*:kinesis:[^:]*:\d{12}:stream\/([a-zA-Z0-9_.-]+)$/.exec(arn) ?? []
  if (inArn === undefined) {
    throw constraintError(
      'streamARN',
      'Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+'
    )
  }
  if (name === undefined || name === null || name === inArn) return inArn
  throw new AwsError('InvalidArgumentException', 'StreamName and StreamARN do not name the same stream.')
}
