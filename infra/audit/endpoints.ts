import { demand, type Problem, unknown, wrong } from './judge.ts'
import type { AuditModel, AuditResource } from './model.ts'
import { anybody, ask, everyRight, foreignAccount, openToAll, principalsToldApart } from './questions.ts'
import { isTrue, resourcesOf, textAt } from './readers.ts'

/** What has to be reachable through an endpoint alone. */
export interface PrivateAccess {
  /** Last part of the endpoint's service name, such as `kinesis-streams`. */
  readonly service: string
  /** What is done through it, such as `kinesis:PutRecords`. */
  readonly action: string
  /** ARN of what it is done to. */
  readonly resource: string
}

/** A local engine is reached without any network. */
export function hasNetwork({ source }: AuditModel): boolean {
  return source !== 'local'
}

/** Demands an endpoint whose policy lets through what is done here, and neither other names nor other accounts. */
export function demandPrivateAccess(model: AuditModel, access: PrivateAccess): readonly Problem[] {
  const endpoints = resourcesOf(model, 'AWS::EC2::VPCEndpoint').filter(
    ({ properties }) => textAt(properties, 'ServiceName')?.endsWith(`.${access.service}`) === true
  )
  if (endpoints.length === 0) return [wrong(`there is no VPC endpoint for ${access.service}`)]
  return endpoints.flatMap(endpoint => [
    ...dnsProblems(endpoint, access),
    ...policyProblems(model, endpoint, access)
  ])
}

function dnsProblems({ id, properties }: AuditResource, { service }: PrivateAccess): readonly Problem[] {
  // Of gateways there are two, and they have no names of their own.
  const isGateway = ['s3', 'dynamodb'].includes(service) && properties.VpcEndpointType !== 'Interface'
  if (isGateway) return []
  const problem = demand(
    `PrivateDnsEnabled of ${id}`,
    properties.PrivateDnsEnabled,
    isTrue,
    `${id} has no private DNS: clients go past it`
  )
  return problem === undefined ? [] : [problem]
}

function policyProblems(
  model: AuditModel,
  endpoint: AuditResource,
  { action, resource }: PrivateAccess
): readonly Problem[] {
  const { id, arn } = endpoint
  if (model.unreadablePolicies?.has(arn)) return [unknown(`the policy of ${id} cannot be told`)]
  const policy = model.resourcePolicies.get(arn)
  if (policy === undefined) return [wrong(`${id} has no policy: it lets everything through`)]
  const answers = (target: string) =>
    principalsToldApart(model, policy).map(principal =>
      ask(model, {
        principal,
        action,
        resource: target,
        identity: [everyRight],
        resourcePolicy: openToAll,
        limits: [policy]
      })
    )
  const problems: Problem[] = []
  if (!answers(resource).includes('allow')) problems.push(wrong(`${id} does not let through ${action} here`))
  for (const elsewhere of elsewhereOf(model, resource)) {
    const told = answers(elsewhere)
    if (told.includes('allow')) problems.push(wrong(`${id} lets through ${action} elsewhere`))
    else if (told.includes('unknown')) problems.push(unknown(`the policy of ${id} cannot be evaluated`))
  }
  return problems
}

/** Another name in the account, and the same name in another account. */
function elsewhereOf(model: AuditModel, resource: string): readonly string[] {
  const other = resource.replace(/[^:/]+$/, 'another-name')
  return [other, resource.replace(`:${anybody(model).accountId}:`, `:${foreignAccount(model)}:`)]
}
