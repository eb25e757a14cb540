import { parseArgs } from 'node:util'
import { mostInlineTemplateBytes, planSteps, planTemplate, stepsAsText } from '../../infra/index.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { planOf, planOptions, scopeOf } from '../plan-scope.ts'
import { count } from '../view.ts'
import { oneOf, parseOptions } from './run.ts'

export const planUsage = `sealstream plan [--config FILE] [--profile core|full]
       sealstream plan --steps [--json] [--config FILE]

Prints the template of CloudFormation for a plan: keys, roles, policies, stream, lease table, queue, buckets, delivery
streams, logs, alarms and endpoints. It asks nobody anything; deploy it with the capability CAPABILITY_NAMED_IAM.

  --config FILE      the plan of the pipeline: .json, .js, .mjs or .ts; default that of the example flights
  --profile NAME     core: what the pipeline cannot run without; full (default): alarms, event rules and endpoints, too
  --account ID, --region NAME, --partition NAME
                     written out where the template would ask CloudFormation for them
  --compact          one line
  --steps            instead of the template what is to be done after it, since CloudFormation cannot: each step with its
                     call, who makes it, and what to see afterwards
  --json             the steps as JSON`

export async function planCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        ...planOptions,
        profile: { type: 'string', default: 'full' },
        compact: { type: 'boolean', default: false },
        steps: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${planUsage}\n`)
    return ExitCode.ok
  }
  if (values.json && !values.steps) throw new UsageError('--json goes with --steps alone: a template is JSON')
  if (values.steps) {
    const plan = await planOf(values)
    const steps = planSteps(plan, scopeOf(values))
    process.stdout.write(
      values.json
        ? `${JSON.stringify(steps, undefined, values.compact ? undefined : 2)}\n`
        : stepsAsText(plan.name, steps)
    )
    return ExitCode.ok
  }
  const profile = oneOf('--profile', values.profile, ['core', 'full'])
  const template = planTemplate(await planOf(values), { profile, ...scopeOf(values) })
  const compact = JSON.stringify(template)
  process.stdout.write(`${values.compact ? compact : JSON.stringify(template, undefined, 2)}\n`)
  const bytes = Buffer.byteLength(compact)
  if (bytes > mostInlineTemplateBytes) {
    process.stderr.write(
      `sealstream: ${count(bytes)} bytes even as one line: put it into a bucket, for CloudFormation takes ${count(mostInlineTemplateBytes)} in a request\n`
    )
  }
  return ExitCode.ok
}
