import { proof } from './proof.ts'

export const e2e03 = proof({
  id: 'E2E-03',
  severity: 'critical',
  title: 'A record that is replayed on another stream, or under another context, does not open.',
  rationale:
    'What is sealed for one stream must not be accepted on another: the encryption context is part of what is ' +
    'authenticated, and the opener has to ask for it.',
  fix: 'Open with the pairs pipeline and stream required, as a plan does by itself.',
  sources: {}
})
