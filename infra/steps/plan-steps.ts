import { definePipeline, type PipelinePlan, type ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, partition, substitute } from '../placeholders.ts'
import { checkPlannable } from '../plan-checks.ts'
import { madeRoles } from '../plan-roles.ts'
import { inScope, type PlanScope } from '../scope.ts'
import { destinationSteps } from './destinations.ts'
import { givenKeySteps } from './given-keys.ts'
import { glueSteps } from './glue.ts'
import { cloudHsmSteps } from './hsm-keys.ts'
import { iotSteps } from './iot.ts'
import { rdsSteps } from './rds.ts'
import { custodian, deployer, type PlanStep, type StepDraft } from './step.ts'

/**
 * What is to be done after the stack of a plan is there, in an order in which it can be done. Pure: it calls nobody, and does
 * not ask how far one has come. None for a plan without services and given envelope keys.
 * @throws InvalidOptionError
 */
export function planSteps(input: PipelinePlan, scope: PlanScope = {}): readonly PlanStep[] {
  const plan = definePipeline(input)
  checkPlannable(plan)
  const steps = [
    ...cloudHsmSteps(plan),
    ...givenKeySteps(plan),
    ...iotSteps(plan),
    ...glueSteps(plan),
    ...destinationSteps(plan),
    ...rdsSteps(plan)
  ].map(numbered(plan))
  // Outside of a template a role is told by its name.
  const arns = new Map(
    madeRoles(plan).map(({ logicalId, name }) => [
      `${logicalId}.Arn`,
      `arn:${partition}:iam::${accountId}:role/${name}`
    ])
  )
  return inScope(
    substitute(steps, name => arns.get(name)),
    scope
  )
}

/** With its number, and with the role that the plan names. */
function numbered({ roles }: ResolvedPlan): (draft: StepDraft, index: number) => PlanStep {
  const roleArns = new Map([
    [custodian, roles.custodianArn],
    [deployer, roles.deployerArn]
  ])
  return ({ id, title, by, ...others }, index) => {
    const roleArn = roleArns.get(by)
    return { number: index + 1, id, title, by, ...(roleArn === undefined ? {} : { roleArn }), ...others }
  }
}
