import type { SplunkSettings } from '../settings.ts'
import { endpointUrl } from './endpoint.ts'
import { parseBackupS3 } from './s3.ts'
import { invalid, type Shape } from './shape.ts'

/** A configuration of Splunk. `s3Member` is what its S3 configuration is called in the path. */
export function parseSplunk(shape: Shape, s3Member: string): SplunkSettings {
  const hecEndpoint = shape.required('HECEndpoint', { max: 2048 })
  const endpointType = shape.oneOf('HECEndpointType', ['Raw', 'Event'])
  shape.refuse('SecretsManagerConfiguration')
  const settings = {
    kind: 'splunk',
    hecEndpoint,
    endpointType,
    token: shape.text('HECToken', { max: 2048 }),
    ackTimeoutSeconds: shape.number('HECAcknowledgmentTimeoutInSeconds', 180, 600, 180),
    retrySeconds: shape.child('RetryOptions').number('DurationInSeconds', 0, 7200, 300),
    ...shape.bufferingHints('BufferingHints', 5, 60, 60),
    s3BackupMode: shape.oneOf('S3BackupMode', ['FailedEventsOnly', 'AllEvents'], 'FailedEventsOnly'),
    s3: parseBackupS3(shape.requiredChild('S3Configuration', s3Member))
  } as const
  // It becomes a header.
  if (!/^[\x21-\x7e]+$/.test(settings.token)) throw invalid('HECToken is missing or not a token.')
  return { ...settings, endpoint: endpointUrl(hecEndpoint, 'HECEndpoint') }
}
