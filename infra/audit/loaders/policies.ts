import { InvalidOptionError } from '../../../core/errors.ts'
import type { NamedPolicy } from '../../access.ts'
import { parsePolicy } from '../../parse-policy.ts'
import type { PolicyDocument, PolicyStatement } from '../../policy-document.ts'
import { managedPolicy } from '../managed-policies.ts'
import { type AuditModel, type AuditResource, type UnreadablePolicy, unknownValue } from '../model.ts'
import { isObject } from '../readers.ts'
import { resourceArn, type TemplateScope } from '../template/resource-names.ts'

type Policies = Pick<AuditModel, 'identityPolicies' | 'resourcePolicies'> &
  Required<Pick<AuditModel, 'boundaries' | 'unreadablePolicies'>>

/** That a user is in a group, and has what it allows. */
interface Membership {
  readonly user: string
  readonly group: string
  readonly location: string
}

// What KMS gives a key without a policy, and CloudFormation with it:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
const defaultKeyPolicy = ({ partition, accountId }: TemplateScope): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
      Action: 'kms:*',
      Resource: '*'
    }
  ]
})

/** Finds the policies among resources: of whom, and of what. One that cannot be read is told, and nothing more of it. */
export function collectPolicies(resources: readonly AuditResource[], scope: TemplateScope): Policies {
  const collector = new PolicyCollector(resources, scope)
  for (const resource of resources) collector.collect(resource)
  return collector.policies()
}

class PolicyCollector {
  readonly #scope: TemplateScope
  readonly #resources: readonly AuditResource[]
  readonly #identity = new Map<string, NamedPolicy[]>()
  readonly #resource = new Map<string, NamedPolicy>()
  readonly #boundaries = new Map<string, NamedPolicy>()
  readonly #unreadable = new Map<string, UnreadablePolicy[]>()
  readonly #memberships: Membership[] = []

  constructor(resources: readonly AuditResource[], scope: TemplateScope) {
    this.#resources = resources
    this.#scope = scope
  }

  policies(): Policies {
    for (const membership of this.#memberships) this.#join(membership)
    return {
      identityPolicies: this.#identity,
      resourcePolicies: this.#resource,
      boundaries: this.#boundaries,
      unreadablePolicies: this.#unreadable
    }
  }

  collect(resource: AuditResource): void {
    const { type, id, arn, properties } = resource
    switch (type) {
      case 'AWS::IAM::Role':
        this.#ofResource(arn, resource, 'AssumeRolePolicyDocument', properties.AssumeRolePolicyDocument)
        this.#ofIdentity(resource)
        this.#ofBoundary(resource)
        return
      case 'AWS::IAM::User':
        this.#ofIdentity(resource)
        this.#ofGroups(resource)
        return
      case 'AWS::IAM::UserToGroupAddition':
        for (const group of this.#holders({ Groups: properties.GroupName })) {
          for (const user of this.#holders({ Users: properties.Users })) {
            this.#memberships.push({ user, group, location: resource.location })
          }
        }
        return
      case 'AWS::IAM::Group':
        this.#ofIdentity(resource)
        return
      case 'AWS::IAM::Policy':
      case 'AWS::IAM::ManagedPolicy':
        for (const holder of this.#holders(properties)) {
          this.#add(holder, `${id}.PolicyDocument`, properties.PolicyDocument, resource)
        }
        return
      case 'AWS::IAM::RolePolicy':
      case 'AWS::IAM::UserPolicy':
      case 'AWS::IAM::GroupPolicy':
        for (const holder of this.#holders({
          Roles: properties.RoleName,
          Users: properties.UserName,
          Groups: properties.GroupName
        })) {
          this.#add(holder, `${id}.PolicyDocument`, properties.PolicyDocument, resource)
        }
        return
      case 'AWS::KMS::Key':
      case 'AWS::KMS::ReplicaKey':
        this.#ofResource(arn, resource, 'KeyPolicy', properties.KeyPolicy ?? defaultKeyPolicy(this.#scope))
        return
      case 'AWS::S3::BucketPolicy':
        for (const bucket of textsOf(properties.Bucket)) {
          const bucketArn = resourceArn('AWS::S3::Bucket', bucket, this.#scope)
          this.#ofResource(bucketArn, resource, 'PolicyDocument', properties.PolicyDocument)
        }
        return
      case 'AWS::SQS::QueuePolicy':
      case 'AWS::SQS::QueueInlinePolicy':
        for (const url of textsOf(properties.Queues ?? properties.Queue)) {
          const queueArn = resourceArn('AWS::SQS::Queue', url.slice(url.lastIndexOf('/') + 1), this.#scope)
          this.#ofResource(queueArn, resource, 'PolicyDocument', properties.PolicyDocument)
        }
        return
      case 'AWS::Kinesis::ResourcePolicy':
        for (const target of textsOf(properties.ResourceArn)) {
          this.#ofResource(target, resource, 'ResourcePolicy', properties.ResourcePolicy)
        }
        return
      case 'AWS::DynamoDB::Table':
        this.#ofResource(
          arn,
          resource,
          'ResourcePolicy.PolicyDocument',
          documentIn(properties.ResourcePolicy)
        )
        return
      case 'AWS::DynamoDB::GlobalTable':
        for (const replica of Array.isArray(properties.Replicas) ? properties.Replicas : []) {
          if (!isObject(replica) || replica.Region !== this.#scope.region) continue
          this.#ofResource(arn, resource, 'Replicas', documentIn(replica.ResourcePolicy))
        }
        return
      case 'AWS::OpenSearchService::Domain':
      case 'AWS::Elasticsearch::Domain':
        this.#ofResource(arn, resource, 'AccessPolicies', properties.AccessPolicies)
        return
      case 'AWS::Glue::ResourcePolicy':
        this.#ofResource(arn, resource, 'PolicyDocument', properties.PolicyDocument)
        return
      case 'AWS::EC2::VPCEndpoint':
        this.#ofResource(arn, resource, 'PolicyDocument', properties.PolicyDocument)
        return
      case 'AWS::Lambda::Permission':
        for (const target of textsOf(properties.FunctionName)) {
          const functionArn = target.startsWith('arn:')
            ? target
            : resourceArn('AWS::Lambda::Function', target, this.#scope)
          this.#ofResource(functionArn, resource, 'Permission', {
            Statement: [permissionStatement(properties, functionArn)]
          })
        }
        return
    }
  }

