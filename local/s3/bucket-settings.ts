import type { BucketEncryption } from './encryption.ts'
import type { LockConfiguration } from './object-lock.ts'

export type Versioning = 'Enabled' | 'Suspended'

/** Settings that are kept as the XML that they came as, without its attributes. */
export type SettingDocument =
  | 'publicAccessBlock'
  | 'ownershipControls'
  | 'tagging'
  | 'cors'
  | 'lifecycle'
  | 'logging'

export interface BucketSettings {
  /** undefined for a bucket that never had it. */
  readonly versioning?: Versioning | undefined
  /** JSON, as it was put. */
  readonly policy?: string | undefined
  /** undefined for what S3 does by itself. */
  readonly encryption?: BucketEncryption | undefined
  /** undefined for a bucket without Object Lock. */
  readonly objectLock?: LockConfiguration | undefined
  readonly documents: Readonly<Partial<Record<SettingDocument, string>>>
}
