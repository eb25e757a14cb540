import { readFile } from 'node:fs/promises'
import { isAbsolute, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type AccountService,
  type AuditModel,
  applyBaseline,
  audit,
  type Baseline,
  catalogue,
  checkBaseline,
  explainControl,
  findControl,
  hasFindingsFrom,
  loadLive,
  loadTemplate,
  namesOfPlan,
  type PipelineNames,
  reportAsJson,
  reportAsSarif,
  reportAsText,
  servicesOfNeighbours,
  severities
} from '../../infra/index.ts'
import {
  awsEngine,
  clientConfigOf,
  createPipeline,
  definePipeline,
  type Engine,
  embeddedEngine,
  endpointEngine,
  type PipelinePlan,
  type ServiceName
} from '../../pipeline/index.ts'
import { accountServices, localServices, openAccount } from '../account.ts'
import { readConfigFile } from '../config-file.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { tellFailure } from '../explain-error.ts'
import { ownVersion } from '../own-version.ts'
import { scopeOf } from '../plan-scope.ts'
import { linesOfResources, readTemplateFile } from '../template-file.ts'
import { oneOf, parseOptions } from './run.ts'

export const auditUsage = `sealstream audit --template FILE|- | --live --config FILE | --local [--config FILE]

Holds what is there, or is to be made, against the controls of a sealed pipeline. Exit code 4 when one of them fails, or
cannot be decided.

  --template FILE         a template of CloudFormation, whoever wrote it: JSON or, with the package yaml, YAML;
                          - is standard input
  --parameter NAME=VALUE  a parameter of the template, before its default; may be given more than once
  --import NAME=VALUE     an export of another stack; may be given more than once
  --account ID, --region NAME
                          where the template will be deployed; default 123456789012, us-east-1
  --live                  the account of the environment: what the plan of --config names there, and the keys and roles
                          that it has, in some ninety reads
  --local                 the same of engines: those at --endpoint or AWS_ENDPOINT_URL, or else embedded ones that make
                          what the plan names
  --config FILE           a plan: .json, .js, .mjs or .ts
  --fail-on SEVERITY      the least that counts: critical, high (default), medium or low
  --baseline FILE         findings that are accepted, and what people attest of those that are left to them, each with a
                          last day: JSON, { "accepted": [{ "control", "resource", "reason", "expires" }],
                          "attested": [{ "control", "resource", "statement", "by", "expires" }] }
  --json, --sarif         print a report for programs: our own, or SARIF 2.1.0
  --verbose               also what passed, and what did not apply
  --explain ID            tell what a control wants, and why
  --list                  list all controls; with --json each with its kind and the ids that others know it by`

export async function auditCommand(args: readonly string[]): Promise<ExitCode> {
  const values = parseValues(args)
  if (values.help) return print(`${auditUsage}\n`)
  if (values.list) return print(values.json ? listAsJson() : listOfControls())
  if (values.explain !== undefined) {
    const control = findControl(values.explain)
    if (control === undefined)
      throw new UsageError(`--explain ${values.explain}: no such control; see --list`)
    return print(explainControl(control))
  }
  const failOn = oneOf('--fail-on', values['fail-on'], severities)
  if (values.json && values.sarif) throw new UsageError('--json and --sarif: expected one of them')
  const baseline = values.baseline === undefined ? { accepted: [] } : await readBaseline(values.baseline)
  const loaded = await load(values)
  if (typeof loaded === 'number') return loaded
  const { model, text } = loaded
  // The baseline's days are days of the calendar, not of a process.
  const outcome = applyBaseline(audit(model, catalogue), baseline, new Date().toJSON().slice(0, 10))
  if (values.json) print(`${JSON.stringify(reportAsJson(outcome), undefined, 2)}\n`)
  else if (values.sarif) {
    const sarif = reportAsSarif(outcome, {
      version: ownVersion(),
      artifact:
        values.template === undefined || values.template === '-' ? undefined : artifactOf(values.template),
      lines: linesOfResources(
        text,
        model.resources.map(({ id }) => id)
      )
    })
    print(`${JSON.stringify(sarif, undefined, 2)}\n`)
  } else print(reportAsText(outcome, { isVerbose: values.verbose }))
  return hasFindingsFrom(outcome.report, failOn) ? ExitCode.findings : ExitCode.ok
}

type Values = ReturnType<typeof parseValues>

function parseValues(args: readonly string[]) {
  return parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        template: { type: 'string' },
        live: { type: 'boolean', default: false },
        local: { type: 'boolean', default: false },
        config: { type: 'string' },
        endpoint: { type: 'string' },
        parameter: { type: 'string', multiple: true, default: [] },
        import: { type: 'string', multiple: true, default: [] },
        account: { type: 'string' },
        region: { type: 'string' },
        'fail-on': { type: 'string', default: 'high' },
        baseline: { type: 'string' },
        json: { type: 'boolean', default: false },
        sarif: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        explain: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
  ).values
}

