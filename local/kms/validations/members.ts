import type { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'

type Input = Readonly<Record<string, unknown>>

export function invalid(member: string, constraint: string): AwsError {
  const name = member.charAt(0).toLowerCase() + member.slice(1)
  return constraintError(name, `Member must ${constraint}`)
}

/** Bytes of a base64 member. @throws AwsError ValidationException unless there are 1 to `maxBytes` of them */
export function blobOf(input: Input, member: string, maxBytes: number): Buffer {
  const value = input[member]
  const blob = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0)
  if (blob.length >= 1 && blob.length <= maxBytes) return blob
  throw invalid(member, `have length between 1 and ${maxBytes}`)
}

/** A whole number in a range; undefined when it is missing. @throws AwsError ValidationException */
export function integerOf(input: Input, member: string, min: number, max: number): number | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(member, `be between ${min} and ${max}`)
}

/** A text of at most `maxLength` characters; undefined when it is missing. @throws AwsError ValidationException */
export function optionalTextOf(input: Input, member: string, maxLength: number): string | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value.length <= maxLength) return value
  throw invalid(member, `have length less than or equal to ${maxLength}`)
}

/** The same, where it must be there. */
export function textOf(input: Input, member: string, maxLength: number): string {
  const value = optionalTextOf(input, member, maxLength)
  if (value === undefined || value === '') throw invalid(member, 'not be null')
  return value
}
