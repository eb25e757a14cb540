import { AwsError } from '../../aws-json.ts'
import type { Stream } from '../store.ts'
import { validateCount } from './stream.ts'

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
const minHours = 24
const maxHours = 8_760

/** The period asked for, in hours: neither operation goes the other one's way, and none beyond a day and a year. */
export function validateRetentionPeriod(
  { RetentionPeriodHours: asked }: Readonly<Record<string, unknown>>,
  { name, retentionHours }: Stream,
  direction: 'longer' | 'shorter'
): number {
  // Above zero is what the service's model checks; the rest is a matter of the stream.
  const hours = validateCount('retentionPeriodHours', asked, 1, Number.MAX_SAFE_INTEGER)
  if (hours < minHours) {
    throw invalid(
      `Minimum allowed retention period is ${minHours} hours. Requested retention period (${hours} hours) is too short.`
    )
  }
  if (hours > maxHours) {
    throw invalid(
      `Maximum allowed retention period is ${maxHours} hours. Requested retention period (${hours} hours) is too long.`
    )
  }
  if (direction === 'longer' && hours < retentionHours) {
    throw invalid(
      `Requested retention period (${hours} hours) for stream ${name} can not be shorter than existing retention period (${retentionHours} hours). Use DecreaseRetentionPeriod API.`
    )
  }
  if (direction === 'shorter' && hours > retentionHours) {
    throw invalid(
      `Requested retention period (${hours} hours) for stream ${name} can not be longer than existing retention period (${retentionHours} hours). Use IncreaseRetentionPeriod API.`
    )
  }
  return hours
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message)
}
