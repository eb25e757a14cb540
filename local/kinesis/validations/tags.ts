import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { Tags } from '../store.ts'

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_TagResource.html
const maxTags = 50
const maxKeyCharacters = 128
const maxValueCharacters = 256
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** The tags that a resource has with those of the request on top. Without `added` there are none to add. */
export function mergeTags(tags: Tags, added: unknown): Tags {
  const entries = Object.entries((added ?? {}) as Readonly<Record<string, unknown>>)
  const merged = new Map(tags)
  for (const [key, value] of entries) {
    checkKey(key)
    if (typeof value !== 'string' || [...value].length > maxValueCharacters) {
      throw constraintError(
        `tags.${key}`,
        `Member must have length less than or equal to ${maxValueCharacters}`
      )
    }
    if (!allowed.test(value))
      throw new AwsError(
        'InvalidArgumentException',
        `Tag value of ${key} has characters that are not allowed.`
      )
    merged.set(key, value)
  }
  if (merged.size > maxTags) {
    throw new AwsError(
      'LimitExceededException',
      `A resource has ${maxTags} tags at most, not ${merged.size}.`
    )
  }
  return merged
}

export function validateTagKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > maxTags) {
    throw constraintError('tagKeys', `Member must have length between 1 and ${maxTags}`)
  }
  return keys.map((key: unknown) => {
    checkKey(String(key))
    return String(key)
  })
}

function checkKey(key: string): void {
  if (key === '' || [...key].length > maxKeyCharacters) {
    throw constraintError('tagKey', `Member must have length between 1 and ${maxKeyCharacters}`)
  }
  if (key.startsWith('aws:') || !allowed.test(key)) {
    throw new AwsError(
      'InvalidArgumentException',
      `Tag key ${key} begins with aws:, or has characters that are not allowed.`
    )
  }
}
