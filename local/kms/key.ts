import { randomBytes, randomUUID } from 'node:crypto'
import type { Grant } from './grants.ts'

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingReplicaDeletion'

/** One version of a key's material. */
export interface KeyMaterial {
  /** 64 hexadecimal digits, as the service names versions. */
  readonly id: string
  readonly bytes: Buffer
  /** How and when it came; undefined for the first. */
  readonly rotation: { readonly type: 'AUTOMATIC' | 'ON_DEMAND'; readonly dateMs: number } | undefined
}

/** What a multi-Region key and its replicas have in common; a key of one region has it for itself. */
export interface SharedKey {
  readonly id: string
  readonly isMultiRegion: boolean
  primaryRegion: string
  /** Every version; the last one wraps. */
  readonly materials: KeyMaterial[]
  /** Automatic rotation; undefined while it is off. */
  rotation: { readonly periodDays: number; nextMs: number } | undefined
}

export interface KmsKey {
  readonly id: string
  readonly region: string
  readonly arn: string
  readonly createdMs: number
  readonly shared: SharedKey
  description: string
  policy: string
  state: KeyState
  /** When the key goes; undefined for one that stays, and for a primary key that waits for its replicas. */
  deletionMs: number | undefined
  /** The waiting period that was asked for, in days. */
  pendingDays: number | undefined
  readonly tags: Map<string, string>
  /** By grant id. */
  readonly grants: Map<string, Grant>
}

export function newSharedKey(region: string, isMultiRegion: boolean): SharedKey {
  return {
    id: isMultiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID(),
    isMultiRegion,
    primaryRegion: region,
    materials: [newMaterial(undefined)],
    rotation: undefined
  }
}

export function newMaterial(rotation: KeyMaterial['rotation']): KeyMaterial {
  // The id says nothing about the bytes: it is drawn, not derived.
  return { id: randomBytes(32).toString('hex'), bytes: randomBytes(32), rotation }
}

export function isPrimary(key: KmsKey): boolean {
  return key.shared.primaryRegion === key.region
}

/** `KeyMetadata` as the API describes a key. `siblings`: the keys of all regions that share its material. */
export function metadataOf(key: KmsKey, siblings: readonly KmsKey[], accountId: string): object {
  const { shared } = key
  const place = ({ arn, region }: KmsKey): object => ({ Arn: arn, Region: region })
  return {
    AWSAccountId: accountId,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: key.createdMs / 1000,
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    ...(key.deletionMs === undefined ? {} : { DeletionDate: key.deletionMs / 1000 }),
    ...(key.state === 'PendingReplicaDeletion' ? { PendingDeletionWindowInDays: key.pendingDays } : {}),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    KeySpec: 'SYMMETRIC_DEFAULT',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    CurrentKeyMaterialId: shared.materials.at(-1)!.id,
    MultiRegion: shared.isMultiRegion,
    ...(shared.isMultiRegion
      ? {
          MultiRegionConfiguration: {
            MultiRegionKeyType: isPrimary(key) ? 'PRIMARY' : 'REPLICA',
            PrimaryKey: place(siblings.find(isPrimary) ?? key),
            ReplicaKeys: siblings.filter(sibling => !isPrimary(sibling)).map(place)
          }
        }
      : {})
  }
}