interface Loaded {
  readonly model: AuditModel
  /** Of the template. */
  readonly text: string
}

/** The model, or the exit code where it cannot be had. */
async function load(values: Values): Promise<Loaded | ExitCode> {
  const { template, live, local, config, endpoint } = values
  if ([template !== undefined, live, local].filter(Boolean).length !== 1) {
    throw new UsageError('expected exactly one of --template, --live and --local')
  }
  if (endpoint !== undefined && !local) throw new UsageError('--endpoint goes with --local')
  if (template !== undefined) {
    if (config !== undefined) throw new UsageError('--config goes with --live and --local')
    return loadFromTemplate(template, values)
  }
  for (const option of ['parameter', 'import', 'account', 'region'] as const) {
    if ([values[option] ?? []].flat().length > 0) throw new UsageError(`--${option} goes with --template`)
  }
  if (live && config === undefined) {
    throw new UsageError(
      '--live needs --config: the plan that names your stream, table, key and delivery streams'
    )
  }
  const plan = config === undefined ? { name: 'flights' } : await readConfigFile(config)
  const names = namesOfPlan(definePipeline(plan), !live)
  if (endpoint !== undefined && !/^https?:\/\//.test(endpoint)) {
    throw new UsageError('--endpoint: expected an http or https address')
  }
  const where = live ? 'AWS' : (endpoint ?? process.env.AWS_ENDPOINT_URL)
  try {
    const model = live
      ? await loadAccount(names, awsEngine, servicesOf(names), 'live')
      : await loadLocal(plan, names, where)
    if (model.resources.length > 0) return { model, text: '' }
    const reads = model.failedReads.map(({ action, resource, code }) => `${action} on ${resource}: ${code}`)
    process.stderr.write(`sealstream: nothing of ${plan.name} could be read\n  ${reads.join('\n  ')}\n`)
    return ExitCode.unreachable
  } catch (error) {
    return tellFailure(error, where ?? 'the embedded engines')
  }
}

async function loadFromTemplate(path: string, values: Values): Promise<Loaded> {
  const scope = scopeOf(values)
  const { template, text } = await readTemplateFile(path)
  const model = loadTemplate(template, {
    ...scope,
    parameters: pairsOf('--parameter', values.parameter),
    imports: pairsOf('--import', values.import)
  })
  return { model, text }
}

/** Of the services beside a pipeline those alone that the plan names something of. */
function servicesOf({ neighbours = {} }: PipelineNames): readonly AccountService[] {
  return [...accountServices, ...servicesOfNeighbours(neighbours)]
}

async function loadAccount(
  names: PipelineNames,
  engine: Engine,
  services: readonly AccountService[],
  source: 'live' | 'local'
): Promise<AuditModel> {
  const account = await openAccount(services, service => clientConfigOf(engine, service as ServiceName))
  try {
    return await loadLive(names, { read: account.read, services: new Set(services), source })
  } finally {
    account.close()
  }
}

/** Without an address: of engines that are made for the purpose, as a run makes them. */
async function loadLocal(
  plan: PipelinePlan,
  names: PipelineNames,
  endpoint: string | undefined
): Promise<AuditModel> {
  if (endpoint !== undefined) return loadAccount(names, endpointEngine(endpoint), localServices, 'local')
  const { startLocal } = await import('../../local/index.ts')
  const local = await startLocal()
  try {
    const engine = embeddedEngine(local)
    const pipeline = createPipeline(plan, { engine })
    try {
      await pipeline.provision()
      return await loadAccount(names, engine, localServices, 'local')
    } finally {
      pipeline.close()
    }
  } finally {
    await local.close()
  }
}

async function readBaseline(path: string): Promise<Baseline> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--baseline ${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageError(`--baseline ${path}: is not JSON`)
  }
  return checkBaseline(value)
}

function pairsOf(option: string, pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`${option}: expected NAME=VALUE`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    })
  )
}

function listOfControls(): string {
  return catalogue
    .map(({ id, severity, title }) => `${id.padEnd(8)}${severity.padEnd(10)}${title}\n`)
    .join('')
}

function listAsJson(): string {
  const controls = catalogue.map(({ id, severity, kind, title, sources }) => ({
    id,
    severity,
    kind,
    title,
    sources
  }))
  return `${JSON.stringify(controls, undefined, 2)}\n`
}

/** As code scanning wants it: relative, with slashes. */
function artifactOf(path: string): string {
  const shown = isAbsolute(path) ? relative(process.cwd(), path) : path
  return shown.split(sep).join('/').replace(/^\.\//, '')
}

function print(text: string): ExitCode {
  process.stdout.write(text)
  return ExitCode.ok
}
