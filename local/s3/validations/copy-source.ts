import { AwsError } from '../../aws-json.ts'
import type { ByteRange } from '../range.ts'
import type { S3Store } from '../store.ts'
import type { StoredObject } from '../versions.ts'
import type { HeaderLookup } from './checksum.ts'
import { failedCondition, preconditionFailed } from './conditions.ts'
import { checkVersionId } from './version-id.ts'

export interface CopySource {
  readonly bucket: string
  readonly key: string
  /** undefined for the newest version. */
  readonly versionId: string | undefined
}

/** `bucket/key`, with or without a slash before it, URL-encoded. @throws {AwsError} InvalidArgument */
export function copySourceOf(header: HeaderLookup): CopySource {
  const [path = '', query = ''] = (header('x-amz-copy-source') ?? '').split('?', 2)
  const source = decoded(path.replace(/^\//, ''))
  const slash = source.indexOf('/')
  if (slash < 1 || slash === source.length - 1) {
    throw invalid('Copy Source must mention the source bucket and key: sourcebucket/sourcekey', path)
  }
  const versionId = new URLSearchParams(query).get('versionId') ?? undefined
  if (versionId !== undefined) checkVersionId(versionId)
  return { bucket: source.slice(0, slash), key: source.slice(slash + 1), versionId }
}

/**
 * The object to copy, if the conditions of the request hold.
 * @throws {AwsError} NoSuchBucket, NoSuchKey, NoSuchVersion, InvalidRequest, PreconditionFailed
 */
export function findSource(
  store: S3Store,
  { bucket, key, versionId }: CopySource,
  header: HeaderLookup
): StoredObject {
  const source = found(() => store.find(bucket, key, versionId))
  const failed = failedCondition(source, header, 'x-amz-copy-source-')
  if (failed !== undefined) throw preconditionFailed(`x-amz-copy-source-${failed}`)
  return source
}

function found(find: () => StoredObject): StoredObject {
  try {
    return find()
  } catch (error) {
    if (!(error instanceof AwsError) || error.type !== 'MethodNotAllowed') throw error
    throw new AwsError(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.'
    )
  }
}

/** The bytes that UploadPartCopy takes; undefined for all of them. @throws {AwsError} InvalidArgument */
export function copyRangeOf(header: HeaderLookup, sizeBytes: number): ByteRange | undefined {
  const text = header('x-amz-copy-source-range')
  if (text === undefined) return undefined
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  const [start, end] = [Number(first), Number(last)]
  if (first === undefined || start > end) {
    throw new AwsError(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      400,
      { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: text }
    )
  }
  if (end >= sizeBytes) {
    throw new AwsError(
      'InvalidArgument',
      `Range specified is not valid for source object of size: ${sizeBytes}`,
      400,
      {
        ArgumentName: 'x-amz-copy-source-range',
        ArgumentValue: text
      }
    )
  }
  return { start, end }
}

/** Whether the new object takes what the source has, or what the request says. @throws {AwsError} InvalidArgument */
export function isReplacing(header: HeaderLookup, directive: 'metadata' | 'tagging'): boolean {
  const given = header(`x-amz-${directive}-directive`) ?? 'COPY'
  if (given !== 'COPY' && given !== 'REPLACE') {
    throw new AwsError('InvalidArgument', `Unknown ${directive} directive.`, 400, {
      ArgumentName: `x-amz-${directive}-directive`,
      ArgumentValue: given
    })
  }
  return given === 'REPLACE'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('Invalid copy source encoding', text)
  }
}

function invalid(message: string, value: string): AwsError {
  return new AwsError('InvalidArgument', message, 400, {
    ArgumentName: 'x-amz-copy-source',
    ArgumentValue: value
  })
}
