import type { Control } from '../../control.ts'
import { deliveryStreamsOf, isFedByKinesis, transformsOf, unknownPartsOf } from '../../delivery-streams.ts'
import { functionFor } from '../../functions.ts'
import { judge, toConfirm, wrong } from '../../judge.ts'

export const fh06: Control = {
  id: 'FH-06',
  severity: 'critical',
  title:
    'Where plaintext appears is declared: at one transform of the delivery stream, or before it, or nowhere.',
  rationale:
    'Everything behind the point at which records are opened is plaintext at rest, guarded by the keys of the services ' +
    'alone. With two points, or one that nobody declared, nobody can say which buckets that concerns.',
  fix: 'Say deliver: plaintext or ciphertext for the destination, and open in one place.',
  kind: 'manual',
  sources: { statements: [39] },
  evaluate: model =>
    deliveryStreamsOf(model).map(stream => {
      const transforms = [...new Set(transformsOf(stream))]
      const names = transforms.map(arn => functionFor(model, arn)?.id ?? 'a function that is not here')
      const seen =
        transforms.length === 0
          ? `it delivers what is ${isFedByKinesis(stream) ? 'in the stream' : 'put to it'}`
          : `records may be opened by ${names.join(' and by ')}`
      return judge(
        stream,
        [
          ...unknownPartsOf(stream),
          transforms.length > 1
            ? wrong(`records may be opened in more than one place: ${names.join(', ')}`)
            : undefined,
          toConfirm(`${seen}: whether that is plaintext, its plan has to say`)
        ],
        seen
      )
    })
}
