import type { Clock } from '../../../core/clock.ts'
import type { RunCopy } from '../../redshift/copy.ts'
import type { DestinationSettings } from '../settings.ts'
import type { Destination } from './destination.ts'
import type { HttpSend } from './http-send.ts'
import { RedshiftDestination } from './redshift.ts'
import { type ObjectWriter, S3Destination, writeErrors } from './s3.ts'
import { s3Backup } from './s3-backup.ts'
import { SearchDestination } from './search.ts'
import { SplunkDestination } from './splunk.ts'

/** What destinations write to. */
export interface DestinationServices {
  readonly clock: Clock
  readonly objects: ObjectWriter
  readonly send: HttpSend
  readonly copy: RunCopy
}

/** The destination behind the settings; `version` is that of the delivery stream. */
export function createDestination(
  deliveryStreamName: string,
  version: number,
  settings: DestinationSettings,
  { objects, send, copy, clock }: DestinationServices
): Destination {
  const written = { deliveryStreamName, version: String(version), objects }
  switch (settings.kind) {
    case 's3':
      return new S3Destination({ ...written, settings })
    case 'search':
      return new SearchDestination({
        settings,
        send,
        backup: s3Backup({
          ...written,
          settings: settings.s3,
          takesAll: settings.s3BackupMode === 'AllDocuments',
          errorOutputType:
            settings.family === 'Elasticsearch' ? 'elasticsearch-failed' : 'AmazonOpenSearchService-failed'
        })
      })
    case 'splunk':
      return new SplunkDestination({
        settings,
        send,
        clock,
        backup: s3Backup({
          ...written,
          settings: settings.s3,
          takesAll: settings.s3BackupMode === 'AllEvents',
          errorOutputType: 'splunk-failed'
        })
      })
    case 'redshift':
      return new RedshiftDestination({ ...written, settings, copy, clock })
  }
}

/**
 * Writes what processing has given up, beside the objects of an S3 destination or where another one keeps its failures;
 * see `DestinationBackup.writeFailed`.
 */
export function processingFailureWriter(
  deliveryStreamName: string,
  version: number,
  settings: DestinationSettings,
  { objects }: Pick<DestinationServices, 'objects'>
): (lines: readonly string[], arrivedMs: number) => Promise<void> {
  const options = {
    deliveryStreamName,
    version: String(version),
    objects,
    settings: settings.kind === 's3' ? settings : settings.s3,
    errorOutputType: 'processing-failed'
  }
  return (lines, arrivedMs) => writeErrors(options, lines, arrivedMs)
}
