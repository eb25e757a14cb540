import { parseArgs } from 'node:util'
import { startDemoEngines } from '../demo-destinations.ts'
import { ExitCode } from '../exit-code.ts'
import { flightCount, flightInput } from '../flights.ts'
import { commonOptions, commonSettings, integer, parseOptions, run } from './run.ts'

export const demoUsage = `sealstream demo [--kill-worker] [--repeat N]

Carries 20,000 real flights through the whole pipeline on the embedded engines, to S3, Elasticsearch, Redshift
and Splunk, and checks the content of each. With a plan, with --state, or on another engine, to the destinations of the plan.

  --kill-worker   SIGKILL one of the workers half-way; the other takes over
  --repeat N      put the flights N times, with ids of their own; 1 to 1000
  and the options of run but --input, --format and --partition-key`

export async function demoCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        ...commonOptions,
        'kill-worker': { type: 'boolean', default: false },
        repeat: { type: 'string', default: '1' }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${demoUsage}\n`)
    return ExitCode.ok
  }
  const repeat = integer('--repeat', values.repeat, 1, 1000)
  const { canaries, ...input } = flightInput(repeat)
  return run(
    { ...(await commonSettings(values)), ...input },
    {
      ...(values['kill-worker'] ? { killAfterLines: (flightCount * repeat) / 2 } : {}),
      canaries,
      // Its receivers let go of what was counted, which is no state to go on from.
      ...(values.engine === 'embedded' && values.config === undefined && values.state === undefined
        ? { startEngines: startDemoEngines }
        : {}),
      next: [
        'npm start -- --kill-worker                     one worker dies half-way; nothing is lost',
        'npm start -- --repeat 10                       200,000 records',
        'npx sealstream run --input FILE --format ndjson --partition-key FIELD    your own records'
      ]
    }
  )
}