  #ofIdentity(resource: AuditResource): void {
    const { arn, id, properties } = resource
    const inline = Array.isArray(properties.Policies) ? properties.Policies : []
    // A role without any policy has an entry, too: it is known to be allowed nothing.
    if (!this.#identity.has(arn)) this.#identity.set(arn, [])
    for (const [index, policy] of inline.entries()) {
      const at = `Policies[${index}]`
      const name = isObject(policy) && typeof policy.PolicyName === 'string' ? policy.PolicyName : at
      this.#add(arn, `${id}.${name}`, isObject(policy) ? policy.PolicyDocument : policy, resource, at)
    }
    const managed = Array.isArray(properties.ManagedPolicyArns) ? properties.ManagedPolicyArns : []
    for (const [index, policyArn] of managed.entries()) {
      const at = `ManagedPolicyArns[${index}]`
      const own = this.#managedPolicyOf(policyArn)
      if (own !== undefined) {
        this.#add(arn, `${own.id}.PolicyDocument`, own.properties.PolicyDocument, own)
        continue
      }
      const document = typeof policyArn === 'string' ? managedPolicy(policyArn) : undefined
      if (document !== undefined) this.#add(arn, String(policyArn), document, resource)
      else
        this.#tellUnreadable(arn, {
          location: `${resource.location}.${at}`,
          reason: 'what this policy allows is not here'
        })
    }
  }

  /** One that cannot be read, or is not here, limits nothing: the role is taken for as mighty as its policies are. */
  #ofBoundary({ arn, id, properties: { PermissionsBoundary: boundary } }: AuditResource): void {
    if (typeof boundary !== 'string') return
    const value = this.#managedPolicyOf(boundary)?.properties.PolicyDocument ?? managedPolicy(boundary)
    const name = `${id}.PermissionsBoundary`
    try {
      checkTold(value, name)
      this.#boundaries.set(arn, { name, document: parsePolicy(value, name) })
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error
    }
  }

  #ofGroups({ arn, location, properties: { Groups: groups } }: AuditResource): void {
    const at = `${location}.Groups`
    for (const group of this.#holders({ Groups: groups })) {
      this.#memberships.push({ user: arn, group, location: at })
    }
    if ([groups].flat().includes(unknownValue)) {
      this.#tellUnreadable(arn, { location: at, reason: 'cannot be told' })
    }
  }

  #managedPolicyOf(policyArn: unknown): AuditResource | undefined {
    return this.#resources.find(({ type, arn }) => type === 'AWS::IAM::ManagedPolicy' && arn === policyArn)
  }

  #join({ user, group, location }: Membership): void {
    const policies = this.#identity.get(group)
    if (policies === undefined) {
      this.#tellUnreadable(user, { location, reason: 'what this group allows is not here' })
      return
    }
    this.#identity.set(user, [...(this.#identity.get(user) ?? []), ...policies])
    for (const unreadable of this.#unreadable.get(group) ?? []) this.#tellUnreadable(user, unreadable)
  }

  /** ARNs of those to whom a policy says that it is attached, by name. */
  #holders(properties: Readonly<Record<string, unknown>>): readonly string[] {
    const kinds = [
      ['Roles', 'AWS::IAM::Role'],
      ['Users', 'AWS::IAM::User'],
      ['Groups', 'AWS::IAM::Group']
    ] as const
    return kinds.flatMap(([member, type]) =>
      textsOf(properties[member]).map(
        name =>
          this.#resources.find(
            each => each.type === type && each.arn.slice(each.arn.lastIndexOf('/') + 1) === name
          )?.arn ?? resourceArn(type, name, this.#scope)
      )
    )
  }

  #add(holder: string, name: string, value: unknown, { location }: AuditResource, member?: string): void {
    const at = member === undefined ? `${location}.PolicyDocument` : `${location}.${member}.PolicyDocument`
    const document = this.#read(holder, at, value)
    if (document === undefined) return
    const policies = this.#identity.get(holder) ?? []
    // A managed policy may name the role, and the role the policy.
    if (!policies.some(policy => policy.name === name)) policies.push({ name, document })
    this.#identity.set(holder, policies)
  }

  #ofResource(target: string, { id, location }: AuditResource, member: string, value: unknown): void {
    if (value === undefined) return
    const document = this.#read(target, `${location}.${member}`, value)
    if (document === undefined) return
    const known = this.#resource.get(target)
    this.#resource.set(
      target,
      known === undefined
        ? { name: `${id}.${member}`, document }
        : // Several policies of one resource decide as one.
          {
            name: known.name,
            document: { ...known.document, Statement: [...known.document.Statement, ...document.Statement] }
          }
    )
  }

  #read(owner: string, location: string, value: unknown): PolicyDocument | undefined {
    try {
      return parsePolicy(this.#withoutUnknown(owner, location, value), location)
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error
      this.#tellUnreadable(owner, { location: error.option, reason: reasonOf(error) })
      return undefined
    }
  }

  /** A statement that allows, and holds what cannot be told, is left out: the others say what they say without it. */
  #withoutUnknown(owner: string, location: string, policy: unknown): unknown {
    if (!isObject(policy) || !Array.isArray(policy.Statement)) {
      checkTold(policy, location)
      return policy
    }
    const statements = policy.Statement.filter((statement, index) => {
      const at = `${location}.Statement[${index}]`
      try {
        checkTold(statement, at)
        return true
      } catch (error) {
        if (!isObject(statement) || statement.Effect !== 'Allow' || !(error instanceof InvalidOptionError))
          throw error
        this.#tellUnreadable(owner, { location: error.option, reason: reasonOf(error), onlyAllows: true })
        return false
      }
    })
    return { ...policy, Statement: statements }
  }

  #tellUnreadable(owner: string, unreadable: UnreadablePolicy): void {
    this.#unreadable.set(owner, [...(this.#unreadable.get(owner) ?? []), unreadable])
  }
}

