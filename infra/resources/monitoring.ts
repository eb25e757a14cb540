import type { ResolvedDestination } from '../../pipeline/destinations.ts'
import type { ResolvedAlarms, ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf, refTo } from '../placeholders.ts'
import { idPart } from '../plan-arns.ts'
import { plannedKeys } from '../plan-keys.ts'
import { failureQueues, sourcedDeliveries } from '../plan-readers.ts'
import { madeRoles } from '../plan-roles.ts'
import { iotErrorQueue } from '../plan-services.ts'
import { hasQueue } from '../policies/shared.ts'
import type { TemplateResource, TemplateResources } from '../template.ts'

type Alarms = Exclude<ResolvedAlarms, false>

interface Watched {
  readonly namespace: string
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly statistic: 'Maximum' | 'Minimum' | 'Sum'
  readonly periodSeconds: number
  readonly threshold: number
  readonly comparison?: 'GreaterThanThreshold' | 'LessThanThreshold'
}

/** Alarms on what stands still, and rules for what should never be done. */
export function monitoringResources(plan: ResolvedPlan): TemplateResources {
  const { alarms } = plan
  if (alarms === false) return {}
  const deliveries = [
    ...plan.destinations,
    ...sourcedDeliveries(plan).map(delivery => ({ ...delivery, kind: 's3' as const }))
  ]
  return {
    ...iteratorAge(plan, alarms),
    ...Object.assign({}, ...deliveries.map(delivery => freshness(delivery, alarms))),
    ...queues(plan, alarms),
    ...rules(plan, alarms)
  }
}

function iteratorAge({ stream, consumer }: ResolvedPlan, alarms: Alarms): TemplateResources {
  const shared = {
    namespace: 'AWS/Kinesis',
    statistic: 'Maximum',
    periodSeconds: 60,
    threshold: alarms.iteratorAgeMs
  } as const
  return {
    IteratorAgeAlarm: alarm(
      alarms,
      consumer.retrieval === 'polling'
        ? { ...shared, metric: 'GetRecords.IteratorAgeMilliseconds', dimensions: { StreamName: stream.name } }
        : {
            ...shared,
            metric: 'SubscribeToShardEvent.MillisBehindLatest',
            dimensions: { StreamName: stream.name, ConsumerName: consumer.applicationName }
          }
    )
  }
}

/**
 * https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html; where there is no freshness,
 * whether everything was delivered
 */
function freshness(
  { kind, deliveryStreamName }: Pick<ResolvedDestination, 'kind' | 'deliveryStreamName'>,
  alarms: Alarms
): TemplateResources {
  const shared = {
    namespace: 'AWS/Firehose',
    dimensions: { DeliveryStreamName: deliveryStreamName },
    periodSeconds: 300
  } as const
  const service = {
    s3: 'S3',
    elasticsearch: 'Elasticsearch',
    opensearch: 'AmazonOpenSearchService',
    redshift: 'Redshift',
    splunk: 'Splunk'
  }[kind]
  const hasFreshness = kind !== 'elasticsearch' && kind !== 'redshift'
  return {
    [`${idPart(deliveryStreamName)}FreshnessAlarm`]: alarm(
      alarms,
      hasFreshness
        ? {
            ...shared,
            metric: `DeliveryTo${service}.DataFreshness`,
            statistic: 'Maximum',
            threshold: alarms.freshnessSeconds
          }
        : {
            ...shared,
            metric: `DeliveryTo${service}.Success`,
            statistic: 'Minimum',
            threshold: 1,
            comparison: 'LessThanThreshold'
          }
    )
  }
}

