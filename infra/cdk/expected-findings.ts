import type { PolicyDocument } from '../policy-document.ts'
import type { TemplateResource } from '../template.ts'

/** What a rule of cdk-nag says about a resource of the planner, and why it stays as it is. */
export interface ExpectedFinding {
  /** Such as `AwsSolutions-KDS3`. */
  readonly rule: string
  /** Such as `AWS::Kinesis::Stream`; of no other is it expected. */
  readonly resourceType: string
  readonly reason: string
  /** Whether the reason holds for a resource with these properties: what is missing is a finding, whatever the rule. */
  readonly isTrueOf: (properties: TemplateResource['Properties']) => boolean
}

/** Of the pack AwsSolutions. Anything else that it finds is a mistake of the planner, and fails its tests. */
export const expectedFindings: readonly ExpectedFinding[] = [
  {
    rule: 'AwsSolutions-KDS3',
    resourceType: 'AWS::Kinesis::Stream',
    reason:
      'The stream has a customer managed key by intent: the key of AWS takes no policy that names who may use it.',
    isTrueOf: ({ StreamEncryption: encryption }) =>
      (encryption as { EncryptionType?: unknown } | undefined)?.EncryptionType === 'KMS'
  },
  {
    rule: 'AwsSolutions-KDF1',
    resourceType: 'AWS::KinesisFirehose::DeliveryStream',
    reason:
      'Its source is the Kinesis stream, where the records are encrypted: Firehose refuses encryption of its own there.',
    isTrueOf: ({ DeliveryStreamType: type }) => type === 'KinesisStreamAsSource'
  },
  {
    rule: 'AwsSolutions-S10',
    resourceType: 'AWS::S3::BucketPolicy',
    reason:
      'The policy denies requests without TLS; the rule does not recognise a bucket that is named in its ARN.',
    isTrueOf: ({ PolicyDocument: policy }) =>
      (policy as PolicyDocument).Statement.some(
        ({ Effect, Principal, Action, Condition }) =>
          Effect === 'Deny' &&
          Principal === '*' &&
          Action === 's3:*' &&
          Condition?.Bool?.['aws:SecureTransport'] === 'false'
      )
  },
  {
    rule: 'AwsSolutions-SQS3',
    resourceType: 'AWS::SQS::Queue',
    reason: 'It is itself the queue of dead letters, and no other queue may send its own there.',
    isTrueOf: ({ RedriveAllowPolicy: policy }) =>
      (policy as { redrivePermission?: unknown } | undefined)?.redrivePermission === 'denyAll'
  },
  {
    rule: 'AwsSolutions-OS3',
    resourceType: 'AWS::OpenSearchService::Domain',
    reason:
      'The domain is in a VPC, where its policy takes no addresses: it names roles, and its security group the workload.',
    isTrueOf: ({ VPCOptions: network, AccessPolicies: policy }) =>
      network !== undefined &&
      (policy as PolicyDocument).Statement.every(({ Principal }) => Principal !== '*')
  },
  {
    rule: 'AwsSolutions-RS8',
    resourceType: 'AWS::Redshift::Cluster',
    reason:
      'Firehose reaches clusters by a public address alone; the security group of the cluster admits its addresses in the region, and the workload.',
    isTrueOf: ({ VpcSecurityGroupIds: groups }) => Array.isArray(groups) && groups.length === 1
  }
]

/** The entry that expects it; undefined for a finding that nobody expects. */
export function expectationOf(
  ruleName: string,
  { Type: type, Properties: properties }: TemplateResource
): ExpectedFinding | undefined {
  return expectedFindings.find(
    ({ rule, resourceType, isTrueOf }) => rule === ruleName && resourceType === type && isTrueOf(properties)
  )
}
