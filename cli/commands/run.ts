import { hash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../core/clock.ts'
import type { LocalEngines, LocalOptions } from '../../local/index.ts'
import {
  awsEngine,
  definePipeline,
  type Engine,
  embeddedEngine,
  endpointEngine,
  type PipelinePlan,
  type ReadingSources,
  type ResolvedPlan
} from '../../pipeline/index.ts'
import { readConfigFile } from '../config-file.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { explainError, tellFailure } from '../explain-error.ts'
import { flightInput } from '../flights.ts'
import { type InputLine, readLines } from '../input.ts'
import { listenForInterrupt } from '../interrupt.ts'
import { runJob } from '../job.ts'
import { type CompleteRun, type RunOptions, RunState } from '../run-state.ts'
import { jsonSummary, textSummary } from '../summary.ts'
import type { JobOptions, JobResult, OnBadLine } from '../types.ts'
import { createView } from '../view.ts'

export const runUsage = `sealstream run [--input FILE|- --format ndjson|lines [--partition-key FIELD]]

Carries every line of the input through the whole pipeline: sealed into Kinesis, opened by worker processes,
delivered by Firehose to S3, and counted in a ledger.

  --input FILE|-          what to read; - is standard input; default the flights of the demo, but not on aws
  --format ndjson|lines   one JSON object per line, or lines as they are
  --partition-key FIELD   member whose value is the partition key (ndjson)
  --engine NAME           embedded (default: engines in this process), localstack (a container, or what is up
                          at SEALSTREAM_ENDPOINT), endpoint, or aws
  --endpoint URL          address of the endpoint engine; default SEALSTREAM_ENDPOINT
  --config FILE           a plan: .json, .js, .mjs or .ts; needed for aws
  --workers N             worker processes, 1 to 32; default 2
  --on-bad-line ACTION    fail (default), skip or dead-letter
  --output DIR            folder of the embedded S3 engine; default sealstream-output/<run>, or in DIR of --state
  --state DIR             keep engines and progress in DIR: a run that was interrupted, or killed, goes on from there
                          when it is started again with the same options; on the embedded engine
  --create                make missing resources on aws, too
  --stall-timeout SECONDS give up after this long without progress; default 60
  --json                  print one last line of JSON
  --verbose               show stack traces, and which process is which worker`

const engines = ['embedded', 'localstack', 'endpoint', 'aws'] as const
const maxLineBytes = 10 * 1024 * 1024 + 1

/** What the demo adds to a plain run. */
export interface RunExtras {
  readonly killAfterLines?: number
  readonly canaries?: () => readonly Buffer[]
  readonly next?: readonly string[]
  /** Starts the embedded engines with more than S3 to deliver to. */
  readonly startEngines?: (options: LocalOptions, plan: PipelinePlan) => Promise<DestinationEngines>
}

/** Engines, and a plan with the destinations that they serve. */
export interface DestinationEngines {
  readonly local: LocalEngines
  readonly plan: PipelinePlan
  readonly sources: ReadingSources
  /** Why a destination is left out, by its name. */
  readonly unavailable: Readonly<Record<string, string>>
}

export interface RunSettings {
  readonly engine: (typeof engines)[number]
  readonly endpoint: string | undefined
  readonly plan: PipelinePlan
  readonly input: AsyncIterable<readonly InputLine[]>
  /** What the input is: a path, `-`, or a name of our own. */
  readonly inputName: string
  /** Lets go of the input, also in the middle. */
  readonly closeInput?: () => void
  readonly format: 'ndjson' | 'lines'
  readonly partitionKeyField: string | undefined
  readonly onBadLine: OnBadLine
  readonly workers: number
  readonly output: string | undefined
  /** Folder that the run goes on from; undefined for one that begins anew every time. */
  readonly state: string | undefined
  readonly create: boolean
  readonly stallTimeoutMs: number
  readonly json: boolean
  readonly verbose: boolean
}

export const commonOptions = {
  engine: { type: 'string', default: 'embedded' },
  endpoint: { type: 'string' },
  config: { type: 'string' },
  workers: { type: 'string', default: '2' },
  'on-bad-line': { type: 'string', default: 'fail' },
  output: { type: 'string' },
  state: { type: 'string' },
  create: { type: 'boolean', default: false },
  'stall-timeout': { type: 'string', default: '60' },
  json: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
} as const

export async function runCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        ...commonOptions,
        input: { type: 'string' },
        format: { type: 'string' },
        'partition-key': { type: 'string' }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${runUsage}\n`)
    return ExitCode.ok
  }
  if (values.input === undefined) {
    const isBare = values.format === undefined && values['partition-key'] === undefined
    if (!isBare || values.engine === 'aws')
      throw new UsageError('--input is missing: name a file, or - for standard input')
    const { canaries, ...input } = flightInput(1)
    return run({ ...(await commonSettings(values)), ...input }, { canaries })
  }
  const format = oneOf('--format', values.format, ['ndjson', 'lines'])
  const partitionKeyField = values['partition-key']
  if (format === 'ndjson' && !partitionKeyField)
    throw new UsageError('--partition-key is missing: name a member')
  if (format === 'lines' && partitionKeyField !== undefined) {
    throw new UsageError('--partition-key goes with --format ndjson: plain lines have no members')
  }
  return run(
    {
      ...(await commonSettings(values)),
      input: await openInput(values.input),
      inputName: values.input === '-' ? '-' : resolve(values.input),
      // An open standard input would keep the process alive.
      ...(values.input === '-' ? { closeInput: () => process.stdin.destroy() } : {}),
      format,
      partitionKeyField
    },
    {}
  )
}

type CommonValues = { readonly [K in keyof typeof commonOptions]?: string | boolean | undefined }

/** Settings that every command with a pipeline has. */
export async function commonSettings(
  values: CommonValues
): Promise<Omit<RunSettings, 'input' | 'inputName' | 'format' | 'partitionKeyField'>> {
  const engine = oneOf('--engine', values.engine, engines)
  const text = (value: string | boolean | undefined): string | undefined =>
    typeof value === 'string' ? value : undefined
  const config = text(values.config)
  if (engine === 'aws' && config === undefined) {
    throw new UsageError(
      '--engine aws needs --config: the names of your stream, table, key and delivery stream'
    )
  }
  const state = text(values.state)
  if (state !== undefined && engine !== 'embedded') {
    throw new UsageError('--state goes with the embedded engine: other engines keep their own state')
  }
  const plan = config === undefined ? defaultPlan(engine) : await readConfigFile(config)
  definePipeline(plan)
  const withoutRole = (plan.destinations ?? [{ kind: 's3' }]).findIndex(
    ({ roleArn }) => roleArn === undefined
  )
  if (engine === 'aws' && values.create === true && withoutRole >= 0) {
    throw new UsageError(
      `--create on aws needs destinations[${withoutRole}].roleArn in the plan: the role that Firehose assumes`
    )
  }
  return {
    engine,
    endpoint: endpointOf(engine, text(values.endpoint)),
    plan,
    onBadLine: oneOf('--on-bad-line', values['on-bad-line'], ['fail', 'skip', 'dead-letter']),
    workers: integer('--workers', text(values.workers), 1, 32),
    output: text(values.output),
    state,
    create: values.create === true,
    stallTimeoutMs: integer('--stall-timeout', text(values['stall-timeout']), 1, 86_400) * 1000,
    json: values.json === true,
    verbose: values.verbose === true
  }
}

/** Runs the job on the engine that was chosen, shows it, and turns its result into an exit code. */
export async function run(settings: RunSettings, extras: RunExtras): Promise<ExitCode> {
  // With --json standard output belongs to the one last line.
  const shown = settings.json ? process.stderr : process.stdout
  const view = createView(shown, systemClock.now)
  const interrupt = listenForInterrupt(() =>
    view.note('interrupted: draining what was accepted; once more ends at once')
  )
  let where = 'AWS'
  let opened: OpenedEngine | undefined
  let state: RunState | undefined
  try {
    state = settings.state === undefined ? undefined : RunState.open(settings.state, optionsOf(settings))
    const complete = state?.complete
    if (complete !== undefined) return tellComplete(complete, settings)
    opened = await openEngine({ ...settings, stateFolder: state?.enginesFolder }, extras.startEngines)
    where = opened.where
    const options: JobOptions = {
      plan: opened.plan,
      engine: opened.engine,
      local: opened.local,
      sources: opened.sources,
      provision: settings.engine !== 'aws' || settings.create,
      input: settings.input,
      parse: { format: settings.format, partitionKeyField: settings.partitionKeyField },
      onBadLine: settings.onBadLine,
      workers: settings.workers,
      progress: state?.progress,
      ...(extras.killAfterLines === undefined ? {} : { killAfterLines: extras.killAfterLines }),
      canaries: extras.canaries ?? (() => []),
      stallTimeoutMs: settings.stallTimeoutMs,
      verbose: settings.verbose,
      onProgress: progress => view.progress(progress),
      onNote: note => view.note(note),
      signal: interrupt.signal
    }
    const done = await runJob(options)
    const unavailable = Object.entries(opened.unavailable).map(([name, reason]) => [
      name,
      { unavailable: reason }
    ])
    const result = {
      ...done,
      destinations: { ...done.destinations, ...Object.fromEntries(unavailable) }
    }
    view.end()
    const output = opened.output
    const text = textSummary(result, { output, next: extras.next ?? [] })
    if (!settings.json) shown.write(text)
    const code = report(result, settings, where)
    const json = `${jsonSummary(result, output)}\n`
    if (settings.json) process.stdout.write(json)
    if (hasCarriedAll(result)) {
      // Without its sample: no payload of the input is written down.
      const context = { output, next: [] }
      state?.finish({ exitCode: code, json, text: textSummary({ ...result, sample: undefined }, context) })
    }
    return code
  } catch (error) {
    view.end()
    if (interrupt.signal.aborted) return ExitCode.interrupted
    return tellFailure(error, where, { isVerbose: settings.verbose })
  } finally {
    interrupt.end()
    settings.closeInput?.()
    await opened?.close()
    state?.close()
  }
}

/** What has to be the same when a run goes on from its state folder. */
function optionsOf(settings: RunSettings): RunOptions {
  const { inputName, format, partitionKeyField, onBadLine, output, plan } = settings
  return {
    '--input': inputName,
    '--format': format,
    '--on-bad-line': onBadLine,
    // Plans may hold what is nobody's business.
    'plan (--config)': hash('sha256', JSON.stringify(plan)),
    ...(partitionKeyField === undefined ? {} : { '--partition-key': partitionKeyField }),
    ...(output === undefined ? {} : { '--output': resolve(output) })
  }
}

function hasCarriedAll({ ledger, interrupted, failure, badLine }: JobResult): boolean {
  const isBalanced = ledger.lost === 0 && ledger.inFlight === 0 && ledger.handedBack === 0
  return isBalanced && !interrupted && failure === undefined && badLine === undefined
}

function tellComplete({ exitCode, text, json }: CompleteRun, settings: RunSettings): ExitCode {
  process.stderr.write(`sealstream: the run in ${settings.state} is complete: nothing was put again\n`)
  process.stdout.write(settings.json ? json : text)
  return exitCode
}

function report(result: JobResult, settings: RunSettings, where: string): ExitCode {
  const { ledger } = result
  const complain = (text: string): void => {
    process.stderr.write(`sealstream: ${text}\n`)
  }
  if (result.badLine !== undefined)
    complain(`${result.badLine}; nothing after it was read (see --on-bad-line)`)
  if (result.interrupted && settings.state !== undefined)
    complain('interrupted: the same command goes on from here')
  if (result.failure !== undefined) complain(explainError(result.failure, where).message)
  if (ledger.lost > 0 || ledger.inFlight > 0)
    complain('the ledger does not balance: not everything accepted came out')
  if (ledger.foreign > 0 && settings.engine === 'embedded') {
    complain(`${ledger.foreign} delivered records are not what was put`)
    return ExitCode.failed
  }
  const sealed = settings.plan.sealing?.mode !== 'off'
  if (sealed && (result.plaintextFoundAtRest ?? 0) > 0) {
    complain('plaintext was found at rest')
    return ExitCode.findings
  }
  if (result.interrupted) return ExitCode.interrupted
  if (result.failure !== undefined) return explainError(result.failure, where).exitCode
  if (ledger.lost > 0 || ledger.inFlight > 0 || ledger.handedBack > 0) return ExitCode.failed
  const passedOver = settings.onBadLine === 'skip' ? 0 : result.refused
  return result.badLine !== undefined || passedOver > 0 ? ExitCode.usage : ExitCode.ok
}

export interface OpenedEngine {
  readonly engine: Engine
  readonly local: LocalEngines | undefined
  /** The plan that was given, or what the engines make of it. */
  readonly plan: PipelinePlan
  readonly sources: ReadingSources
  /** Why a destination is left out, by its name. */
  readonly unavailable: Readonly<Record<string, string>>
  /** Where the services are, for messages. */
  readonly where: string
  /** Folder or bucket of what is delivered. */
  readonly output: string
  /** Ends what was started for this run. */
  close(): Promise<void>
}

export async function openEngine(
  settings: Pick<RunSettings, 'engine' | 'endpoint' | 'plan' | 'output'> & {
    /** Of the embedded engines. @default memory alone */
    readonly stateFolder?: string | undefined
  },
  startEngines?: RunExtras['startEngines']
): Promise<OpenedEngine> {
  const { plan } = settings
  const resolved = definePipeline(plan)
  const remote = {
    local: undefined,
    plan,
    sources: {},
    unavailable: {},
    output: bucketOf(resolved, 's3:/'),
    close: async () => {}
  }
  if (settings.engine === 'aws') return { ...remote, engine: awsEngine, where: 'AWS' }
  if (settings.engine === 'endpoint') {
    const url = settings.endpoint!
    return { ...remote, engine: endpointEngine(url), where: url }
  }
  if (settings.engine === 'localstack') {
    const { startLocalStack } = await import('../../local/testing/index.ts')
    const stack = await startLocalStack()
    const where = `LocalStack at ${stack.endpoint}`
    return { ...remote, engine: endpointEngine(stack.endpoint), where, close: () => stack.close() }
  }
  const { stateFolder } = settings
  const outputFolder =
    settings.output ?? (stateFolder === undefined ? `sealstream-output/${runName()}` : undefined)
  const started = await (startEngines ?? startPlain)(
    {
      ...(outputFolder === undefined ? {} : { outputFolder: resolve(outputFolder) }),
      ...(stateFolder === undefined ? {} : { stateFolder })
    },
    plan
  )
  const { local } = started
  const folder = local.outputFolder
  const output = relative(process.cwd(), bucketOf(resolved, folder))
  return {
    ...started,
    engine: embeddedEngine(local),
    where: `the embedded engines of ${resolved.name}`,
    output: output.startsWith('..') ? bucketOf(resolved, folder) : output,
    close: () => local.close()
  }
}

/** The plan says where everything goes. */
async function startPlain(options: LocalOptions, plan: PipelinePlan): Promise<DestinationEngines> {
  const { startLocal } = await import('../../local/index.ts')
  return { local: await startLocal(options), plan, sources: {}, unavailable: {} }
}

/** Where objects are delivered; without such a destination where those of the first one are. */
function bucketOf({ destinations }: ResolvedPlan, root: string): string {
  const { bucket, prefix } = destinations.find(({ kind }) => kind === 's3') ?? destinations[0]!
  return root === 's3:/' ? `${root}/${bucket}/${prefix}` : `${root}/${bucket}`
}

/** A plan for a run without a configuration file: buffers of one second, quick failover. */
export function defaultPlan(engine: RunSettings['engine']): PipelinePlan {
  // On an emulator that outlives the run, every run has names of its own.
  const name =
    engine === 'endpoint' || engine === 'localstack' ? `sealstream-${randomUUID().slice(0, 8)}` : 'sealstream'
  return {
    name,
    consumer: { failoverTimeMs: 2_000, idleTimeBetweenReadsMs: 200 },
    destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }],
    // An emulator takes what comes.
    ...(engine === 'aws' ? {} : { producer: { rateLimitPercent: 1_000_000 } })
  }
}

async function openInput(input: string): Promise<AsyncIterable<readonly InputLine[]>> {
  if (input === '-') return readLines(process.stdin, maxLineBytes)
  const found = await stat(input).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--input ${input}: cannot be read (${error.code ?? 'unknown'})`)
  })
  if (found.isDirectory()) throw new UsageError(`--input ${input}: is a folder`)
  const stream = createReadStream(input)
  await new Promise<void>((opened, failed) => {
    stream.once('open', () => opened())
    stream.once('error', (error: NodeJS.ErrnoException) =>
      failed(new UsageError(`--input ${input}: cannot be read (${error.code ?? 'unknown'})`))
    )
  })
  return readLines(stream, maxLineBytes)
}

