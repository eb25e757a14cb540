import { AwsError } from '../../aws-json.ts'

/** Name of a stream to be made. */
export function validateStreamName(name: unknown): string {
  if (typeof name === 'string' && /^[a-zA-Z0-9_.-]{1,128}$/.test(name)) return name
  throw new AwsError(
    'ValidationException',
    "1 validation error detected: Value at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
  )
}

export function validateCount(member: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must be between ${min} and ${max}`
  )
}
