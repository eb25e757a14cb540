import { setFlagsFromString } from 'node:v8'
import { InvalidOptionError } from '../core/errors.ts'
import { StateError } from '../local/state/index.ts'
import { auditCommand, auditUsage } from './commands/audit.ts'
import { demoCommand, demoUsage } from './commands/demo.ts'
import { iamCommand, iamUsage } from './commands/iam.ts'
import { localCommand, localUsage } from './commands/local.ts'
import { openCommand, openUsage } from './commands/open.ts'
import { planCommand, planUsage } from './commands/plan.ts'
import { proveCommand, proveUsage } from './commands/prove.ts'
import { replayCommand, replayUsage } from './commands/replay.ts'
import { runCommand, runUsage } from './commands/run.ts'
import { ExitCode, UsageError } from './exit-code.ts'

const usage = `sealstream: sealed records from a Node service through Kinesis and Firehose

${runUsage}

${demoUsage}

${localUsage}

${replayUsage}

${openUsage}

${planUsage}

${iamUsage}

${auditUsage}

${proveUsage}

Exit codes: 0 ok; 1 ledger unbalanced or failed; 2 usage or bad input; 3 unreachable or denied; 4 findings;
130 interrupted.
`

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<ExitCode>>> = {
  run: runCommand,
  demo: demoCommand,
  local: localCommand,
  replay: replayCommand,
  open: openCommand,
  plan: planCommand,
  iam: iamCommand,
  audit: auditCommand,
  prove: proveCommand
}

/** Runs one command of the command line and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // The SDK's notice about Node versions is for the people who build this package, not for its users. Worker
  // processes inherit it; the library itself never touches the environment.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  // The command shares a laptop with what it shows: the heap grows by a third at a time, not by a multiple, and
  // its young part stays small, which newer Node versions let grow to hundreds of megabytes.
  setFlagsFromString('--heap-growing-percent=30')
  setFlagsFromString('--semi-space-growth-factor=1')
  const [verb, ...rest] = args
  if (verb === undefined || verb === '--help' || verb === 'help') {
    process.stdout.write(usage)
    return verb === undefined ? ExitCode.usage : ExitCode.ok
  }
  try {
    const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
    if (command === undefined)
      throw new UsageError(`unknown command ${verb}; known are ${Object.keys(commands).join(', ')}`)
    return await command(rest)
  } catch (error) {
    if (error instanceof UsageError || error instanceof InvalidOptionError || error instanceof StateError) {
      process.stderr.write(`sealstream: ${error.message}\n`)
      return ExitCode.usage
    }
    process.stderr.write(`sealstream: ${error instanceof Error ? error.message : String(error)}\n`)
    if (rest.includes('--verbose') && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return ExitCode.failed
  }
}