/** What cannot be opened becomes a dead letter: the first one is told. */
function queues(plan: ResolvedPlan, alarms: Alarms): TemplateResources {
  const visible = (queue: string): TemplateResource =>
    alarm(alarms, {
      namespace: 'AWS/SQS',
      metric: 'ApproximateNumberOfMessagesVisible',
      dimensions: { QueueName: queue },
      statistic: 'Maximum',
      periodSeconds: 300,
      threshold: 0
    })
  return {
    ...(hasQueue(plan) ? { DeadLettersAlarm: visible(plan.deadLetters.queue) } : {}),
    ...Object.fromEntries(failureQueues(plan).map(queue => [`${idPart(queue)}Alarm`, visible(queue)])),
    ...(plan.services.iot === undefined ? {} : { IotErrorsAlarm: visible(iotErrorQueue(plan)) })
  }
}

/** CloudTrail tells EventBridge of these calls. Reads, as every use of a key is one, take a state of the rule of their own. */
function rules(plan: ResolvedPlan, alarms: Alarms): TemplateResources {
  const keyArns = plannedKeys(plan).map(
    ({ logicalId, givenArn }) => givenArn ?? attributeOf(logicalId, 'Arn')
  )
  const streamArn = attributeOf('Stream', 'Arn')
  const rule = (state: string, pattern: object): TemplateResource => ({
    Type: 'AWS::Events::Rule',
    Properties: {
      State: state,
      EventPattern: pattern,
      ...(alarms.topicArn === undefined ? {} : { Targets: [{ Id: 'Topic', Arn: alarms.topicArn }] })
    }
  })
  const events = {
    KeyDenied: rule('ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS', {
      source: ['aws.kms'],
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: {
        errorCode: ['AccessDenied', 'AccessDeniedException', 'DisabledException', 'KMSInvalidStateException'],
        // Of a use that was refused CloudTrail does not always name the key: whom it was refused tells, too.
        $or: [
          { resources: { ARN: keyArns } },
          { userIdentity: { sessionContext: { sessionIssuer: { arn: workloadArns(plan) } } } }
        ]
      }
    }),
    KeyChanged: rule('ENABLED', {
      source: ['aws.kms'],
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: {
        eventName: ['DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy', 'CreateGrant', 'UpdateAlias'],
        resources: { ARN: keyArns }
      }
    }),
    StreamChanged: rule('ENABLED', {
      source: ['aws.kinesis'],
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: {
        eventName: [
          'StopStreamEncryption',
          'StartStreamEncryption',
          'DecreaseStreamRetentionPeriod',
          'DeleteStream',
          'PutResourcePolicy',
          'CreateChannel',
          'AssociateStreamsWithChannel'
        ],
        // A channel names its streams in a list, which other calls do not have.
        $or: [
          { requestParameters: { streamName: [plan.stream.name] } },
          { requestParameters: { streamARN: [streamArn] } },
          { requestParameters: { resourceARN: [streamArn] } },
          { eventName: ['CreateChannel', 'AssociateStreamsWithChannel'] }
        ]
      }
    })
  }
  return {
    ...Object.fromEntries(Object.entries(events).map(([name, each]) => [`${name}Rule`, each])),
    ...Object.fromEntries(
      Object.keys(events).map(name => [
        `${name}Alarm`,
        alarm(alarms, {
          namespace: 'AWS/Events',
          metric: 'MatchedEvents',
          dimensions: { RuleName: refTo(`${name}Rule`) },
          statistic: 'Sum',
          periodSeconds: 300,
          threshold: 0
        })
      ])
    )
  }
}

/** Roles that use keys by themselves. */
function workloadArns(plan: ResolvedPlan): readonly string[] {
  return madeRoles(plan)
    .filter(({ kind }) => kind !== 'delivery' && kind !== 'operator')
    .map(({ logicalId }) => attributeOf(logicalId, 'Arn'))
}

function alarm(
  { topicArn }: Alarms,
  { namespace, metric, dimensions, statistic, periodSeconds, threshold, comparison }: Watched
): TemplateResource {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      Namespace: namespace,
      MetricName: metric,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      Statistic: statistic,
      Period: periodSeconds,
      EvaluationPeriods: 1,
      Threshold: threshold,
      ComparisonOperator: comparison ?? 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      ...(topicArn === undefined ? {} : { AlarmActions: [topicArn] })
    }
  }
}
