/** Something that has to be done after a stack is there, since CloudFormation has no resource for it. */
export interface PlanStep {
  /** Such as `cloudHsm.initialize`: stays the same when steps are added. */
  readonly id: string
  readonly title: string
  /** Who does it: a role of the plan, or whoever has what it takes. */
  readonly by: string
  /** Call of an AWS SDK, its input as the SDK takes it. What only an earlier step tells stands in angle brackets. */
  readonly call: StepCall | undefined
  /** What is done where no SDK does it. */
  readonly action: string | undefined
  /** What to see afterwards. */
  readonly check: string
}

export interface StepCall {
  /** As the SDK's clients are called, such as `kms`. */
  readonly service: string
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

export function calling(
  id: string,
  title: string,
  by: string,
  [service, operation, input]: readonly [string, string, StepCall['input']],
  check: string
): PlanStep {
  return { id, title, by, call: { service, operation, input }, action: undefined, check }
}

export function doing(id: string, title: string, by: string, action: string, check: string): PlanStep {
  return { id, title, by, call: undefined, action, check }
}

/** An output of the stack, as a value of a step. */
export const output = (name: string): string => `<output ${name}>`
