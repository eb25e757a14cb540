import { proof } from './proof.ts'

export const e2e05 = proof({
  id: 'E2E-05',
  severity: 'high',
  title:
    'The log of KMS shows no use of the envelope key by anybody but those who may, under the pairs of the pipeline.',
  rationale:
    'What policies allow is one thing, who used the key another: CloudTrail is written by AWS, and by no process of the ' +
    'pipeline.',
  fix: 'Find out who the caller is, and take the right away: in the key policy first.',
  sources: {}
})
