import type { NamedPolicy } from '../access.ts'

/**
 * One resource, whatever it was read from: a template, an account, the embedded engines. References are ARNs: of the
 * resource itself where its name is known, or else symbolic ones such as `arn:aws:kms:us-east-1:123456789012:key/EnvelopeKey`,
 * which are the same wherever the same resource is meant.
 */
export interface AuditResource {
  /** Logical id in a template; name elsewhere. */
  readonly id: string
  /** Such as `AWS::Kinesis::Stream`. */
  readonly type: string
  readonly arn: string
  /** Under the names of CloudFormation, references and conditions resolved. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Of the template's resource: `DeletionPolicy`, `UpdateReplacePolicy`. Undefined elsewhere. */
  readonly deletionPolicy?: string | undefined
  /** Where it stands, such as `Resources.EnvelopeKey`, or the call that told of it. */
  readonly location: string
}

/** A value that cannot be told: a parameter without default, an import. What depends on it is `unknown`, never passed. */
export interface UnresolvedReference {
  readonly location: string
  readonly reason: string
}

/** A policy, or a statement of one, that cannot be read. */
export interface UnreadablePolicy extends UnresolvedReference {
  /** It could only allow more: what the rest allows holds. */
  readonly onlyAllows?: boolean
}

/** A read that was refused or failed. What depends on it is reported as an error, the rest goes on. */
export interface FailedRead {
  /** Such as `kms:GetKeyPolicy`. */
  readonly action: string
  readonly resource: string
  /** The service's code. */
  readonly code: string
}

/** Readers of the stream that a plan knows of, besides those that poll. */
export interface DeclaredReaders {
  /** Names of fan-out consumers. */
  readonly consumers: readonly string[]
  /** ARNs of functions, with their qualifier where they have one; of one that the plan makes, `<name>:<qualifier>`. */
  readonly functions: readonly string[]
  /** Types of resources that may belong to a reader which is declared without a name. */
  readonly unnamed: readonly string[]
}

export interface AuditModel {
  readonly source: 'template' | 'live' | 'local'
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly resources: readonly AuditResource[]
  /** By ARN of the role: what it may do, managed and inline. */
  readonly identityPolicies: ReadonlyMap<string, readonly NamedPolicy[]>
  /** By ARN of the resource: key, bucket, queue, table, stream, endpoint, function policies; of a role: who may assume it. */
  readonly resourcePolicies: ReadonlyMap<string, NamedPolicy>
  /**
   * By ARN of the role or the resource: policies that it has and that cannot be read, because they are malformed, hold what
   * cannot be told, or are kept elsewhere. What rests on all of its policies is `unknown`.
   */
  readonly unreadablePolicies?: ReadonlyMap<string, readonly UnreadablePolicy[]>
  /**
   * By ARN of the role: its permissions boundary, where that policy is here. Of users there is none, since what the policy of
   * a resource allows a user goes past it.
   */
  readonly boundaries?: ReadonlyMap<string, NamedPolicy>
  /** Keys that records are sealed with, where somebody told; undefined where that has to be found out. */
  readonly envelopeKeyArns?: readonly string[]
  /** Where somebody told; a template is the declaration itself. */
  readonly declaredReaders?: DeclaredReaders
  readonly unresolved: readonly UnresolvedReference[]
  readonly failedReads: readonly FailedRead[]
}

/** Stands in `properties` where a reference could not be resolved. */
export const unknownValue: unique symbol = Symbol('unknown')
