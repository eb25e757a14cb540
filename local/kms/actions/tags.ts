import { AwsError } from '../../aws-json.ts'
import type { KmsAction } from '../request.ts'
import { pageOf } from '../validations/paging.ts'
import { maxTags, tagsOf } from '../validations/tags.ts'

export const tagResource: KmsAction = async request => {
  const tags = tagsOf(request.input)
  const key = await request.livingKey()
  if (new Set([...key.tags.keys(), ...tags.keys()]).size > maxTags) {
    throw new AwsError('LimitExceededException', `A key has at most ${maxTags} tags.`)
  }
  for (const [name, value] of tags) key.tags.set(name, value)
  return {}
}

export const untagResource: KmsAction = async request => {
  const { TagKeys: names } = request.input
  const key = await request.livingKey()
  for (const name of Array.isArray(names) ? (names as readonly unknown[]) : []) key.tags.delete(String(name))
  return {}
}

export const listResourceTags: KmsAction = async request => {
  const key = await request.key()
  const { items, rest } = pageOf(request.input, [...key.tags], ([name]) => name, { byDefault: 50, max: 50 })
  return { Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), ...rest }
}
