import { definePipeline, type PipelinePlan, type ResolvedPlan } from '../pipeline/plan.ts'
import type { NamedPolicy } from './access.ts'
import { type AuthorizerOptions, authorizer } from './authorizer.ts'
import { accountId, arnOf, partition, substitute } from './placeholders.ts'
import { bucketArn, domainArn, queueArn, tableArn } from './plan-arns.ts'
import { plannedKeys } from './plan-keys.ts'
import { madeRoles } from './plan-roles.ts'
import { plannedResources } from './planner.ts'
import type { PolicyDocument } from './policy-document.ts'
import { rolePolicies } from './role-policies.ts'
import { inScope, type PlanScope } from './scope.ts'
import type { TemplateResource } from './template.ts'

export interface PlanAccessOptions extends PlanScope {
  /**
   * ARN of keys that the template makes, by logical id, such as `EnvelopeKey`.
   * @default a symbolic one, such as `arn:aws:kms:us-east-1:000000000000:key/EnvelopeKey`
   */
  readonly keyArns?: Readonly<Record<string, string>>
}

/** All policies that have a say in a pipeline, with values for everything that a stack would give one. */
export interface PlanAccess {
  /** ARNs of roles that are made, by logical id, such as `ConsumerRole`. */
  readonly roleArns: Readonly<Record<string, string>>
  /** ARNs of keys, by logical id. */
  readonly keyArns: Readonly<Record<string, string>>
  /** By ARN of the role. Roles that the plan was given have what they need of it. */
  readonly identityPolicies: ReadonlyMap<string, readonly NamedPolicy[]>
  /** By ARN of the resource: keys, buckets, queues, the lease table and a domain. A given key has the policy that it needs. */
  readonly resourcePolicies: ReadonlyMap<string, NamedPolicy>
  /** By service of the endpoint, such as `kms`. They limit what comes through it. */
  readonly endpointPolicies: ReadonlyMap<string, NamedPolicy>
}

/**
 * Who may do what in a pipeline, for `evaluate`: the policies of the template that the same plan makes.
 * @throws InvalidOptionError
 */
export function planAccess(input: PipelinePlan, options: PlanAccessOptions = {}): PlanAccess {
  const plan = definePipeline(input)
  const { keyArns: given = {}, accountId: account = '000000000000', region = 'us-east-1' } = options
  const scope = { ...options, accountId: account, region }
  const resources = plannedResources(plan)
  const keyArns = Object.fromEntries(
    plannedKeys(plan).map(({ logicalId, givenArn }) => [
      logicalId,
      given[logicalId] ?? givenArn ?? inScope(arnOf('kms', `key/${logicalId}`), scope)
    ])
  )
  const roleArns = Object.fromEntries(
    madeRoles(plan).map(({ logicalId, name }) => [
      logicalId,
      inScope(`arn:${partition}:iam::${accountId}:role/${name}`, scope)
    ])
  )
  const known = (name: string): string | undefined => {
    const [logicalId = '', attribute] = name.split('.')
    if (attribute === 'Arn') return keyArns[logicalId] ?? roleArns[logicalId]
    // The only thing in a policy that has an id rather than an ARN: a cluster of HSMs.
    if (attribute === 'ClusterId') return logicalId
    return resources[logicalId]?.Type === 'AWS::EC2::VPCEndpoint' ? logicalId : undefined
  }
  const named = (name: string, document: PolicyDocument): NamedPolicy => ({
    name,
    document: inScope(substitute(document, known), scope)
  })
  const resourcePolicies = new Map(
    policiesOf(plan, resources).map(([arn, id, document]) => [
      substitute(inScope(arn, scope), known),
      named(id, document)
    ])
  )
  for (const { logicalId, policy } of plannedKeys(plan)) {
    resourcePolicies.set(keyArns[logicalId]!, named(`${logicalId}.KeyPolicy`, policy))
  }
  const identityPolicies = new Map<string, readonly NamedPolicy[]>()
  for (const { logicalId, givenArn, kind, policy } of rolePolicies(input)) {
    const arn = givenArn ?? roleArns[logicalId!]!
    identityPolicies.set(arn, [...(identityPolicies.get(arn) ?? []), named(logicalId ?? kind, policy)])
  }
  const endpointPolicies = new Map(
    Object.entries(resources).flatMap(([id, { Type, Properties }]) =>
      Type === 'AWS::EC2::VPCEndpoint'
        ? [
            [
              String(Properties.ServiceName).split('.').at(-1)!,
              named(id, Properties.PolicyDocument as PolicyDocument)
            ] as const
          ]
        : []
    )
  )
  return { roleArns, keyArns, identityPolicies, resourcePolicies, endpointPolicies }
}

/** ARN, name and document of each policy of a bucket, a queue, the table or a domain. */
function policiesOf(
  plan: ResolvedPlan,
  resources: Readonly<Record<string, TemplateResource>>
): readonly (readonly [string, string, PolicyDocument])[] {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
    const document = Properties.PolicyDocument as PolicyDocument
    const owner = resources[id.replace(/Policy$/, '')]?.Properties
    switch (Type) {
      case 'AWS::S3::BucketPolicy':
        return [[bucketArn(String(owner?.BucketName)), id, document] as const]
      case 'AWS::SQS::QueuePolicy':
        return [[queueArn(String(owner?.QueueName)), id, document] as const]
      case 'AWS::DynamoDB::Table': {
        const { PolicyDocument: policy } = Properties.ResourcePolicy as { PolicyDocument: PolicyDocument }
        return [[tableArn(plan.consumer.applicationName), `${id}.ResourcePolicy`, policy] as const]
      }
      case 'AWS::OpenSearchService::Domain': {
        const arn = domainArn(String(Properties.DomainName))
        return [[arn, `${id}.AccessPolicies`, Properties.AccessPolicies as PolicyDocument] as const]
      }
      default:
        return []
    }
  })
}

/**
 * Has the embedded engines decide as AWS would decide for the stack of this plan:
 * `startLocal({ authorize: planAuthorizer(plan, { keyArns }) })`. A client whose access key id is the name of a role is that
 * role, see `AuthorizerOptions`.
 * @throws InvalidOptionError
 */
export function planAuthorizer(
  input: PipelinePlan,
  options: PlanAccessOptions & Pick<AuthorizerOptions, 'principals'> = {}
): ReturnType<typeof authorizer> {
  const { principals, ...others } = options
  const { identityPolicies, resourcePolicies } = planAccess(input, others)
  return authorizer({
    identityPolicies,
    resourcePolicies,
    ...(principals === undefined ? {} : { principals }),
    ...(options.accountId === undefined ? {} : { accountId: options.accountId })
  })
}