/** A permission of Lambda as the statement that Lambda makes of it. */
function permissionStatement(
  properties: Readonly<Record<string, unknown>>,
  functionArn: string
): Record<string, unknown> {
  const { Action, Principal, SourceArn, SourceAccount, PrincipalOrgID, FunctionUrlAuthType } = properties
  const text = typeof Principal === 'string' && Principal !== '*' ? Principal : undefined
  const equals = {
    ...(SourceAccount === undefined ? {} : { 'AWS:SourceAccount': SourceAccount }),
    ...(PrincipalOrgID === undefined ? {} : { 'aws:PrincipalOrgID': PrincipalOrgID }),
    ...(FunctionUrlAuthType === undefined ? {} : { 'lambda:FunctionUrlAuthType': FunctionUrlAuthType })
  }
  const condition = {
    ...(Object.keys(equals).length === 0 ? {} : { StringEquals: equals }),
    ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } })
  }
  const principal = text === undefined ? Principal : text.includes('.') ? { Service: text } : { AWS: text }
  return {
    Effect: 'Allow',
    Principal: principal,
    Action,
    Resource: functionArn,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition })
  } satisfies Record<keyof PolicyStatement | string, unknown>
}

function reasonOf({ option, message }: InvalidOptionError): string {
  return message.replace(`option ${option}: `, '')
}

/** @throws InvalidOptionError with the path of the first value that cannot be told. */
function checkTold(value: unknown, path: string): void {
  if (value === unknownValue) throw new InvalidOptionError(path, 'cannot be told')
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) checkTold(each, `${path}[${index}]`)
  } else if (isObject(value)) {
    for (const [name, each] of Object.entries(value)) checkTold(each, `${path}.${name}`)
  }
}

function documentIn(policy: unknown): unknown {
  return isObject(policy) ? policy.PolicyDocument : policy
}

function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter(each => typeof each === 'string')
}
