import { AwsError } from '../../aws-json.ts'
import type { StoredObject } from '../versions.ts'
import type { HeaderLookup } from './checksum.ts'
import { noSuchKey } from './version-id.ts'

/** What has to hold of a key for a put. */
export interface PutConditions {
  /** Its ETag, with or without quotes. */
  readonly ifMatch?: string | undefined
  /** That nothing is there. */
  readonly ifAbsent?: boolean | undefined
}

export function putConditions(header: HeaderLookup): PutConditions {
  return { ifMatch: header('if-match'), ifAbsent: header('if-none-match') === '*' }
}

/** @throws {AwsError} PreconditionFailed, NoSuchKey where there is nothing to match */
export function checkPutConditions(
  object: StoredObject | undefined,
  key: string,
  { ifMatch, ifAbsent }: PutConditions
): void {
  if (ifAbsent === true && object !== undefined) throw preconditionFailed('If-None-Match')
  if (ifMatch === undefined) return
  if (object === undefined) throw noSuchKey(key)
  if (!matches(ifMatch, object.etag)) throw preconditionFailed('If-Match')
}

/**
 * The name of a header that a read or a copy fails on; undefined when all hold. As in RFC 9110, an ETag that matches
 * goes before a time that does not. `prefix`: of the headers, such as `x-amz-copy-source-`.
 */
export function failedCondition(
  { etag, modifiedMs }: Pick<StoredObject, 'etag' | 'modifiedMs'>,
  header: HeaderLookup,
  prefix = ''
): 'If-Match' | 'If-Unmodified-Since' | 'If-None-Match' | 'If-Modified-Since' | undefined {
  const ifMatch = header(`${prefix}if-match`)
  const ifNoneMatch = header(`${prefix}if-none-match`)
  const unmodifiedSince = timeOf(header(`${prefix}if-unmodified-since`))
  const modifiedSince = timeOf(header(`${prefix}if-modified-since`))
  // HTTP tells times by the second.
  const seconds = Math.floor(modifiedMs / 1_000) * 1_000
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag)) return 'If-Match'
  } else if (unmodifiedSince !== undefined && seconds > unmodifiedSince) return 'If-Unmodified-Since'
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, etag) ? 'If-None-Match' : undefined
  return modifiedSince !== undefined && seconds <= modifiedSince ? 'If-Modified-Since' : undefined
}

export function preconditionFailed(condition: string): AwsError {
  return new AwsError(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    412,
    { Condition: condition }
  )
}

function matches(condition: string, etag: string): boolean {
  return condition
    .split(',')
    .map(one => one.trim())
    .some(one => one === '*' || one.replaceAll('"', '') === etag.replaceAll('"', ''))
}

/** undefined for what is no time. */
function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
