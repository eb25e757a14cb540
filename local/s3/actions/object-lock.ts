import { AwsError } from '../../aws-json.ts'
import { checkRetentionChange } from '../object-lock.ts'
import type { S3Action, S3Request } from '../protocol.ts'
import type { S3Store } from '../store.ts'
import { checkDigests } from '../validations/checksum.ts'
import {
  bypassesGovernance,
  checkHasLock,
  legalHoldOf,
  lockConfiguration,
  retentionOf
} from '../validations/object-lock.ts'
import { versionIdOf } from '../validations/version-id.ts'
import type { StoredObject } from '../versions.ts'
import { xmlDocument } from '../xml.ts'

/** Once it is on it stays on. */
export function putLockConfiguration(store: S3Store): S3Action {
  return async ({ bucket, body, header }) => {
    checkDigests(body, header)
    const { versioning } = store.settingsOf(bucket)
    const objectLock = lockConfiguration(body.toString('utf8'))
    if (versioning !== 'Enabled') {
      throw new AwsError(
        'InvalidBucketState',
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        409
      )
    }
    store.changeSettings(bucket, { objectLock })
    return { status: 200 }
  }
}

export function getLockConfiguration(store: S3Store): S3Action {
  return async ({ bucket }) => {
    const { objectLock } = store.settingsOf(bucket)
    if (objectLock === undefined) {
      throw new AwsError(
        'ObjectLockConfigurationNotFoundError',
        'Object Lock configuration does not exist for this bucket',
        404,
        { BucketName: bucket }
      )
    }
    const { defaultRetention: rule } = objectLock
    return {
      status: 200,
      body: xmlDocument('ObjectLockConfiguration', {
        ObjectLockEnabled: 'Enabled',
        ...(rule === undefined
          ? {}
          : { Rule: { DefaultRetention: { Mode: rule.mode, [rule.unit]: rule.count } } })
      })
    }
  }
}

export function putRetention(store: S3Store): S3Action {
  return async request => {
    const { bucket, body, header } = request
    checkDigests(body, header)
    const object = find(store, request)
    const nowMs = store.nowMs()
    const retention = retentionOf(body.toString('utf8'), nowMs)
    checkRetentionChange(object.retention, retention, nowMs, bypassesGovernance(header))
    store.describe(bucket, { ...object, retention })
    return { status: 200 }
  }
}

export function getRetention(store: S3Store): S3Action {
  return async request => {
    const { retention } = find(store, request)
    if (retention === undefined) throw noSuchLock()
    return {
      status: 200,
      body: xmlDocument('Retention', {
        Mode: retention.mode,
        RetainUntilDate: new Date(retention.untilMs).toISOString()
      })
    }
  }
}

export function putLegalHold(store: S3Store): S3Action {
  return async request => {
    const { bucket, body, header } = request
    checkDigests(body, header)
    const object = find(store, request)
    store.describe(bucket, { ...object, isOnLegalHold: legalHoldOf(body.toString('utf8')) })
    return { status: 200 }
  }
}

export function getLegalHold(store: S3Store): S3Action {
  return async request => {
    const { isOnLegalHold } = find(store, request)
    if (isOnLegalHold === undefined) throw noSuchLock()
    return { status: 200, body: xmlDocument('LegalHold', { Status: isOnLegalHold ? 'ON' : 'OFF' }) }
  }
}

/** @throws {AwsError} InvalidRequest for a bucket without Object Lock */
function find(store: S3Store, { bucket, key, query }: S3Request): StoredObject {
  checkHasLock(store.settingsOf(bucket))
  return store.find(bucket, key, versionIdOf(query))
}

function noSuchLock(): AwsError {
  return new AwsError(
    'NoSuchObjectLockConfiguration',
    'The specified object does not have a ObjectLock configuration',
    404
  )
}
