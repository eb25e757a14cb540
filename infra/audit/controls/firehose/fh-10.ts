import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf } from '../../delivery-streams.ts'
import { demand, judge } from '../../judge.ts'
import { valueAt } from '../../readers.ts'
import { demandSecret } from './secrets.ts'

export const fh10: Control = {
  id: 'FH-10',
  severity: 'high',
  title:
    "Splunk's collector is reached over https, its token comes from Secrets Manager, and what it refused is kept.",
  rationale:
    'Events go to the collector as they are, and the token is all that it asks for: over http, or read from a template, it ' +
    'lets anybody write into the index.',
  fix: 'Use an https HECEndpoint, SecretsManagerConfiguration instead of HECToken, and an S3Configuration for failed events.',
  kind: 'resources',
  sources: { statements: [17, 63] },
  evaluate: model =>
    deliveryStreamsOf(model).flatMap(stream =>
      destinationsOf(stream)
        .filter(({ name }) => name === 'SplunkDestinationConfiguration')
        .map(({ configuration }) =>
          judge(
            stream,
            [
              demand(
                'HECEndpoint',
                configuration.HECEndpoint,
                value => typeof value === 'string' && /^https:\/\//i.test(value),
                'HECEndpoint is not an address of https'
              ),
              ...demandSecret(configuration, ['HECToken']),
              demand(
                'S3Configuration.BucketARN',
                valueAt(configuration, 'S3Configuration', 'BucketARN'),
                value => typeof value === 'string',
                'nothing is kept of what Splunk refused'
              )
            ],
            'https, with a token from Secrets Manager, and a backup'
          )
        )
    )
}
