import { AwsError } from '../../aws-json.ts'
import { S3Error } from '../s3-error.ts'
import type { DeleteMarker } from '../versions.ts'

/**
 * The version that a request names; undefined when it names none.
 * @throws {AwsError} InvalidArgument for what can be no version id
 */
export function versionIdOf(query: URLSearchParams): string | undefined {
  const versionId = query.get('versionId') ?? undefined
  if (versionId !== undefined) checkVersionId(versionId)
  return versionId
}

/** `null`, or 32 characters. @throws {AwsError} InvalidArgument */
export function checkVersionId(versionId: string): void {
  if (versionId === 'null' || /^[\w-]{32}$/.test(versionId)) return
  throw new AwsError(
    'InvalidArgument',
    versionId === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified',
    400,
    { ArgumentName: 'versionId', ArgumentValue: versionId }
  )
}

/** `marker`: the delete marker that is the newest version. */
export function noSuchKey(key: string, marker?: DeleteMarker): S3Error {
  return new S3Error(
    ['NoSuchKey', 'The specified key does not exist.', 404, { Key: key }],
    marker === undefined ? {} : markerHeaders(marker)
  )
}

export function noSuchVersion(key: string, versionId: string): AwsError {
  return new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, {
    Key: key,
    VersionId: versionId
  })
}

/** A delete marker can be named and deleted, and nothing else. */
export function methodNotAllowed(marker: DeleteMarker): S3Error {
  return new S3Error(
    [
      'MethodNotAllowed',
      'The specified method is not allowed against this resource.',
      405,
      { ResourceType: 'DeleteMarker' }
    ],
    {
      ...markerHeaders(marker),
      allow: 'DELETE',
      'last-modified': new Date(marker.modifiedMs).toUTCString()
    }
  )
}

function markerHeaders({ versionId }: DeleteMarker): Record<string, string> {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId ?? 'null' }
}
