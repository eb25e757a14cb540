import type { AuditModel } from './model.ts'

export type Severity = 'critical' | 'high' | 'medium' | 'low'

/** Ids under which others know the same thing. */
export interface ControlSources {
  /** Numbers of the statements in `docs/security/statements.md`. */
  readonly statements?: readonly number[]
  /** Such as `Kinesis.1`. */
  readonly securityHub?: readonly string[]
  /** Numbers of the CIS AWS Foundations Benchmark 3.0. */
  readonly cis?: readonly string[]
  /** Rules of AwsSolutions, such as `KDS1`. */
  readonly cdkNag?: readonly string[]
  readonly prowler?: readonly string[]
  /** Such as `CKV_AWS_43`. */
  readonly checkov?: readonly string[]
}

/**
 * How it can be decided: from resources and policies wherever they were read, from a live account alone, by a run of
 * `sealstream prove`, or by people.
 */
export type ControlKind = 'resources' | 'live' | 'proof' | 'manual'

export type ControlStatus = 'pass' | 'fail' | 'manual' | 'error' | 'notApplicable'

/** What a control says of one resource, or of the whole. */
export interface Finding {
  readonly status: ControlStatus
  /** Id of the resource; undefined when it is about the whole. */
  readonly resourceId?: string | undefined
  readonly location?: string | undefined
  /** What was seen, in one line. Never a secret. */
  readonly evidence: string
}

export interface Control {
  /** Such as `KMS-02`. */
  readonly id: string
  readonly severity: Severity
  /** What holds when it passes, in one sentence. */
  readonly title: string
  /** Why it matters, for `--explain`. */
  readonly rationale: string
  /** What to do when it fails, in one sentence. */
  readonly fix: string
  readonly kind: ControlKind
  readonly sources: ControlSources
  /**
   * Reads of an account without which nothing can be said, such as `ec2:DescribeVpcEndpoints`: where one failed, the control
   * is an error. A read about one resource that failed is an error of that resource alone.
   */
  readonly reads?: readonly string[]
  /** Pure. No finding means that nothing here is its business: not applicable. */
  readonly evaluate: (model: AuditModel) => readonly Finding[]
}
