import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../../core/clock.ts'
import type { LocalEngines } from '../../local/index.ts'
import {
  definePipeline,
  type Evidence,
  embeddedEngine,
  evidenceOf,
  type PipelinePlan,
  type Proof,
  ProofId,
  runProofs
} from '../../pipeline/index.ts'
import { readConfigFile } from '../config-file.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { tellFailure } from '../explain-error.ts'
import { listenForInterrupt } from '../interrupt.ts'
import { ownVersion } from '../own-version.ts'
import { askAccount, askEngines, type Closers, type ProofQuestions } from '../proof-questions.ts'
import {
  defaultPlan,
  endpointOf,
  integer,
  type OpenedEngine,
  oneOf,
  openEngine,
  parseOptions
} from './run.ts'

export const proveUsage = `sealstream prove [--config FILE] [--only E2E-01,…] [--evidence FILE]

Proves by trying what a sealed pipeline promises: E2E-01 no plaintext at rest, E2E-02 a revoked key stops opening and
when, E2E-03 a replay under another context does not open, E2E-04 the roles' permissions are what the policies say,
E2E-05 nobody but they used the key, E2E-06 the rules say the same of the plan's template and of what is there.
Exit code 4 when one of them is not proved.

  --config FILE          the plan: .json, .js, .mjs or .ts; needed for aws. Its records, its key and its queue are used:
                         take a plan of its own for it, on an account where nobody works with them
  --engine NAME          embedded (default), localstack, endpoint, or aws
  --endpoint URL         address of the endpoint engine; default SEALSTREAM_ENDPOINT
  --only IDS             some of the proofs, separated by commas
  --allow-key-changes    disable the plan's key for E2E-02 on aws, too, and enable it again
  --window HOURS         how far back E2E-05 reads CloudTrail on aws, 1 to 2160; default 24
  --evidence FILE        write what was proved as JSON, with a digest; it holds no payload, key or context value
  --json                 print the same as one last line
  --verbose              show stack traces`

const engines = ['embedded', 'localstack', 'endpoint', 'aws'] as const

interface ProveSettings {
  readonly engine: (typeof engines)[number]
  readonly plan: PipelinePlan
  readonly only: readonly ProofId[]
  readonly allowKeyChanges: boolean
  readonly windowMs: number
  readonly evidenceFile: string | undefined
  readonly json: boolean
}

export async function proveCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        config: { type: 'string' },
        engine: { type: 'string', default: 'embedded' },
        endpoint: { type: 'string' },
        only: { type: 'string' },
        'allow-key-changes': { type: 'boolean', default: false },
        window: { type: 'string', default: '24' },
        evidence: { type: 'string' },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${proveUsage}\n`)
    return ExitCode.ok
  }
  const engine = oneOf('--engine', values.engine, engines)
  if (engine === 'aws' && values.config === undefined) {
    throw new UsageError('--engine aws needs --config: the names of your stream, table, key and queue')
  }
  const endpoint = endpointOf(engine, values.endpoint)
  const plan = values.config === undefined ? defaultPlan(engine) : await readConfigFile(values.config)
  definePipeline(plan)
  const settings: ProveSettings = {
    engine,
    plan,
    only: proofIds(values.only),
    allowKeyChanges: values['allow-key-changes'],
    windowMs: integer('--window', values.window, 1, 2_160) * 3_600_000,
    evidenceFile: values.evidence,
    json: values.json
  }
  const interrupt = listenForInterrupt(() =>
    process.stderr.write('sealstream: interrupted: the key is enabled again; once more ends at once\n')
  )
  let opened: OpenedEngine | undefined
  let control: LocalEngines | undefined
  const asked: ProofQuestions = {
    permissions: 'the roles of an account are not assumed from here',
    keyUses: 'the KMS there has no log that could be read',
    verdicts: 'what stands there was not made from the template'
  }
  const closers: Closers = []
  try {
    opened = await openEngine({ engine, endpoint, plan, output: undefined }, async (_, given) => ({
      // Nothing of it is kept.
      local: await startEngines(),
      plan: given,
      sources: {},
      unavailable: {}
    }))
    control = opened.local ?? (await startEngines(['kinesis']))
    if (opened.local !== undefined) await askEngines(asked, settings, closers)
    else if (engine === 'aws') {
      await askAccount(asked, settings, closers, {
        engine: opened.engine,
        isOptional: values.only === undefined,
        signal: interrupt.signal
      })
    }
    return await prove(settings, opened, { ...asked, control, signal: interrupt.signal })
  } catch (error) {
    if (interrupt.signal.aborted) return ExitCode.interrupted
    return tellFailure(error, opened?.where ?? 'AWS', { isVerbose: values.verbose })
  } finally {
    interrupt.end()
    for (const close of closers) await close()
    if (control !== opened?.local) await control?.close()
    await opened?.close()
  }
}

interface ProveWith extends Readonly<ProofQuestions> {
  readonly control: LocalEngines
  readonly signal: AbortSignal
}

async function prove(
  settings: ProveSettings,
  { engine, local, where }: OpenedEngine,
  { control, permissions, keyUses, verdicts, signal }: ProveWith
): Promise<ExitCode> {
  const { plan, only, allowKeyChanges, evidenceFile, json } = settings
  const shown = json ? process.stderr : process.stdout
  shown.write(`proofs of ${plan.name} on ${where}\n`)
  const startedMs = systemClock.wallTime()
  const proofs = await runProofs(
    { plan, engine, signal },
    {
      only,
      control: embeddedEngine(control),
      ...(local === undefined ? {} : { everythingAtRest: () => local.everythingAtRest() }),
      revocation: { allowKeyChanges },
      permissions,
      keyUses,
      verdicts,
      onProof: proof => shown.write(textOf(proof))
    }
  )
  const evidence = evidenceOf({
    toolVersion: ownVersion(),
    plan: plan.name,
    engine: settings.engine,
    startedMs,
    finishedMs: systemClock.wallTime(),
    proofs
  })
  if (evidenceFile !== undefined) await writeEvidence(evidenceFile, evidence)
  if (json) process.stdout.write(`${JSON.stringify(evidence)}\n`)
  return isProved(proofs) ? ExitCode.ok : ExitCode.findings
}

/** What does not apply is no finding, but proves nothing either. */
function isProved(proofs: readonly Proof[]): boolean {
  const tried = proofs.filter(({ result }) => result !== 'notApplicable')
  return tried.length > 0 && tried.every(({ result }) => result === 'proved')
}

const words: Readonly<Record<Proof['result'], string>> = {
  proved: 'proved',
  failed: 'FAILED',
  void: 'void',
  notApplicable: 'not applicable'
}

function textOf({ id, result, reason, measurements }: Proof): string {
  const measured = Object.entries(measurements).map(([name, value]) => `${name} ${String(value)}`)
  const detail = measured.length === 0 ? '' : `\n        ${measured.join(', ')}`
  return `${id}  ${words[result]}: ${reason}${detail}\n`
}

function proofIds(option: string | undefined): readonly ProofId[] {
  const known = Object.values(ProofId)
  return option === undefined ? known : option.split(',').map(id => oneOf('--only', id.trim(), known))
}

async function writeEvidence(file: string, evidence: Evidence): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(evidence, undefined, 2)}\n`)
  } catch (error) {
    throw new UsageError(
      `--evidence ${file}: cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
    )
  }
}

async function startEngines(services?: readonly ['kinesis']): Promise<LocalEngines> {
  const { startLocal } = await import('../../local/index.ts')
  return startLocal(services === undefined ? {} : { services })
}
