/*
 * Policies of IAM as data, in the grammar of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 *
 * The strings of a policy that was made from a plan may hold placeholders as CloudFormation's Fn::Sub has them, such as
 * ${AWS::AccountId} or ${EnvelopeKey.Arn}: keys, accounts and regions have no name before they are there.
 */

export type OneOrMore<T> = T | readonly T[]

export type PolicyPrincipal =
  | '*'
  | Readonly<Partial<Record<'AWS' | 'Service' | 'Federated' | 'CanonicalUser', OneOrMore<string>>>>

/** Operator -> condition key -> values. */
export type PolicyConditions = Readonly<Record<string, Readonly<Record<string, OneOrMore<string>>>>>

export interface PolicyStatement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  /** In policies of resources alone, as `NotPrincipal`. */
  readonly Principal?: PolicyPrincipal
  readonly NotPrincipal?: PolicyPrincipal
  /** Exactly one of `Action` and `NotAction`. */
  readonly Action?: OneOrMore<string>
  readonly NotAction?: OneOrMore<string>
  readonly Resource?: OneOrMore<string>
  readonly NotResource?: OneOrMore<string>
  readonly Condition?: PolicyConditions
}

export interface PolicyDocument {
  readonly Version?: '2012-10-17' | '2008-10-17'
  readonly Id?: string
  readonly Statement: readonly PolicyStatement[]
}
