import { placeholdersIn, refTo } from '../placeholders.ts'
import { cloudHsmClusterId, cloudHsmOutput } from '../plan-services.ts'
import type { PlanStep } from './step.ts'
import type { StepCall } from './step-call.ts'

/** The steps for people: who does what, with which request, and what to see afterwards. */
export function stepsAsText(pipelineName: string, steps: readonly PlanStep[]): string {
  if (steps.length === 0) return `The template makes all that the plan of ${pipelineName} has: no steps.\n`
  const numbers = new Map(steps.map(({ id, number }) => [id, number]))
  const lines = [
    `What the template of ${pipelineName} leaves to people and the SDK, once its stack is there:`,
    ...steps.flatMap(step => ['', ...tell(step, numbers)]),
    ...legend(steps)
  ]
  return `${lines.join('\n')}\n`
}

function tell(step: PlanStep, numbers: ReadonlyMap<string, number>): readonly string[] {
  const { number, title, by, roleArn, call, action, mind, check, waitsFor, gives } = step
  return [
    `${number}. ${title}`,
    ...part('by', [roleArn === undefined ? by : `${by}, ${roleArn}`]),
    ...(call === undefined ? [] : part('call', request(call))),
    ...(action === undefined ? [] : part('do', [action])),
    ...(mind === undefined ? [] : part('mind', [mind])),
    ...part('check', [...(check.call === undefined ? [] : request(check.call)), check.expected]),
    ...(waitsFor.length === 0
      ? []
      : part('after', [waitsFor.map(id => `step ${numbers.get(id)}`).join(', ')])),
    ...(gives.length === 0
      ? []
      : part(
          'gives',
          gives.map(
            ({ name, from, isSecret }) =>
              `${refTo(name)}${from === undefined ? '' : `, in the answer ${from}`}${isSecret ? ': a secret' : ''}`
          )
        ))
  ]
}

const clusterName = `${cloudHsmClusterId}.ClusterId`
const indent = 3
const labelWidth = 7

function part(label: string, lines: readonly string[]): readonly string[] {
  return lines.map(
    (line, index) => `${' '.repeat(indent)}${(index === 0 ? label : '').padEnd(labelWidth)}${line}`
  )
}

function request({ service, operation, input }: StepCall): readonly string[] {
  const [first, ...others] = JSON.stringify(input, undefined, 2).split('\n')
  return [`${service} ${operation} ${first}`, ...others]
}

/** Where the values come from that no step gives. */
function legend(steps: readonly PlanStep[]): readonly string[] {
  const given = new Set(steps.flatMap(({ gives }) => gives.map(({ name }) => name)))
  const names = [...new Set(placeholdersIn(JSON.stringify(steps)))].filter(name => !given.has(name))
  const lines = [
    ...(given.size === 0
      ? []
      : [`In place of ${[...given].map(refTo).join(', ')}: what the step says that gives it.`]),
    ...(names.includes(clusterName)
      ? [`In place of ${refTo(clusterName)}: the output ${cloudHsmOutput} of the stack.`]
      : []),
    ...(names.some(name => name.startsWith('AWS::'))
      ? ['Everything else in ${}: where the stack is, which --account, --region and --partition say.']
      : [])
  ]
  return lines.length === 0 ? [] : ['', ...lines]
}
