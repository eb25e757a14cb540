import type { Control } from '../../control.ts'
import { manual } from '../../judge.ts'
import { queuesOf } from './queues.ts'

export const sqs04: Control = {
  id: 'SQS-04',
  severity: 'high',
  title:
    'Dead letters hold records as they were received, sealed, and what names their place: never an opened payload or data key.',
  rationale:
    'A queue of failures is read by people who look for causes. Were it to hold what could be opened, it would be the one ' +
    'place in the pipeline with plaintext at rest that nobody thinks of.',
  fix: 'Dead-letter the Kinesis record as received, and run `sealstream prove --only E2E-01`.',
  kind: 'proof',
  sources: { statements: [26] },
  evaluate: model =>
    queuesOf(model).map(queue =>
      manual(queue, 'no resource tells what messages hold; run: sealstream prove --only E2E-01')
    )
}
