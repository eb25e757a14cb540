import type { Control } from '../../control.ts'
import type { AuditModel } from '../../model.ts'
import { knownListAt, resourcesOf, textAt } from '../../readers.ts'

// Metrics of AWS for the stream, the delivery streams and the queue of dead letters, and those of a worker for the same.
const lag = /(^|\.)(MillisBehindLatest|IteratorAgeMilliseconds|IteratorAge)$/
// Of some destinations there is no freshness, and whether all was delivered tells it.
const freshness = /^DeliveryTo\w+\.(DataFreshness|Success)$/
const failures = /^(DeadLetters|ApproximateNumberOfMessagesVisible)$/
const refusals = /^(StalledShards|KMSKeyAccessDenied|KMSKeyDisabled|KMSKeyInvalidState|KMSKeyNotFound)$/

const watchedCalls = ['DisableKey', 'ScheduleKeyDeletion', 'StopStreamEncryption', 'CreateChannel']

export const log02: Control = {
  id: 'LOG-02',
  severity: 'medium',
  title:
    'Somebody is told when keys are refused, when records fall behind or do not open, and when a guard is taken away.',
  rationale:
    'A worker whose key is refused holds its shard and loses nothing until retention ends: that is the time in which ' +
    'somebody has to know.',
  fix: 'Add the alarms and event rules that the finding names.',
  kind: 'resources',
  sources: { cis: ['4.7'] },
  reads: ['cloudwatch:DescribeAlarms', 'events:ListRules'],
  evaluate: model => {
    const hasStream = resourcesOf(model, 'AWS::Kinesis::Stream').length > 0
    const hasDelivery = resourcesOf(model, 'AWS::KinesisFirehose::DeliveryStream').length > 0
    // Engines raise no alarms.
    if ((!hasStream && !hasDelivery) || model.source === 'local') return []
    const missing = [
      ...(hasStream && !hasAlarm(model, lag) ? ['an alarm on how far readers are behind'] : []),
      ...(hasDelivery && !hasAlarm(model, freshness) ? ['an alarm on the freshness of delivery'] : []),
      ...(hasStream && !hasAlarm(model, failures) ? ['an alarm on records that do not open'] : []),
      ...(hasStream && !hasAlarm(model, refusals) && !watchesErrors(model)
        ? ['an alarm on refused or disabled keys']
        : []),
      ...watchedCalls.filter(call => !watches(model, call)).map(call => `a rule on ${call}`)
    ]
    return [
      {
        status: missing.length === 0 ? 'pass' : 'fail',
        evidence: missing.length === 0 ? 'all alarms and rules are there' : `missing: ${missing.join(', ')}`
      }
    ]
  }
}

/** An alarm that is on, whoever looks at it; one on an expression has its metrics inside. */
function hasAlarm(model: AuditModel, name: RegExp): boolean {
  return resourcesOf(model, 'AWS::CloudWatch::Alarm').some(({ properties }) => {
    if (properties.ActionsEnabled === false || properties.ActionsEnabled === 'false') return false
    const metrics = knownListAt(properties, 'Metrics').map(metric =>
      textAt(metric, 'MetricStat', 'Metric', 'MetricName')
    )
    return [textAt(properties, 'MetricName'), ...metrics].some(
      metric => metric !== undefined && name.test(metric)
    )
  })
}

// Reads, as every use of a key is one, come to rules in this state alone.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
const withReads = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'

function patterns(model: AuditModel, ...states: readonly unknown[]): readonly unknown[] {
  return resourcesOf(model, 'AWS::Events::Rule')
    .filter(({ properties }) => states.includes(properties.State ?? 'ENABLED'))
    .map(({ properties }) => properties.EventPattern)
}

function watches(model: AuditModel, call: string): boolean {
  return patterns(model, 'ENABLED', withReads).some(pattern =>
    knownListAt(pattern, 'detail', 'eventName').includes(call)
  )
}

/** A rule on calls to KMS that failed, rather than an alarm. */
function watchesErrors(model: AuditModel): boolean {
  return patterns(model, withReads).some(
    pattern =>
      knownListAt(pattern, 'source').includes('aws.kms') &&
      knownListAt(pattern, 'detail', 'errorCode').length > 0
  )
}
