import type { AuditResource } from '../../model.ts'
import { textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** An application of Managed Flink, or what is left of one of SQL. */
export async function readFlinkApplication(
  reader: AccountReader,
  name: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('kinesisanalytics')) return []
  const answer = await reader.read(
    { service: 'kinesisanalytics', operation: 'DescribeApplication', input: { ApplicationName: name } },
    name
  )
  const detail = valueAt(answer, 'ApplicationDetail')
  const arn = textAt(detail, 'ApplicationARN')
  if (arn === undefined) return []
  const described = valueAt(detail, 'ApplicationConfigurationDescription')
  return [
    resource('AWS::KinesisAnalyticsV2::Application', name, arn, 'kinesisanalytics:DescribeApplication', {
      ApplicationName: name,
      RuntimeEnvironment: valueAt(detail, 'RuntimeEnvironment'),
      ServiceExecutionRole: valueAt(detail, 'ServiceExecutionRole'),
      ApplicationConfiguration: {
        ApplicationEncryptionConfiguration: valueAt(
          described,
          'ApplicationEncryptionConfigurationDescription'
        ),
        FlinkApplicationConfiguration: {
          CheckpointConfiguration: valueAt(
            described,
            'FlinkApplicationConfigurationDescription',
            'CheckpointConfigurationDescription'
          )
        }
      }
    })
  ]
}
