import { AwsError } from '../aws-json.ts'

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE'

export interface Retention {
  readonly mode: RetentionMode
  readonly untilMs: number
}

/** What keeps a version from being deleted. */
export interface ObjectLock {
  readonly retention?: Retention | undefined
  readonly isOnLegalHold?: boolean | undefined
}

/** Of a bucket with Object Lock. */
export interface LockConfiguration {
  /** Of objects that come without one. */
  readonly defaultRetention?:
    | { readonly mode: RetentionMode; readonly unit: 'Days' | 'Years'; readonly count: number }
    | undefined
}

const msPerDay = 86_400_000

export function defaultRetention(
  { defaultRetention: rule }: LockConfiguration,
  nowMs: number
): Retention | undefined {
  if (rule === undefined) return undefined
  const days = rule.unit === 'Years' ? rule.count * 365 : rule.count
  return { mode: rule.mode, untilMs: nowMs + days * msPerDay }
}

/**
 * May this version be deleted? `bypasses`: the request has x-amz-bypass-governance-retention.
 * @throws {AwsError} AccessDenied
 */
export function checkDeletable(
  { retention, isOnLegalHold }: ObjectLock,
  nowMs: number,
  bypasses: boolean
): void {
  if (isOnLegalHold === true) throw isProtected()
  if (retention === undefined || retention.untilMs <= nowMs) return
  if (retention.mode === 'COMPLIANCE' || !bypasses) throw isProtected()
}

/**
 * May the retention of a version become another one? A longer one always; a shorter or none while the old one lasts in
 * governance mode alone, and with x-amz-bypass-governance-retention.
 * @throws {AwsError} AccessDenied
 */
export function checkRetentionChange(
  before: Retention | undefined,
  after: Retention | undefined,
  nowMs: number,
  bypasses: boolean
): void {
  if (before === undefined || before.untilMs <= nowMs) return
  const isLonger = after !== undefined && after.untilMs >= before.untilMs
  if (before.mode === 'COMPLIANCE') {
    if (!isLonger || after.mode !== 'COMPLIANCE') throw isProtected()
  } else if (!bypasses && !(isLonger && after.mode === before.mode)) throw isProtected()
}

function isProtected(): AwsError {
  return new AwsError('AccessDenied', 'Access Denied because object protected by object lock.', 403)
}
