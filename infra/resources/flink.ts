import type { ResolvedFlink, ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo, region } from '../placeholders.ts'
import {
  applicationLogGroup,
  bucketArn,
  keyArn,
  logGroupArn,
  roleArn,
  roleIds,
  streamArn,
  streamArnOf
} from '../plan-arns.ts'
import { applicationLogStream } from '../policies/flink.ts'
import { after, retained, type TemplateResource, type TemplateResources } from '../template.ts'
import { rolePolicyId } from './iam.ts'

export const applicationId = 'FlinkApplication'
const logStreamId = 'FlinkLogStream'

/** The application, its log, and the stream that it writes to where that is its output. */
export function flinkResources(plan: ResolvedPlan): TemplateResources {
  const { flink } = plan.services
  if (flink === undefined) return {}
  const { name, output } = flink
  return {
    ...(output.kind === 'stream'
      ? {
          FlinkOutputStream: {
            Type: 'AWS::Kinesis::Stream',
            ...retained,
            Properties: {
              Name: output.name,
              ShardCount: output.shards,
              RetentionPeriodHours: plan.stream.retentionHours,
              StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn(plan, 'services') }
            }
          }
        }
      : {}),
    [logStreamId]: {
      Type: 'AWS::Logs::LogStream',
      Properties: { LogGroupName: refTo('FlinkLogs'), LogStreamName: applicationLogStream }
    },
    [applicationId]: application(plan, flink),
    FlinkLogging: {
      Type: 'AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption',
      ...after(logStreamId),
      Properties: {
        ApplicationName: refTo(applicationId),
        CloudWatchLoggingOption: {
          LogStreamARN: `${logGroupArn(applicationLogGroup(name))}:log-stream:${applicationLogStream}`
        }
      }
    }
  }
}

function application(plan: ResolvedPlan, flink: ResolvedFlink): TemplateResource {
  const { name, code, runtime, parallelism } = flink
  const { network } = plan
  return {
    Type: 'AWS::KinesisAnalyticsV2::Application',
    ...after(rolePolicyId(roleIds.flink)),
    Properties: {
      ApplicationName: name,
      ApplicationMode: 'STREAMING',
      RuntimeEnvironment: runtime,
      ServiceExecutionRole: roleArn(roleIds.flink),
      ApplicationConfiguration: {
        ApplicationCodeConfiguration: {
          CodeContentType: 'ZIPFILE',
          CodeContent: {
            S3ContentLocation: {
              BucketARN: bucketArn(code.bucket),
              FileKey: code.key,
              ObjectVersion: code.version
            }
          }
        },
        ApplicationEncryptionConfiguration: {
          KeyType: 'CUSTOMER_MANAGED_KEY',
          KeyId: keyArn(plan, 'services')
        },
        ApplicationSnapshotConfiguration: { SnapshotsEnabled: true },
        EnvironmentProperties: {
          PropertyGroups: [{ PropertyGroupId: 'sealstream', PropertyMap: propertiesOf(plan, flink) }]
        },
        FlinkApplicationConfiguration: {
          CheckpointConfiguration: {
            ConfigurationType: 'CUSTOM',
            CheckpointingEnabled: true,
            CheckpointInterval: 60_000,
            MinPauseBetweenCheckpoints: 5_000
          },
          // More than warnings would be of single records.
          MonitoringConfiguration: {
            ConfigurationType: 'CUSTOM',
            LogLevel: 'WARN',
            MetricsLevel: 'APPLICATION'
          },
          ParallelismConfiguration: {
            ConfigurationType: 'CUSTOM',
            Parallelism: parallelism,
            ParallelismPerKPU: 1,
            AutoScalingEnabled: false
          }
        },
        VpcConfigurations: [{ SubnetIds: network!.subnetIds, SecurityGroupIds: network!.securityGroupIds }]
      }
    }
  }
}

/** What its code is told, so that it names nothing by itself. */
function propertiesOf(
  plan: ResolvedPlan,
  { output, reference }: ResolvedFlink
): Readonly<Record<string, string>> {
  return {
    region,
    'source.stream.arn': streamArn(plan),
    ...(output.kind === 'stream'
      ? { 'output.stream.arn': streamArnOf(output.name) }
      : { 'output.delivery.stream': output.name }),
    ...(reference === undefined
      ? {}
      : { 'reference.bucket': reference.bucket, 'reference.key': reference.key })
  }
}
