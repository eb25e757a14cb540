import type { Control } from '../../control.ts'
import { manual } from '../../judge.ts'
import { streamsOf } from './streams.ts'

export const kds03: Control = {
  id: 'KDS-03',
  severity: 'critical',
  title: 'Payloads are sealed by the producer before they leave its process.',
  rationale:
    'Encryption at rest ends at whoever may read the stream. Only what the producer sealed stays closed to readers, ' +
    'copies and delivery channels without a right to the envelope key.',
  fix: 'Seal in the producer (sealing.mode aggregate or record), and run `sealstream prove --only E2E-01`.',
  kind: 'proof',
  sources: { statements: [13, 14] },
  evaluate: model =>
    streamsOf(model).map(stream =>
      manual(stream, 'no resource tells what records hold; run: sealstream prove --only E2E-01')
    )
}
