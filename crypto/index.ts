export {
  AuthenticationFailedError,
  ContextMismatchError,
  MalformedMessageError,
  NoUsableDataKeyError,
  UncommittedMessageError
} from './errors.ts'
export { Keyring } from './keyrings/keyring.ts'
export type { KmsClient, KmsClientOptions } from './keyrings/kms-calls.ts'
export type { KmsDiscoveryFilter, KmsDiscoveryKeyringOptions } from './keyrings/kms-discovery-keyring.ts'
export { kmsDiscoveryKeyring } from './keyrings/kms-discovery-keyring.ts'
export type { KmsKeyringOptions } from './keyrings/kms-keyring.ts'
export { kmsKeyring } from './keyrings/kms-keyring.ts'
export type { MultiKeyringOptions } from './keyrings/multi-keyring.ts'
export { multiKeyring } from './keyrings/multi-keyring.ts'
export type { Pkcs11Keyring, Pkcs11KeyringOptions } from './keyrings/pkcs11-keyring.ts'
export { Pkcs11Gcm, pkcs11Keyring } from './keyrings/pkcs11-keyring.ts'
export type { RawAesKeyringOptions } from './keyrings/raw-aes-keyring.ts'
export { rawAesKeyring } from './keyrings/raw-aes-keyring.ts'
export type { TenantKeyringOptions } from './keyrings/tenant-keyring.ts'
export { tenantKeyring } from './keyrings/tenant-keyring.ts'
export type { DataKeyCacheOptions, KeyringOptions } from './options.ts'
export { CommitmentPolicy, SealingSuite } from './options.ts'
