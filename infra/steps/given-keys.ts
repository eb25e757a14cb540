import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { type PlannedKey, plannedKeys } from '../plan-keys.ts'
import { custodian, type StepDraft } from './step.ts'

/**
 * A template leaves the policy of a key that is given to its owner. Of envelope keys alone: nothing uses them while the stack
 * is made, and their policies name roles that come with it. The others are used by services meanwhile.
 */
export function givenKeySteps(plan: ResolvedPlan): readonly StepDraft[] {
  const given = plannedKeys(plan).filter(
    ({ purpose, givenArn }) => purpose === 'envelope' && givenArn !== undefined
  )
  return given.map((key, index) => putPolicy(key, given.length === 1 ? '' : `${index + 1}`))
}

function putPolicy({ givenArn, policy }: PlannedKey, suffix: string): StepDraft {
  return {
    id: `keys.putPolicy${suffix}`,
    title: `Give the key ${givenArn} the policy that the plan needs`,
    by: custodian,
    call: {
      service: 'kms',
      operation: 'PutKeyPolicy',
      input: { KeyId: givenArn!, PolicyName: 'default', Policy: JSON.stringify(policy) }
    },
    mind: 'It takes the place of the policy that the key has: again whenever the plan changes, and not for a key of others.',
    check: {
      call: {
        service: 'kms',
        operation: 'GetKeyPolicy',
        input: { KeyId: givenArn!, PolicyName: 'default' }
      },
      expected: 'the policy is this one'
    },
    waitsFor: [],
    gives: []
  }
}
