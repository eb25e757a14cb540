export interface S3Location {
  readonly bucket: string
  readonly key: string
}

/** `s3://<bucket>/<key>`; undefined for anything else. */
export function parseS3Location(url: string): S3Location | undefined {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(url)
  return match === null ? undefined : { bucket: match[1]!, key: match[2]! }
}
