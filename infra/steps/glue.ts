import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { cataloguePolicy } from '../policies/catalogue.ts'
import { deployer, type StepDraft } from './step.ts'

/** CloudFormation has no type for the policy of a catalogue, of which there is one in each account and region. */
export function glueSteps(plan: ResolvedPlan): readonly StepDraft[] {
  if (plan.services.glue === undefined) return []
  return [
    {
      id: 'glue.putResourcePolicy',
      title: 'Close the database of the plan in the catalogue',
      by: deployer,
      call: {
        service: 'glue',
        operation: 'PutResourcePolicy',
        input: {
          PolicyInJson: JSON.stringify(cataloguePolicy(plan)),
          PolicyExistsCondition: 'NOT_EXIST'
        }
      },
      mind:
        'Where the catalogue has a policy already, this is refused: add the statements to that policy, and put it with ' +
        'MUST_EXIST and its PolicyHashCondition.',
      check: {
        call: { service: 'glue', operation: 'GetResourcePolicy', input: {} },
        expected: 'PolicyInJson has the statements NoOtherAccounts and TablesOnlyByDeployer'
      },
      waitsFor: [],
      gives: []
    }
  ]
}
