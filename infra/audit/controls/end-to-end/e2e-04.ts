import { proof } from './proof.ts'

export const e2e04 = proof({
  id: 'E2E-04',
  severity: 'high',
  title:
    'What each role may do with the envelope key is what its policies predict, asked of the service itself.',
  rationale:
    'Policies of an organization, boundaries and grants have a say that no template shows. A dry run asks the service, ' +
    'and touches nothing.',
  fix: 'Compare the two matrices, and look for a policy outside of the pipeline where they differ.',
  sources: {}
})
