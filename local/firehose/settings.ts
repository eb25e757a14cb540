/** Objects of S3 that a delivery stream writes, with every default filled in. */
export interface S3Settings {
  readonly kind: 's3'
  readonly roleArn: string
  readonly bucketArn: string
  readonly bucket: string
  readonly prefix: string
  readonly errorOutputPrefix: string
  readonly compression: 'UNCOMPRESSED' | 'GZIP'
  /** With its dot; empty leaves the one of the compression. */
  readonly fileExtension: string
  readonly timeZone: string
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
  /** Whether a newline is put behind every record. */
  readonly appendDelimiter: boolean
}

/** Where a delivery stream delivers to, and how. */
export type DestinationSettings = S3Settings
