import { AwsError } from '../../aws-json.ts'
import { isPrimary, type KmsKey } from '../key.ts'
import { checkUsable, type KmsAction } from '../request.ts'
import { optionalTextOf, textOf } from '../validations/members.ts'
import { policyOf } from '../validations/policy.ts'
import { tagsOf } from '../validations/tags.ts'
import { describe } from './keys.ts'

export const replicateKey: KmsAction = async request => {
  const { input, store } = request
  const region = textOf(input, 'ReplicaRegion', 32)
  const wanted = {
    region,
    description: optionalTextOf(input, 'Description', 8_192) ?? '',
    policy: policyOf(input),
    tags: tagsOf(input)
  }
  const key = await request.usableKey()
  checkMultiRegionPrimary(key)
  const replica = store.replicate(key, wanted)
  request.note(replica)
  return {
    ReplicaKeyMetadata: describe(request, replica),
    ReplicaPolicy: replica.policy,
    ReplicaTags: [...replica.tags].map(([TagKey, TagValue]) => ({ TagKey, TagValue }))
  }
}

export const updatePrimaryRegion: KmsAction = async request => {
  const { input, store } = request
  const region = textOf(input, 'PrimaryRegion', 32)
  const key = await request.usableKey()
  checkMultiRegionPrimary(key)
  const replica = store.keyOf(key.id, region)
  if (replica === undefined) {
    throw new AwsError('NotFoundException', `${key.arn} has no replica in ${region}.`)
  }
  checkUsable(replica)
  key.shared.primaryRegion = region
  return {}
}

function checkMultiRegionPrimary(key: KmsKey): void {
  if (key.shared.isMultiRegion && isPrimary(key)) return
  throw new AwsError('UnsupportedOperationException', `${key.arn} is not a multi-Region primary key.`)
}
