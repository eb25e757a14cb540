import { AwsError } from '../../aws-json.ts'
import type { BucketSettings } from '../bucket-settings.ts'
import type { LockConfiguration, ObjectLock, Retention, RetentionMode } from '../object-lock.ts'
import { childOf, parseXml, textOf } from '../xml-reader.ts'
import { givenChecksum, type HeaderLookup, malformedXml } from './checksum.ts'

const modes: readonly RetentionMode[] = ['GOVERNANCE', 'COMPLIANCE']
const longestDays = 36_500
const longestYears = 100

/** @throws {AwsError} InvalidRequest for a bucket without Object Lock */
export function checkHasLock({ objectLock }: BucketSettings): void {
  if (objectLock === undefined) {
    throw new AwsError('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  }
}

/** Whether a request asks that a retention in governance mode be no hindrance. */
export function bypassesGovernance(header: HeaderLookup): boolean {
  return header('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
}

/** What the headers of a put ask for. @throws {AwsError} InvalidRequest, InvalidArgument */
export function requestedLock(header: HeaderLookup, settings: BucketSettings, nowMs: number): ObjectLock {
  const mode = header('x-amz-object-lock-mode')
  const until = header('x-amz-object-lock-retain-until-date')
  const hold = header('x-amz-object-lock-legal-hold')
  if (mode === undefined && until === undefined && hold === undefined) return {}
  checkHasLock(settings)
  if ((mode === undefined) !== (until === undefined)) {
    throw new AwsError(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied'
    )
  }
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') {
    throw new AwsError('InvalidArgument', "Legal Hold must be either of 'ON' or 'OFF'", 400, {
      ArgumentName: 'x-amz-object-lock-legal-hold',
      ArgumentValue: hold
    })
  }
  const known = modes.find(one => one === mode)
  if (mode !== undefined && known === undefined) {
    throw new AwsError('InvalidArgument', 'Unknown wormMode directive.', 400, {
      ArgumentName: 'x-amz-object-lock-mode',
      ArgumentValue: mode
    })
  }
  return {
    ...(known === undefined ? {} : { retention: { mode: known, untilMs: untilMsOf(until!, nowMs) } }),
    ...(hold === undefined ? {} : { isOnLegalHold: hold === 'ON' })
  }
}

/** A put that comes to be locked has a digest. @throws {AwsError} InvalidRequest */
export function checkHasDigest(header: HeaderLookup, lock: ObjectLock, { objectLock }: BucketSettings): void {
  const isLocked = lock.retention !== undefined || lock.isOnLegalHold !== undefined
  if (!isLocked && objectLock?.defaultRetention === undefined) return
  if (header('content-md5') !== undefined || givenChecksum(header) !== undefined) return
  throw new AwsError(
    'InvalidRequest',
    'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'
  )
}

/** The body of PutObjectLockConfiguration. @throws {AwsError} MalformedXML, InvalidArgument */
export function lockConfiguration(body: string): LockConfiguration {
  const root = parseXml(body)
  if (root?.name !== 'ObjectLockConfiguration' || textOf(root, 'ObjectLockEnabled') !== 'Enabled') {
    throw malformedXml()
  }
  const rule = childOf(root, 'Rule')
  if (rule === undefined) return {}
  const retention = childOf(rule, 'DefaultRetention')
  const mode = modes.find(one => one === textOf(retention, 'Mode'))
  const days = textOf(retention, 'Days')
  const years = textOf(retention, 'Years')
  if (mode === undefined || (days === undefined) === (years === undefined)) throw malformedXml()
  const count = Number(days ?? years)
  if (!Number.isInteger(count)) throw malformedXml()
  if (count < 1) {
    throw new AwsError('InvalidArgument', 'Default retention period must be a positive integer value.')
  }
  if (count > (days === undefined ? longestYears : longestDays)) {
    throw new AwsError('InvalidArgument', 'Default retention period too large.')
  }
  return { defaultRetention: { mode, unit: days === undefined ? 'Years' : 'Days', count } }
}

/** The body of PutObjectRetention; undefined for none at all. @throws {AwsError} MalformedXML, InvalidArgument */
export function retentionOf(body: string, nowMs: number): Retention | undefined {
  const root = parseXml(body)
  if (root?.name !== 'Retention') throw malformedXml()
  const mode = textOf(root, 'Mode')
  const until = textOf(root, 'RetainUntilDate')
  if (mode === undefined && until === undefined) return undefined
  const known = modes.find(one => one === mode)
  if (known === undefined || until === undefined) throw malformedXml()
  return { mode: known, untilMs: untilMsOf(until, nowMs) }
}

/** The body of PutObjectLegalHold. @throws {AwsError} MalformedXML */
export function legalHoldOf(body: string): boolean {
  const root = parseXml(body)
  const status = textOf(root, 'Status')
  if (root?.name !== 'LegalHold' || (status !== 'ON' && status !== 'OFF')) throw malformedXml()
  return status === 'ON'
}

function untilMsOf(text: string, nowMs: number): number {
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) {
    throw new AwsError('InvalidArgument', 'The retain until date must be provided in ISO 8601 format')
  }
  if (ms <= nowMs) throw new AwsError('InvalidArgument', 'The retain until date must be in the future!')
  return ms
}
