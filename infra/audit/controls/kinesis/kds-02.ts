import type { Control } from '../../control.ts'
import { judge, toConfirm } from '../../judge.ts'
import { ask, circumstancesOf, everyRight, principalsToldApart } from '../../questions.ts'
import { streamsOf } from './streams.ts'

export const kds02: Control = {
  id: 'KDS-02',
  severity: 'medium',
  title: 'Nothing reaches the stream but over TLS 1.2 or later.',
  rationale:
    'Kinesis offers TLS alone, so what remains is the client: an endpoint that begins with http: is for local engines. A ' +
    'policy of the stream that denies plain transport makes it certain, and may be left out.',
  fix: 'Let no client be configured with an http: endpoint; optionally deny aws:SecureTransport = false on the stream.',
  kind: 'resources',
  sources: { statements: [11] },
  evaluate: model =>
    streamsOf(model).map(stream => {
      const policy = model.resourcePolicies.get(stream.arn)
      const answers = principalsToldApart(model, policy).flatMap(principal =>
        circumstancesOf(policy).flatMap(circumstance =>
          ['kinesis:PutRecords', 'kinesis:GetRecords'].map(action =>
            ask(model, {
              principal,
              action,
              resource: stream.arn,
              identity: [everyRight],
              context: { ...circumstance, 'aws:SecureTransport': 'false' }
            })
          )
        )
      )
      return judge(
        stream,
        answers.every(answer => answer === 'deny')
          ? []
          : [
              toConfirm(
                'the stream has no policy against plain transport: see that no client has an http: endpoint'
              )
            ],
        'its policy denies plain transport'
      )
    })
}