function runName(): string {
  return new Date(systemClock.wallTime()).toISOString().replace(/[:.]/g, '-')
}

/** Turns what `parseArgs` throws into a usage error. */
export function parseOptions<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

export function oneOf<T extends string>(option: string, value: unknown, accepted: readonly T[]): T {
  if (accepted.includes(value as T)) return value as T
  throw new UsageError(
    `${option}: expected ${accepted.join(', ')}${value === undefined ? '' : `, found ${String(value)}`}`
  )
}

export function integer(option: string, value: string | undefined, min: number, max: number): number {
  const number = Number(value)
  if (value !== undefined && /^\d+$/.test(value) && number >= min && number <= max) return number
  throw new UsageError(
    `${option}: expected a whole number from ${min} to ${max}, found ${value ?? 'nothing'}`
  )
}

/** Address of the endpoint engine: the option, else the variable. Other engines have none to name. */
export function endpointOf(engine: RunSettings['engine'], option: string | undefined): string | undefined {
  const endpoint = option ?? process.env.SEALSTREAM_ENDPOINT
  if (engine === 'endpoint') checkUrl(endpoint)
  else if (option !== undefined) throw new UsageError('--endpoint goes with --engine endpoint')
  return endpoint
}

function checkUrl(url: string | undefined): void {
  if (url === undefined) throw new UsageError('--engine endpoint needs --endpoint URL or SEALSTREAM_ENDPOINT')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--endpoint: expected an http or https address, found ${url}`)
  }
}
