import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo } from '../placeholders.ts'
import { idPart, keyArn } from '../plan-arns.ts'
import { failureQueues } from '../plan-readers.ts'
import { iotErrorQueue } from '../plan-services.ts'
import { deadLetterQueuePolicy, failureQueuePolicy, iotErrorQueuePolicy } from '../policies/queue.ts'
import { hasQueue } from '../policies/shared.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { retained, type TemplateResources } from '../template.ts'

/** What SQS allows at most, in seconds: 14 days. */
const longestRetention = 1_209_600

/** The queue of dead letters, those of what Lambda gave up, and that of what devices sent in vain. */
export function queueResources(plan: ResolvedPlan): TemplateResources {
  return {
    ...(hasQueue(plan)
      ? queue(plan, deadLetterQueueId, plan.deadLetters.queue, deadLetterQueuePolicy(plan))
      : {}),
    ...Object.assign(
      {},
      ...failureQueues(plan).map(name =>
        queue(plan, failureQueueId(name), name, failureQueuePolicy(plan, name))
      )
    ),
    ...(plan.services.iot === undefined
      ? {}
      : queue(plan, iotErrorQueueId, iotErrorQueue(plan), iotErrorQueuePolicy(plan)))
  }
}

export const deadLetterQueueId = 'DeadLetterQueue'
export const iotErrorQueueId = 'IotErrorQueue'
export const failureQueueId = (queueName: string): string => `${idPart(queueName)}Queue`

function queue(
  plan: ResolvedPlan,
  logicalId: string,
  name: string,
  policy: PolicyDocument
): TemplateResources {
  return {
    [logicalId]: {
      Type: 'AWS::SQS::Queue',
      ...retained,
      Properties: {
        QueueName: name,
        KmsMasterKeyId: keyArn(plan, 'state'),
        KmsDataKeyReusePeriodSeconds: 300,
        MessageRetentionPeriod: longestRetention,
        // It is the end of the line: no queue may name it as its own dead-letter queue.
        RedriveAllowPolicy: { redrivePermission: 'denyAll' }
      }
    },
    [`${logicalId}Policy`]: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [refTo(logicalId)], PolicyDocument: policy }
    }
  }
}
