import { randomBytes } from 'node:crypto'
import { type Action, AwsError } from '../../aws-json.ts'
import type { KmsKey, KmsStore } from '../store.ts'

const dayMs = 86_400_000

export const createKey =
  (store: KmsStore): Action =>
  input => {
    if (input.KeySpec !== undefined && input.KeySpec !== 'SYMMETRIC_DEFAULT') {
      throw new AwsError(
        'UnsupportedOperationException',
        `KeySpec ${String(input.KeySpec)} is not supported here.`
      )
    }
    return { KeyMetadata: metadata(store.createKey(String(input.Description ?? '')), store) }
  }

export const describeKey =
  (store: KmsStore): Action =>
  input => ({ KeyMetadata: metadata(store.find(input.KeyId), store) })

export const createAlias =
  (store: KmsStore): Action =>
  input => {
    const name = String(input.AliasName)
    if (!/^alias\/[a-zA-Z0-9/_-]{1,250}$/.test(name) || name.startsWith('alias/aws/')) {
      throw new AwsError('InvalidAliasNameException', `Invalid alias name ${name}`)
    }
    if (store.aliases.has(name))
      throw new AwsError('AlreadyExistsException', `An alias with the name ${name} already exists`)
    store.aliases.set(name, store.find(input.TargetKeyId))
    return {}
  }

export const listAliases =
  (store: KmsStore): Action =>
  () => ({
    Aliases: [...store.aliases].map(([AliasName, key]) => ({
      AliasName,
      AliasArn: key.arn.replace(/key\/.*$/, AliasName),
      TargetKeyId: key.id
    })),
    Truncated: false
  })

export const setEnabled =
  (store: KmsStore, state: 'Enabled' | 'Disabled'): Action =>
  input => {
    store.findUsableOrDisabled(input.KeyId).state = state
    return {}
  }

export const scheduleKeyDeletion =
  (store: KmsStore): Action =>
  input => {
    const key = store.findUsableOrDisabled(input.KeyId)
    const days = typeof input.PendingWindowInDays === 'number' ? input.PendingWindowInDays : 30
    if (days < 7 || days > 30) {
      throw new AwsError(
        'ValidationException',
        "1 validation error detected: Value at 'pendingWindowInDays' failed to satisfy constraint: Member must be between 7 and 30"
      )
    }
    key.state = 'PendingDeletion'
    key.deletionMs = store.options.clock.wallTime() + days * dayMs
    return {
      KeyId: key.arn,
      DeletionDate: key.deletionMs / 1000,
      KeyState: key.state,
      PendingWindowInDays: days
    }
  }

export const cancelKeyDeletion =
  (store: KmsStore): Action =>
  input => {
    const key = store.find(input.KeyId)
    if (key.state !== 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`)
    }
    key.state = 'Disabled'
    key.deletionMs = undefined
    return { KeyId: key.arn }
  }

export const rotateKeyOnDemand =
  (store: KmsStore): Action =>
  input => {
    const key = store.findUsable(input.KeyId)
    key.materials.push(randomBytes(32))
    return { KeyId: key.id }
  }

function metadata(key: KmsKey, store: KmsStore): object {
  return {
    AWSAccountId: store.options.accountId,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: key.createdMs / 1000,
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    ...(key.deletionMs === undefined ? {} : { DeletionDate: key.deletionMs / 1000 }),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false
  }
}
