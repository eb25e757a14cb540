import { parseArgs } from 'node:util'
import { createPipeline, definePipeline, surveyDeadLetters } from '../../pipeline/index.ts'
import { readConfigFile } from '../config-file.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { tellFailure } from '../explain-error.ts'
import { type Interrupt, listenForInterrupt } from '../interrupt.ts'
import { count } from '../view.ts'
import { endpointOf, integer, type OpenedEngine, oneOf, openEngine, parseOptions } from './run.ts'

export const replayUsage = `sealstream replay --config FILE --engine localstack|endpoint|aws [--dry-run]

Opens stored dead letters again, hands the user records that failed to the delivery stream, and removes what was taken;
everything else stays. Leases and checkpoints are not touched.

  --config FILE      the plan of the pipeline: .json, .js, .mjs or .ts
  --engine NAME      localstack (what is up at SEALSTREAM_ENDPOINT), endpoint, or aws
  --endpoint URL     address of the endpoint engine; default SEALSTREAM_ENDPOINT
  --dry-run          count the dead letters by error code, read no payload, replay nothing
  --limit N          at most this many, 1 to 100000; default 10000
  --timeout SECONDS  stop after this long, 1 to 39600; default 300
  --json             print one last line of JSON
  --verbose          show stack traces`

interface ReplaySettings {
  readonly dryRun: boolean
  readonly limit: number
  readonly maxDurationMs: number
  readonly json: boolean
}

export async function replayCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        config: { type: 'string' },
        engine: { type: 'string' },
        endpoint: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        limit: { type: 'string', default: '10000' },
        timeout: { type: 'string', default: '300' },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${replayUsage}\n`)
    return ExitCode.ok
  }
  if (values.engine === 'embedded') {
    throw new UsageError(
      '--engine embedded: those engines end with their command, and with them what they hold; serve them by sealstream local and use --engine endpoint'
    )
  }
  const engine = oneOf('--engine', values.engine, ['localstack', 'endpoint', 'aws'])
  if (engine === 'localstack' && process.env.SEALSTREAM_ENDPOINT === undefined) {
    throw new UsageError(
      '--engine localstack needs SEALSTREAM_ENDPOINT: a new container holds no dead letters'
    )
  }
  if (values.config === undefined) throw new UsageError('--config is missing: name the plan of the pipeline')
  const settings: ReplaySettings = {
    dryRun: values['dry-run'],
    limit: integer('--limit', values.limit, 1, 100_000),
    maxDurationMs: integer('--timeout', values.timeout, 1, 39_600) * 1000,
    json: values.json
  }
  const endpoint = endpointOf(engine, values.endpoint)
  const plan = await readConfigFile(values.config)
  definePipeline(plan)
  const interrupt = listenForInterrupt(() =>
    process.stderr.write('sealstream: interrupted: putting back what is held\n')
  )
  let opened: OpenedEngine | undefined
  try {
    opened = await openEngine({ engine, endpoint, plan, output: undefined })
    const pipeline = createPipeline(plan, { engine: opened.engine })
    try {
      return settings.dryRun
        ? await survey(pipeline, settings, interrupt)
        : await replay(pipeline, settings, interrupt)
    } finally {
      pipeline.close()
    }
  } catch (error) {
    return tellFailure(error, opened?.where ?? 'AWS', { isVerbose: values.verbose })
  } finally {
    interrupt.end()
    await opened?.close()
  }
}

type Pipeline = ReturnType<typeof createPipeline>

async function survey(
  pipeline: Pipeline,
  { limit, maxDurationMs, json }: ReplaySettings,
  { signal }: Interrupt
): Promise<ExitCode> {
  const source = pipeline.createDeadLetterSource()
  const found = await surveyDeadLetters({ source, limit, maxDurationMs, signal })
  show(json, found, [
    `dead letters  ${count(found.found)}`,
    ...Object.entries(found.byErrorCode).map(([code, letters]) => `  ${code}  ${count(letters)}`),
    ...(found.malformed > 0 ? [`no dead letters  ${count(found.malformed)}`] : [])
  ])
  return found.endedBy === 'signal' ? ExitCode.interrupted : ExitCode.ok
}

async function replay(
  pipeline: Pipeline,
  { limit, maxDurationMs, json }: ReplaySettings,
  { signal }: Interrupt
): Promise<ExitCode> {
  const result = await pipeline.replayDeadLetters({ limit, maxDurationMs, signal })
  show(json, result, [
    `replayed  ${count(result.replayed)} (${count(result.userRecords)} user records)`,
    `failed    ${count(result.failed)} (still there)`,
    ...Object.entries(result.failures).map(([code, letters]) => `  ${code}  ${count(letters)}`),
    `left      ${count(result.left)} (not tried)`,
    ...(result.notRemoved > 0 ? [`not removed  ${count(result.notRemoved)} (they may come again)`] : []),
    ...(result.endedBy === 'empty' ? [] : [`ended by  ${result.endedBy}; there may be more`])
  ])
  if (result.endedBy === 'signal') return ExitCode.interrupted
  return result.failed > 0 || result.notRemoved > 0 ? ExitCode.failed : ExitCode.ok
}

function show(json: boolean, result: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`)
}
