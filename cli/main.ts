import { setFlagsFromString } from 'node:v8'
import { InvalidOptionError } from '../core/errors.ts'
import { StateError } from '../local/state/index.ts'
import { ExitCode, UsageError } from './exit-code.ts'

interface Command {
  readonly usage: string
  readonly run: (args: readonly string[]) => Promise<ExitCode>
}

/** Loaded when they are asked for: most need much that the others do not. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => {
    const { runCommand: run, runUsage: usage } = await import('./commands/run.ts')
    return { run, usage }
  },
  demo: async () => {
    const { demoCommand: run, demoUsage: usage } = await import('./commands/demo.ts')
    return { run, usage }
  },
  local: async () => {
    const { localCommand: run, localUsage: usage } = await import('./commands/local.ts')
    return { run, usage }
  },
  replay: async () => {
    const { replayCommand: run, replayUsage: usage } = await import('./commands/replay.ts')
    return { run, usage }
  },
  'migrate-table': async () => {
    const { migrateTableCommand: run, migrateTableUsage: usage } = await import('./commands/migrate-table.ts')
    return { run, usage }
  },
  open: async () => {
    const { openCommand: run, openUsage: usage } = await import('./commands/open.ts')
    return { run, usage }
  },
  plan: async () => {
    const { planCommand: run, planUsage: usage } = await import('./commands/plan.ts')
    return { run, usage }
  },
  iam: async () => {
    const { iamCommand: run, iamUsage: usage } = await import('./commands/iam.ts')
    return { run, usage }
  },
  audit: async () => {
    const { auditCommand: run, auditUsage: usage } = await import('./commands/audit.ts')
    return { run, usage }
  },
  prove: async () => {
    const { proveCommand: run, proveUsage: usage } = await import('./commands/prove.ts')
    return { run, usage }
  }
}

async function usage(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map(load => load()))
  return `sealstream: sealed records from a Node service through Kinesis and Firehose

${all.map(command => command.usage).join('\n\n')}

Exit codes: 0 ok; 1 ledger unbalanced or failed; 2 usage or bad input; 3 unreachable or denied; 4 findings;
130 interrupted.
`
}

/** Runs one command of the command line and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // The SDK's notice about Node versions is for the people who build this package, not for its users. Worker
  // processes inherit it; the library itself never touches the environment.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const [verb, ...rest] = args
  if (verb === undefined || verb === '--help' || verb === 'help') {
    process.stdout.write(await usage())
    return verb === undefined ? ExitCode.usage : ExitCode.ok
  }
  try {
    const load = Object.hasOwn(commands, verb) ? commands[verb] : undefined
    if (load === undefined)
      throw new UsageError(`unknown command ${verb}; known are ${Object.keys(commands).join(', ')}`)
    const { run } = await load()
    // The command shares a laptop with what it shows: the heap grows by a third at a time, not by a multiple, and
    // its young part stays small, which newer Node versions let grow to hundreds of megabytes.
    setFlagsFromString('--heap-growing-percent=30')
    setFlagsFromString('--semi-space-growth-factor=1')
    return await run(rest)
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
