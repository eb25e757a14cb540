import { wireTypes } from '../wire-types.ts'

/** Members of all operations of KMS that are here. */
export const kmsTypes = wireTypes(
  {
    text: `AliasName CustomKeyStoreId CustomerMasterKeySpec Description DestinationEncryptionAlgorithm
      DestinationKeyId EncryptionAlgorithm GrantId GrantToken GranteePrincipal GranteeServicePrincipal
      IncludeKeyMaterial KeyEncryptionAlgorithm KeyId KeySpec KeyUsage Marker Name Origin Policy PolicyName
      PrimaryRegion ReplicaRegion RetiringPrincipal RetiringServicePrincipal SourceArn SourceEncryptionAlgorithm
      SourceKeyId TagKey TagValue TargetKeyId XksKeyId`,
    number: 'Limit NumberOfBytes PendingWindowInDays RotationPeriodInDays',
    boolean: 'BypassPolicyLockoutSafetyCheck DryRun MultiRegion',
    blob: 'AttestationDocument CiphertextBlob Plaintext',
    structure: 'Constraints Recipient'
  },
  {
    DestinationEncryptionContext: { map: 'text' },
    DryRunModifiers: { list: 'text' },
    EncryptionContext: { map: 'text' },
    EncryptionContextEquals: { map: 'text' },
    EncryptionContextSubset: { map: 'text' },
    GrantTokens: { list: 'text' },
    Operations: { list: 'text' },
    SourceEncryptionContext: { map: 'text' },
    TagKeys: { list: 'text' },
    Tags: { list: 'structure' }
  }
)
