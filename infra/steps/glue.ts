import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId } from '../placeholders.ts'
import { glueArn } from '../plan-arns.ts'
import { policyOf } from '../policies/shared.ts'
import type { PolicyDocument } from '../policy-document.ts'
import { calling, type PlanStep } from './step.ts'

export function glueSteps({ services: { glue } }: ResolvedPlan): readonly PlanStep[] {
  if (glue === undefined) return []
  return [
    calling(
      'glue.putResourcePolicy',
      'Close the catalogue to other accounts',
      'the deployer',
      [
        'glue',
        'PutResourcePolicy',
        // An account has one policy for its whole catalogue: what is there is not overwritten, but has to take this in.
        { PolicyInJson: JSON.stringify(cataloguePolicy(glue.database)), PolicyExistsCondition: 'NOT_EXIST' }
      ],
      'GetResourcePolicy: PolicyInJson has the statement NoOtherAccount'
    )
  ]
}

/** A denial: who may read the tables is said by the roles. */
function cataloguePolicy(database: string): PolicyDocument {
  return policyOf({
    Sid: 'NoOtherAccount',
    Effect: 'Deny',
    Principal: '*',
    Action: 'glue:*',
    Resource: [glueArn('catalog'), glueArn(`database/${database}`), glueArn(`table/${database}/*`)],
    Condition: {
      StringNotEquals: { 'aws:PrincipalAccount': accountId },
      Bool: { 'aws:PrincipalIsAWSService': 'false' }
    }
  })
}
