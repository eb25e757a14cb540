/** What a rule of cdk-nag's AwsSolutions says about the planner's resources, and why they stay as they are. */
export interface ExpectedFinding {
  /** Such as `AwsSolutions-KDS3`. */
  readonly rule: string
  /** Which of the rule's findings, where it tells several apart: what stands in brackets behind its id. */
  readonly detail?: RegExp
  /** Such as `AWS::Kinesis::Stream`; of no other is it expected. */
  readonly resourceType: string
  readonly reason: string
}

/** Anything else that AwsSolutions finds is a mistake of the planner, and fails its tests. */
export const expectedFindings: readonly ExpectedFinding[] = [
  {
    rule: 'AwsSolutions-KDS3',
    resourceType: 'AWS::Kinesis::Stream',
    reason:
      'The stream has a customer managed key: a key of AWS cannot carry the policy that names who may use it.'
  }
]

/** The entry that expects it; undefined for a finding that nobody expects. */
export function expectationOf(ruleName: string, resourceType: string): ExpectedFinding | undefined {
  const [, rule, detail = ''] = /^([^[]+)(?:\[(.*)\])?$/s.exec(ruleName) ?? []
  return expectedFindings.find(
    expected =>
      expected.rule === rule &&
      expected.resourceType === resourceType &&
      (expected.detail?.test(detail) ?? detail === '')
  )
}
