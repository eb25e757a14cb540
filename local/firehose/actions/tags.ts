import { type Action, AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { DeliveryStream, FirehoseStore } from '../store.ts'
import { parseTags } from '../validations/tags.ts'

const maxTags = 50

/** A key that is there already gets the new value. */
export function tagDeliveryStream(store: FirehoseStore): Action {
  return input => {
    const stream = store.streamOf(input)
    setTags(stream, parseTags(input.Tags, 'tags'))
    return {}
  }
}

/** A key that is not there is passed over. */
export function untagDeliveryStream(store: FirehoseStore): Action {
  return input => {
    const stream = store.streamOf(input)
    const keys = Array.isArray(input.TagKeys) ? (input.TagKeys as unknown[]) : []
    if (keys.length < 1 || keys.length > maxTags) {
      throw constraintError('tagKeys', `Member must have length between 1 and ${maxTags}`)
    }
    for (const key of keys) stream.tags.delete(String(key))
    return {}
  }
}

/** In the order of their keys. */
export function listTagsForDeliveryStream(store: FirehoseStore): Action {
  return input => {
    const { tags } = store.streamOf(input)
    const limit = typeof input.Limit === 'number' ? input.Limit : maxTags
    if (limit < 1 || limit > maxTags) {
      throw constraintError('limit', `Member must have value between 1 and ${maxTags}`)
    }
    const after = typeof input.ExclusiveStartTagKey === 'string' ? input.ExclusiveStartTagKey : ''
    const keys = [...tags.keys()].sort().filter(key => key > after)
    return {
      Tags: keys.slice(0, limit).map(key => ({ Key: key, Value: tags.get(key)! })),
      HasMoreTags: keys.length > limit
    }
  }
}

/** All of them or none. @throws {AwsError} LimitExceededException for more than 50 tags */
export function setTags(stream: Pick<DeliveryStream, 'tags'>, added: ReadonlyMap<string, string>): void {
  if (new Set([...stream.tags.keys(), ...added.keys()]).size > maxTags) {
    throw new AwsError('LimitExceededException', `A delivery stream has at most ${maxTags} tags.`)
  }
  for (const [key, value] of added) stream.tags.set(key, value)
}
