import type { Control } from '../../control.ts'
import { demand, judge, wrong } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { numberOf } from '../../readers.ts'
import { queuesOf } from './queues.ts'

// SQS's default, and how long a withdrawn key still serves: longer is cheaper and not needed for dead letters.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
const maxReuseSeconds = 300

export const sqs01: Control = {
  id: 'SQS-01',
  severity: 'medium',
  title: 'Queues are encrypted with a customer-managed key.',
  rationale:
    'Encryption by SQS itself is always there, but whoever may receive also reads. With a key of your own that is a ' +
    'second right, which can be narrowed and withdrawn.',
  fix: 'Set KmsMasterKeyId to the state key, and KmsDataKeyReusePeriodSeconds to no more than 300.',
  kind: 'resources',
  sources: { statements: [23], securityHub: ['SQS.1'], cdkNag: ['SQS2'], checkov: ['CKV_AWS_27'] },
  evaluate: model =>
    queuesOf(model).map(queue => {
      const { KmsMasterKeyId: key, KmsDataKeyReusePeriodSeconds: reuse } = queue.properties
      return judge(
        queue,
        [
          key === undefined
            ? wrong("encrypted by SQS's own key alone")
            : demandCustomerKey(model, 'KmsMasterKeyId', key),
          demand(
            'KmsDataKeyReusePeriodSeconds',
            reuse,
            value => value === undefined || (numberOf(value) ?? Number.POSITIVE_INFINITY) <= maxReuseSeconds,
            `a data key is used for more than ${maxReuseSeconds} seconds`
          )
        ],
        'encrypted with a customer-managed key'
      )
    })
}
