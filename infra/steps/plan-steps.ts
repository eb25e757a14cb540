import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'
import { accountId, partition, substitute } from '../placeholders.ts'
import { checkPlannable } from '../plan-checks.ts'
import { madeRoles } from '../plan-roles.ts'
import { inScope, type PlanScope } from '../scope.ts'
import { cloudHsmSteps } from './cloud-hsm.ts'
import { destinationSteps } from './destinations.ts'
import { glueSteps } from './glue.ts'
import { iotSteps } from './iot.ts'
import { rdsSteps } from './rds.ts'
import type { PlanStep } from './step.ts'

/**
 * What is to be done after the stack of a plan is there, in this order. Pure: it calls nobody. None for a plan without
 * services.
 * @throws InvalidOptionError
 */
export function planSteps(input: PipelinePlan, scope: PlanScope = {}): readonly PlanStep[] {
  const plan = definePipeline(input)
  checkPlannable(plan)
  const steps = [
    ...cloudHsmSteps(plan),
    ...iotSteps(plan),
    ...glueSteps(plan),
    ...destinationSteps(plan),
    ...rdsSteps(plan)
  ]
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
