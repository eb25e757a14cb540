import { CopyError } from './errors.ts'
import { parseS3Location, type S3Location } from './s3-location.ts'

export interface ManifestEntry extends S3Location {
  /** Whether the load fails when the object is not there. */
  readonly isMandatory: boolean
}

/**
 * `{"entries":[{"url":"s3://…","mandatory":true}]}`; without `mandatory` an object may be missing.
 *
 * @throws {CopyError} DataLoadFailed when it is no manifest
 */
export function parseManifest(text: string): readonly ManifestEntry[] {
  let entries: unknown
  try {
    entries = (JSON.parse(text) as { entries?: unknown } | null)?.entries
  } catch {
    throw notAManifest()
  }
  if (!Array.isArray(entries) || entries.length === 0) throw notAManifest()
  return entries.map((entry: unknown) => {
    const { url, mandatory = false } = (entry ?? {}) as { url?: unknown; mandatory?: unknown }
    const location = typeof url === 'string' ? parseS3Location(url) : undefined
    if (location === undefined || typeof mandatory !== 'boolean') throw notAManifest()
    return { ...location, isMandatory: mandatory }
  })
}

function notAManifest(): CopyError {
  return new CopyError('DataLoadFailed', 'the manifest is not one')
}
