import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import { type RecordDistribution, recordDistributions, type StreamMode, streamModes } from '../store.ts'

/** Name of a stream to be made. */
export function validateStreamName(name: unknown): string {
  if (typeof name === 'string' && /^[a-zA-Z0-9_.-]{1,128}$/.test(name)) return name
  throw constraintError('streamName', 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+')
}

export function validateCount(member: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw constraintError(member, `Member must be between ${min} and ${max}`)
}

export function validateLength(member: string, value: unknown, min: number, max: number): string {
  if (typeof value === 'string' && value.length >= min && value.length <= max) return value
  throw constraintError(member, `Member must have length between ${min} and ${max}`)
}

export function validateOneOf<T extends string>(member: string, value: unknown, accepted: readonly T[]): T {
  if (accepted.includes(value as T)) return value as T
  throw constraintError(member, `Member must satisfy enum value set: [${accepted.join(', ')}]`)
}

/** Largest record of a stream, in bytes (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html). */
export function validateMaxRecordSize(kibibytes: unknown): number {
  return validateCount('maxRecordSizeInKiB', kibibytes, 1024, 10_240) * 1024
}

export function validateStreamMode(details: unknown): StreamMode {
  const mode =
    typeof details === 'object' && details !== null ? Reflect.get(details, 'StreamMode') : undefined
  return validateOneOf('streamModeDetails.streamMode', mode, streamModes)
}

/** `AUTO` goes with on-demand streams alone. */
export function validateRecordDistribution(value: unknown, mode: StreamMode): RecordDistribution {
  const distribution = validateOneOf('recordDistributionStrategy', value, recordDistributions)
  if (mode === 'ON_DEMAND') return distribution
  throw new AwsError(
    'InvalidArgumentException',
    'RecordDistributionStrategy is only supported for streams with the on-demand capacity mode.'
  )
}
