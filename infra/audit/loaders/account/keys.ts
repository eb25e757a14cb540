import { type AuditResource, unknownValue } from '../../model.ts'
import { knownListAt, textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** A key and its aliases. Nothing for a key of AWS, whose policy is not ours, and for one that is not there. */
export async function readKey(reader: AccountReader, reference: string): Promise<readonly AuditResource[]> {
  const answer = await reader.read(
    { service: 'kms', operation: 'DescribeKey', input: { KeyId: reference } },
    reference
  )
  const metadata = valueAt(answer, 'KeyMetadata')
  const keyId = textAt(metadata, 'KeyId')
  const arn = textAt(metadata, 'Arn')
  if (keyId === undefined || arn === undefined || textAt(metadata, 'KeyManager') === 'AWS') return []
  const read = (operation: string, input: object = {}) =>
    reader.read({ service: 'kms', operation, input: { KeyId: keyId, ...input } }, keyId)
  const policy = await read('GetKeyPolicy', { PolicyName: 'default' })
  const origin = textAt(metadata, 'Origin') ?? 'AWS_KMS'
  const rotation = origin === 'AWS_KMS' ? await read('GetKeyRotationStatus') : undefined
  const readAll = (operation: string, list: string) =>
    reader.readPages({ service: 'kms', operation, input: { KeyId: keyId } }, keyId, {
      list,
      next: 'NextMarker',
      token: 'Marker'
    })
  const grants = await readAll('ListGrants', 'Grants')
  const aliases = await readAll('ListAliases', 'Aliases')
  const keyStoreId = textAt(metadata, 'CustomKeyStoreId')
  return [
    resource('AWS::KMS::Key', keyId, arn, 'kms:DescribeKey', {
      KeyPolicy: valueAt(policy, 'Policy'),
      EnableKeyRotation: valueAt(rotation, 'KeyRotationEnabled'),
      RotationPeriodInDays: valueAt(rotation, 'RotationPeriodInDays'),
      Grants: grants,
      KeyState: valueAt(metadata, 'KeyState'),
      KeyUsage: valueAt(metadata, 'KeyUsage'),
      KeySpec: valueAt(metadata, 'KeySpec'),
      Origin: origin,
      CustomKeyStore: keyStoreId === undefined ? undefined : await readKeyStore(reader, keyId, keyStoreId)
    }),
    ...knownListAt(aliases).map(alias => {
      const name = textAt(alias, 'AliasName') ?? ''
      return resource('AWS::KMS::Alias', name, textAt(alias, 'AliasArn') ?? name, 'kms:ListAliases', {
        AliasName: name,
        TargetKeyId: keyId
      })
    })
  ]
}

/** Where a key is that KMS itself does not hold. */
async function readKeyStore(reader: AccountReader, keyId: string, id: string): Promise<unknown> {
  const answer = await reader.read(
    { service: 'kms', operation: 'DescribeCustomKeyStores', input: { CustomKeyStoreId: id } },
    keyId
  )
  if (answer === unknownValue) return unknownValue
  const [store] = knownListAt(answer, 'CustomKeyStores')
  return {
    ConnectionState: valueAt(store, 'ConnectionState'),
    CustomKeyStoreType: valueAt(store, 'CustomKeyStoreType'),
    CloudHsmClusterId: valueAt(store, 'CloudHsmClusterId')
  }
}
