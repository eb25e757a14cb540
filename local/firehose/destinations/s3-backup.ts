import type { DestinationBackup } from './destination.ts'
import { S3Destination, type S3ErrorsOptions, writeErrors } from './s3.ts'

export interface S3BackupOptions extends S3ErrorsOptions {
  /** Whether all records are kept and not the failed ones alone. */
  readonly takesAll: boolean
}

/**
 * The S3 configuration of a destination that is not S3. Error records are written at once, one object for those of one
 * batch; all records as a delivery to S3 writes them.
 */
export function s3Backup(options: S3BackupOptions): DestinationBackup {
  return {
    all: options.takesAll ? new S3Destination(options) : undefined,
    writeFailed: (lines, arrivedMs) => writeErrors(options, lines, arrivedMs)
  }
}
