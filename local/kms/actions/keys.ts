import { AwsError } from '../../aws-json.ts'
import { type KmsKey, metadataOf } from '../key.ts'
import type { KmsAction, KmsRequest } from '../request.ts'
import { integerOf, optionalTextOf } from '../validations/members.ts'
import { pageOf } from '../validations/paging.ts'
import { policyOf } from '../validations/policy.ts'
import { tagsOf } from '../validations/tags.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html */
const maxDescriptionLength = 8_192

/** What a key may be made with: the symmetric kind, with material of the service. */
const supported: Readonly<Record<string, string>> = {
  KeySpec: 'SYMMETRIC_DEFAULT',
  CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
  KeyUsage: 'ENCRYPT_DECRYPT',
  Origin: 'AWS_KMS'
}

export const createKey: KmsAction = async request => {
  const { input, store, region } = request
  for (const [member, value] of Object.entries(supported)) {
    if (input[member] === undefined || input[member] === null || input[member] === value) continue
    throw new AwsError(
      'UnsupportedOperationException',
      `${member} ${String(input[member])} is not supported here.`
    )
  }
  const wanted = {
    region,
    description: optionalTextOf(input, 'Description', maxDescriptionLength) ?? '',
    policy: policyOf(input),
    tags: tagsOf(input)
  }
  await request.permit(undefined)
  const key = store.createKey(input.MultiRegion === true, wanted)
  request.note(key)
  return { KeyMetadata: describe(request, key) }
}

export const describeKey: KmsAction = async request => ({
  KeyMetadata: describe(request, await request.key())
})

export const listKeys: KmsAction = async request => {
  await request.permit(undefined)
  const { items, rest } = pageOf(request.input, request.store.keysOf(request.region), key => key.id, {
    byDefault: 100,
    max: 1_000
  })
  return { Keys: items.map(key => ({ KeyId: key.id, KeyArn: key.arn })), ...rest }
}

export const updateKeyDescription: KmsAction = async request => {
  const description = optionalTextOf(request.input, 'Description', maxDescriptionLength) ?? ''
  const key = await request.livingKey()
  key.description = description
  return {}
}

export const enableKey: KmsAction = async request => {
  request.store.enable(await request.livingKey())
  return {}
}

export const disableKey: KmsAction = async request => {
  const key = await request.livingKey()
  key.state = 'Disabled'
  return {}
}

export const scheduleKeyDeletion: KmsAction = async request => {
  const days = integerOf(request.input, 'PendingWindowInDays', 7, 30) ?? 30
  const key = await request.livingKey()
  request.store.scheduleDeletion(key, days)
  return {
    KeyId: key.arn,
    KeyState: key.state,
    PendingWindowInDays: days,
    ...(key.deletionMs === undefined ? {} : { DeletionDate: key.deletionMs / 1000 })
  }
}

export const cancelKeyDeletion: KmsAction = async request => {
  const key = await request.key()
  if (key.state !== 'PendingDeletion' && key.state !== 'PendingReplicaDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`)
  }
  key.state = 'Disabled'
  key.deletionMs = undefined
  key.pendingDays = undefined
  return { KeyId: key.arn }
}

export function describe({ store }: KmsRequest, key: KmsKey): object {
  return metadataOf(key, store.siblingsOf(key), store.options.accountId)
}
