import { AwsError } from '../../aws-json.ts'

/** Tags of one key (https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html). */
export const maxTags = 50
const maxKeyLength = 128
const maxValueLength = 256

/** `Tags` of the input; empty when they are missing. @throws AwsError TagException */
export function tagsOf({ Tags: tags }: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  if (tags === undefined || tags === null) return new Map()
  if (!Array.isArray(tags)) throw new AwsError('SerializationException', 'Tags is not a list')
  const checked = new Map<string, string>()
  for (const tag of tags as readonly unknown[]) {
    const { TagKey: key, TagValue: value } = (tag ?? {}) as Record<string, unknown>
    if (typeof key !== 'string' || key === '' || key.length > maxKeyLength || key.startsWith('aws:')) {
      throw new AwsError(
        'TagException',
        `Invalid tag key: 1 to ${maxKeyLength} characters, not starting with aws:`
      )
    }
    if (typeof value !== 'string' || value.length > maxValueLength) {
      throw new AwsError('TagException', `Invalid value of tag ${key}: at most ${maxValueLength} characters`)
    }
    if (checked.has(key)) throw new AwsError('TagException', `Duplicate tag key ${key}`)
    checked.set(key, value)
  }
  return checked
}
