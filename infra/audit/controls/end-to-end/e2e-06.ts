import { proof } from './proof.ts'

export const e2e06 = proof({
  id: 'E2E-06',
  severity: 'high',
  title: 'The controls say the same of the template that a plan makes and of what is there.',
  rationale:
    'What is changed by hand after a deployment is in no template. One set of rules for both finds it, and is itself tried ' +
    'by flaws that are made in both.',
  fix: 'Deploy the template again, or put into the plan what was changed for a reason.',
  sources: {}
})
