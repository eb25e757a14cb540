import { parseArgs } from 'node:util'
import { inScope, keyPolicies, type PolicyDocument, roleKinds, rolePolicies } from '../../infra/index.ts'
import type { PipelinePlan } from '../../pipeline/index.ts'
import { ExitCode, UsageError } from '../exit-code.ts'
import { planOf, planOptions, scopeOf } from '../plan-scope.ts'
import { oneOf, parseOptions } from './run.ts'

export const iamUsage = `sealstream iam --role ROLE | --key KEY [--config FILE]

Prints one policy of a plan: what a role may do, or who may use a key. What only a stack can tell stays a placeholder, such
as \${EnvelopeKey.Arn}.

  --role ROLE        producer, consumer, replayer, operator, delivery, transform, lambda, flink, iot, kcl, analyst,
                     migrator, deployer or custodian
  --key KEY          envelope, stream, sink, state or services
  --name NAME        which of several: delivery stream, function, ARN of a role, or tenant
  --config FILE      the plan of the pipeline: .json, .js, .mjs or .ts; default that of the example flights
  --account ID, --region NAME, --partition NAME
                     in place of their placeholders`

interface Candidate {
  readonly name: string
  readonly policy: PolicyDocument
}

export async function iamCommand(args: readonly string[]): Promise<ExitCode> {
  const { values } = parseOptions(() =>
    parseArgs({
      args: [...args],
      strict: true,
      options: {
        ...planOptions,
        role: { type: 'string' },
        key: { type: 'string' },
        name: { type: 'string' }
      }
    })
  )
  if (values.help) {
    process.stdout.write(`${iamUsage}\n`)
    return ExitCode.ok
  }
  const { role, key, name } = values
  if ((role === undefined) === (key === undefined)) {
    throw new UsageError('expected exactly one of --role and --key')
  }
  const scope = scopeOf(values)
  const plan = await planOf(values)
  const policy =
    role === undefined
      ? chosen(`--key ${key}`, keysOf(plan, key!), name)
      : chosen(`--role ${role}`, rolesOf(plan, role), name)
  process.stdout.write(`${JSON.stringify(inScope(policy, scope), undefined, 2)}\n`)
  return ExitCode.ok
}

function rolesOf(plan: PipelinePlan, role: string): readonly Candidate[] {
  const wanted = oneOf('--role', role, roleKinds)
  return rolePolicies(plan).filter(({ kind }) => kind === wanted)
}

function keysOf(plan: PipelinePlan, key: string): readonly Candidate[] {
  const wanted = oneOf('--key', key, ['envelope', 'stream', 'sink', 'state', 'services'])
  return keyPolicies(plan)
    .filter(({ purpose }) => purpose === wanted)
    .map(({ tenant, logicalId, policy }) => ({ name: tenant ?? logicalId, policy }))
}

function chosen(option: string, candidates: readonly Candidate[], name: string | undefined): PolicyDocument {
  if (candidates.length === 0) throw new UsageError(`${option}: the plan has none`)
  const found = name === undefined ? candidates : candidates.filter(each => each.name === name)
  const [first, ...others] = found
  if (first !== undefined && others.length === 0) return first.policy
  throw new UsageError(`${option}: expected --name ${candidates.map(each => each.name).join(' or ')}`)
}
