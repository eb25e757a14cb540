import { AwsError } from '../../aws-json.ts'
import type { KmsAction } from '../request.ts'
import { aliasNameOf } from '../validations/alias.ts'
import { pageOf } from '../validations/paging.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxAliasesPerKey = 50

export const createAlias: KmsAction = async request => {
  const { store, region } = request
  const name = aliasNameOf(request.input)
  const key = await request.livingKey('TargetKeyId')
  if (store.hasAlias(name, region)) {
    throw new AwsError(
      'AlreadyExistsException',
      `An alias with the name ${store.arn(region, name)} already exists`
    )
  }
  if (store.aliasesOf(region).filter(alias => alias.key === key).length >= maxAliasesPerKey) {
    throw new AwsError('LimitExceededException', `${key.arn} has ${maxAliasesPerKey} aliases.`)
  }
  store.setAlias(name, key)
  return {}
}

export const updateAlias: KmsAction = async request => {
  const { store, region } = request
  const { key: former, name } = store.alias(aliasNameOf(request.input), region)
  // The caller needs to be allowed on both keys.
  await request.permit(former)
  store.setAlias(name, await request.livingKey('TargetKeyId'))
  return {}
}

export const deleteAlias: KmsAction = async request => {
  const { store, region } = request
  const alias = store.alias(aliasNameOf(request.input), region)
  await request.permit(alias.key)
  store.deleteAlias(alias)
  return {}
}

export const listAliases: KmsAction = async request => {
  const { store, region, input } = request
  const isFiltered = input.KeyId !== undefined && input.KeyId !== null
  const key = isFiltered ? await request.key() : undefined
  if (key === undefined) await request.permit(undefined)
  const aliases = store.aliasesOf(region).filter(alias => key === undefined || alias.key === key)
  const { items, rest } = pageOf(input, aliases, ({ name }) => name, { byDefault: 50, max: 100 })
  return {
    Aliases: items.map(alias => ({
      AliasName: alias.name,
      AliasArn: store.arn(region, alias.name),
      TargetKeyId: alias.key.id,
      CreationDate: alias.createdMs / 1000,
      LastUpdatedDate: alias.updatedMs / 1000
    })),
    ...rest
  }
}
