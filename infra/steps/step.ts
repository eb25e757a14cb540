import type { StepCall } from './step-call.ts'

/**
 * Something that has to be done after a stack is there, since CloudFormation has no resource for it. Texts may hold
 * placeholders: `${CloudHsmCluster.ClusterId}` is told by the stack, `${AWS::Region}` and the like by where it is, and every
 * other one by an earlier step.
 */
export interface PlanStep {
  /** From 1, in an order in which the steps can be taken. */
  readonly number: number
  /** Such as `cloudHsm.initialize`: stays the same when steps come or go. */
  readonly id: string
  readonly title: string
  /** Who does it: a role of the plan, or whoever has what it takes. */
  readonly by: string
  /** ARN of that role, where the plan names it. */
  readonly roleArn?: string
  readonly call?: StepCall
  /** What is done where no SDK does it: a step has this or a call. */
  readonly action?: string
  /** What to mind with the call. */
  readonly mind?: string
  /** What to see afterwards, and the request that shows it, where there is one. */
  readonly check: { readonly call?: StepCall; readonly expected: string }
  /** Ids of earlier steps; besides, all of them wait for the stack. */
  readonly waitsFor: readonly string[]
  /** What later steps need of this one. */
  readonly gives: readonly StepResult[]
}

export interface StepResult {
  /** Placeholder that it takes the place of. */
  readonly name: string
  /** Where it is in the answer, such as `KeyMetadata.Arn`; without it, it comes from whoever does the step. */
  readonly from?: string
  /** Never to be written down where others read. */
  readonly isSecret?: true
}

/** A step before it is known which others there are. */
export type StepDraft = Omit<PlanStep, 'number' | 'roleArn'>

export const custodian = 'the custodian of the keys'
export const deployer = 'the deployer'
