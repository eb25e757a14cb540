import type { PlanStep } from '../infra/index.ts'

/** Steps to be read and ticked off. */
export function stepsAsText(steps: readonly PlanStep[]): string {
  if (steps.length === 0) return 'Nothing is left to do by hand.\n'
  return steps.map((step, index) => stepAsText(step, index + 1)).join('\n')
}

function stepAsText({ title, by, call, action, check }: PlanStep, number: number): string {
  const what =
    call === undefined
      ? [`   do     ${action}`]
      : [
          `   call   ${call.service} ${call.operation}`,
          ...Object.entries(call.input).map(
            ([name, value]) =>
              `            ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`
          )
        ]
  return [`${number}. ${title}`, `   by     ${by}`, ...what, `   check  ${check}`, ''].join('\n')
}
