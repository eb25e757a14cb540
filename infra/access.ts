import type { PolicyDocument } from './policy-document.ts'

/** Who asks. */
export interface AccessPrincipal {
  /**
   * ARN of the role or user, without the session: the value of `aws:PrincipalArn`. For a service that acts by itself its
   * name, such as `logs.us-east-1.amazonaws.com`.
   */
  readonly arn: string
  /** Undefined for a service. */
  readonly accountId: string | undefined
}

/** May this principal do that, to this, in these circumstances? */
export interface AccessRequest {
  readonly principal: AccessPrincipal
  /** Such as `kms:Decrypt`. */
  readonly action: string
  /** ARN, or `*` for an action that has none. */
  readonly resource: string
  /** Account that the resource belongs to. @default the one in the ARN, or else the principal's */
  readonly resourceAccountId?: string
  /**
   * Condition keys -> values, such as `kms:EncryptionContext:pipeline` or `kms:ViaService`. A list is a key with several
   * values. `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalIsAWSService`, `aws:PrincipalServiceName`,
   * `aws:ResourceAccount`, `kms:CallerAccount` and `kms:EncryptionContextKeys` are filled in when they are not there.
   */
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

export interface NamedPolicy {
  /** Told in the decision, such as `orders-consumer` or `EnvelopeKey.KeyPolicy`. */
  readonly name: string
  readonly document: PolicyDocument
}

/** A grant on a KMS key, as ListGrants tells it. */
export interface AccessGrant {
  readonly name: string
  readonly granteePrincipal: string
  /** Such as `Decrypt`. */
  readonly operations: readonly string[]
  readonly contextEquals?: Readonly<Record<string, string>>
  readonly contextSubset?: Readonly<Record<string, string>>
}

/** Everything that has a say. */
export interface AccessPolicies {
  /** Of the principal. */
  readonly identity?: readonly NamedPolicy[]
  /** Of the resource. A key without one cannot exist. */
  readonly resource?: NamedPolicy
  readonly grants?: readonly AccessGrant[]
  /** Limits what is allowed, and allows nothing: permissions boundary, policies of the organization, of the VPC endpoint. */
  readonly limits?: readonly NamedPolicy[]
}

export interface AccessDecision {
  readonly effect: 'allow' | 'explicitDeny' | 'implicitDeny'
  /** The statement that decided; undefined for `implicitDeny`, and where a grant allowed. */
  readonly decidedBy?: { readonly policy: string; readonly sid: string | undefined; readonly index: number }
  readonly grant?: string
  /** For people: why, in one line. Holds no value of an encryption context. */
  readonly reason: string
}
