import {
  type AccountCall,
  type AccountService,
  type AuditModel,
  audit,
  catalogue,
  loadLive,
  loadTemplate,
  namesOfPlan,
  planTemplate,
  type ReadAccount
} from '../infra/index.ts'
import {
  clientConfigOf,
  definePipeline,
  embeddedEngine,
  type PipelinePlan,
  type ServiceName,
  type Verdict,
  type VerdictOptions,
  type VerdictPlace
} from '../pipeline/index.ts'
import { type Account, localServices, openAccount } from './account.ts'
import { callsForKeys, callsForResources } from './planned-calls.ts'
import { type Flaw, flawsOf, type TemplateJson } from './planned-flaws.ts'

export interface OpenedVerdicts {
  readonly options: VerdictOptions
  close(): Promise<void>
}

/** What the engines do not have, so that a rule about it says something else of them. */
const unknownToEngines: Readonly<Record<string, string>> = {
  'SQS-05': 'engines have no network',
  'FH-04': 'engines keep no settings of logs'
}

/** The template of a plan, and embedded engines with what it would make; a few flaws for both. */
export async function engineVerdicts(input: PipelinePlan): Promise<OpenedVerdicts> {
  const plan = withMadeKeys(input)
  const { startLocal } = await import('../local/index.ts')
  const local = await startLocal()
  const engine = embeddedEngine(local)
  const account = await openAccount(localServices, service => clientConfigOf(engine, service as ServiceName))
  const close = async (): Promise<void> => {
    account.close()
    await local.close()
  }
  try {
    const scope = { accountId: local.accountId, region: local.region }
    const template = templateOf(plan)
    const model = loadTemplate(template, scope)
    const keyArns = await stand(model, account)
    const carryOut = async ({ change, calls }: Flaw): Promise<void> => {
      change(template)
      for (const call of calls) await account.read(withArns(call, keyArns))
    }
    const observe = (): Promise<AuditModel> =>
      loadLive(namesOfPlan(definePipeline(plan)), {
        read: account.read,
        services: new Set(localServices),
        source: 'local',
        scope: { partition: 'aws', ...scope }
      })
    return {
      close,
      options: {
        declared: {
          name: 'the template',
          verdicts: async () => verdictsOf(loadTemplate(template, scope), arn => arn)
        },
        observed: placeOf('the engines', observe, model),
        leftOut: unknownToEngines,
        flaws: flawsOf(model).map(flaw => ({
          name: flaw.name,
          control: flaw.control,
          make: () => carryOut(flaw)
        }))
      }
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The template of a plan, and the account in which it stands, as these services tell of it. Nothing is changed there. */
export async function accountVerdicts(
  plan: PipelinePlan,
  read: ReadAccount,
  services: readonly AccountService[]
): Promise<VerdictOptions> {
  const observed = await loadLive(namesOfPlan(definePipeline(plan)), { read, services: new Set(services) })
  const { accountId, region, partition } = observed
  const declared = loadTemplate(templateOf(plan), { accountId, region, partition })
  return {
    declared: { name: 'the template', verdicts: async () => verdictsOf(declared, arn => arn) },
    observed: placeOf('the account', async () => observed, declared),
    isWhole: true
  }
}

/** As a file has it. */
function templateOf(plan: PipelinePlan): TemplateJson {
  return JSON.parse(JSON.stringify(planTemplate(plan))) as TemplateJson
}

/** Makes on engines what a template says. Returns the ARNs of the keys, by those that stand for them there. */
export async function stand(
  model: AuditModel,
  account: Pick<Account, 'read'>
): Promise<ReadonlyMap<string, string>> {
  const keyArns = new Map<string, string>()
  for (const { arn, create, finish } of callsForKeys(model)) {
    const { KeyMetadata } = (await account.read(create)) as { KeyMetadata: { Arn: string } }
    keyArns.set(arn, KeyMetadata.Arn)
    for (const call of finish(KeyMetadata.Arn)) await account.read(call)
  }
  for (const call of callsForResources(model)) await account.read(withArns(call, keyArns))
  return keyArns
}

function withArns(call: AccountCall, arns: ReadonlyMap<string, string>): AccountCall {
  let text = JSON.stringify(call)
  // The longest first: one may be the beginning of another.
  for (const symbolic of [...arns.keys()].sort((a, b) => b.length - a.length)) {
    text = text.replaceAll(symbolic, arns.get(symbolic)!)
  }
  return JSON.parse(text) as AccountCall
}

function placeOf(name: string, load: () => Promise<AuditModel>, declared: AuditModel): VerdictPlace {
  return {
    name,
    async verdicts() {
      const model = await load()
      const arns = declaredArns(model, declared)
      return verdictsOf(model, arn => arns.get(arn) ?? arn)
    }
  }
}

/** The ARN that stands for a key in the template, by the one that it has: both have the same alias. */
function declaredArns(model: AuditModel, declared: AuditModel): ReadonlyMap<string, string> {
  const aliasesOf = ({ resources }: AuditModel) => resources.filter(({ type }) => type === 'AWS::KMS::Alias')
  const symbolic = new Map(
    aliasesOf(declared).map(({ properties }) => [properties.AliasName, String(properties.TargetKeyId)])
  )
  return new Map(
    aliasesOf(model).flatMap(({ properties }) => {
      const key = model.resources.find(
        ({ type, id }) => type === 'AWS::KMS::Key' && id === properties.TargetKeyId
      )
      const arn = symbolic.get(properties.AliasName)
      return key === undefined || arn === undefined ? [] : [[key.arn, arn] as const]
    })
  )
}

function verdictsOf(model: AuditModel, sameArn: (arn: string) => string): readonly Verdict[] {
  return audit(model, catalogue).results.flatMap(({ control, findings }) =>
    findings.map(({ resourceId, location, status, evidence }): Verdict => {
      // A queue and a bucket can have one name.
      const resource = model.resources.find(each => each.id === resourceId && each.location === location)
      return {
        control: control.id,
        resource: resource === undefined ? (resourceId ?? 'the whole') : sameArn(resource.arn),
        says: status === 'pass' || status === 'fail' ? status : 'untold',
        evidence
      }
    })
  )
}

/** Engines have keys of nobody's account: all are made. */
function withMadeKeys({ keys: _, sealing, ...plan }: PipelinePlan): PipelinePlan {
  const { keyId: __, additionalKeys: ___, tenants, ...others } = sealing ?? {}
  const made = Object.fromEntries(Object.keys(tenants ?? {}).map(tenant => [tenant, 'made' as const]))
  return { ...plan, sealing: { ...others, ...(tenants === undefined ? {} : { tenants: made }) } }
}
