import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { bucketArn, idPart, oneOrMore } from '../plan-arns.ts'
import { sinkBucketArns, sinkBuckets } from '../plan-readers.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { grantThrough, throughS3 } from './conditions.ts'
import { administering, lettingService } from './key-administration.ts'
import { policyOf } from './shared.ts'

/** The key of what is delivered, at rest: in the delivery streams, which use it by a grant, and in the buckets. */
export function sinkKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  const { analystArn } = plan.roles
  return policyOf(
    administering(plan),
    sinkBuckets(plan).map(({ bucket, writerArns }) => ({
      Sid: `DeliverTo${idPart(bucket)}`,
      Effect: 'Allow',
      Principal: { AWS: oneOrMore(writerArns) },
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: '*',
      Condition: throughS3([bucketArn(bucket)])
    })),
    analystArn === undefined
      ? []
      : {
          Sid: 'AnalystReadsThroughS3',
          Effect: 'Allow',
          Principal: { AWS: analystArn },
          Action: ['kms:Decrypt'],
          Resource: '*',
          Condition: throughS3(sinkBucketArns(plan))
        },
    lettingService(plan, 'DeliveryStreamsGetGrants', grantThrough('firehose')),
    plan.services.redshift === undefined
      ? []
      : lettingService(plan, 'ClusterGetsGrants', grantThrough('redshift')),
    plan.services.openSearch === undefined ? [] : lettingService(plan, 'DomainGetsGrants', grantThrough('es'))
  )
}
