import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf } from '../placeholders.ts'
import { keyArn } from '../plan-arns.ts'
import { retained, type TemplateResources } from '../template.ts'

/** The stream, and the consumer where workers read by enhanced fan-out. */
export function streamResources(plan: ResolvedPlan): TemplateResources {
  const { name, mode, shards, maxRecordKiB, recordDistribution, retentionHours } = plan.stream
  return {
    Stream: {
      Type: 'AWS::Kinesis::Stream',
      ...retained,
      Properties: {
        Name: name,
        ...(mode === 'provisioned'
          ? { ShardCount: shards }
          : { StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
        RetentionPeriodHours: retentionHours,
        StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn(plan, 'stream') },
        // What is the service's default stays out: not every engine knows the newer properties.
        ...(maxRecordKiB === 1_024 ? {} : { MaxRecordSizeInKiB: maxRecordKiB }),
        ...(recordDistribution === 'auto' ? { RecordDistributionStrategy: 'AUTO' } : {})
      }
    },
    ...(plan.consumer.retrieval === 'fan-out'
      ? {
          StreamConsumer: {
            Type: 'AWS::Kinesis::StreamConsumer',
            Properties: {
              ConsumerName: plan.consumer.applicationName,
              StreamARN: attributeOf('Stream', 'Arn')
            }
          }
        }
      : {})
  }
}
