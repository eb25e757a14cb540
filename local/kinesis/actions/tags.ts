import type { Action } from '../../aws-json.ts'
import type { KinesisStore, Tags } from '../store.ts'
import { resourceOf } from '../validations/resource.ts'
import { validateCount } from '../validations/stream.ts'
import { mergeTags, validateTagKeys } from '../validations/tags.ts'

type Input = Readonly<Record<string, unknown>>
type Taggable = { tags: Tags }

export const addTagsToStream = (store: KinesisStore): Action => add(input => store.streamOf(input))
export const removeTagsFromStream = (store: KinesisStore): Action => remove(input => store.streamOf(input))
/** Streams and consumers alike, by their ARN. */
export const tagResource = (store: KinesisStore): Action => add(input => resourceOf(store, input.ResourceARN))
export const untagResource = (store: KinesisStore): Action =>
  remove(input => resourceOf(store, input.ResourceARN))

export const listTagsForStream =
  (store: KinesisStore): Action =>
  input => {
    const limit = validateCount('limit', input.Limit ?? 50, 1, 50)
    const after = input.ExclusiveStartTagKey
    const tags = outputOf(store.streamOf(input)).filter(({ Key }) => typeof after !== 'string' || Key > after)
    return { Tags: tags.slice(0, limit), HasMoreTags: tags.length > limit }
  }

export const listTagsForResource =
  (store: KinesisStore): Action =>
  input => ({ Tags: outputOf(resourceOf(store, input.ResourceARN)) })

function add(of: (input: Input) => Taggable): Action {
  return input => {
    const resource = of(input)
    resource.tags = mergeTags(resource.tags, input.Tags)
    return {}
  }
}

/** Keys that are not there are passed over. */
function remove(of: (input: Input) => Taggable): Action {
  return input => {
    const resource = of(input)
    const keys = validateTagKeys(input.TagKeys)
    resource.tags = new Map([...resource.tags].filter(([key]) => !keys.includes(key)))
    return {}
  }
}

function outputOf({ tags }: Taggable): readonly { readonly Key: string; readonly Value: string }[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value })).sort((a, b) => (a.Key < b.Key ? -1 : 1))
}
