import type { CfnResource } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { IDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { Construct as Scope } from 'constructs'
import { expectationOf } from './expected-findings.ts'
import { includeTemplate } from './include-template.ts'
import { Bucket, Construct, DeliveryStream, Key, Queue, Role, Stream, Table, Validations } from './peers.ts'

/** The part of a template of CloudFormation that is looked at. */
export interface PipelineTemplate {
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>
}

/** The part of a rule pack of cdk-nag that is used, such as of `new AwsSolutionsChecks()`. */
export interface RulePack {
  validateScope(scope: Scope): {
    readonly violations: readonly {
      readonly ruleName: string
      readonly violatingResources: readonly { readonly constructPath?: string }[]
    }[]
  }
}

export interface SealstreamPipelineProps {
  readonly template: PipelineTemplate
  /**
   * Whether the logical ids of the planner get the path of the construct in front, so that a stack can hold several
   * pipelines. A stack that was deployed from the template itself, or without it, would have everything replaced.
   * @default false
   */
  readonly uniqueLogicalIds?: boolean
}

/**
 * What `sealstream plan` prints, as constructs of the AWS CDK: every resource with the properties and under the logical id
 * that the planner gave it, so that a stack can change from the printed template to this and back.
 *
 * The roles take no further grants, for the audit knows those of the plan alone: a grant to one of them is dropped. Whoever
 * else shall read the stream or use a key belongs in the plan, too, for the policies of the keys name who may.
 */
export class SealstreamPipeline extends Construct {
  /** By logical id, as the planner named it. */
  readonly resources: ReadonlyMap<string, CfnResource>
  readonly streams: ReadonlyMap<string, IStream>
  readonly keys: ReadonlyMap<string, IKey>
  readonly roles: ReadonlyMap<string, IRole>
  readonly deliveryStreams: ReadonlyMap<string, IDeliveryStream>
  readonly queues: ReadonlyMap<string, IQueue>
  readonly tables: ReadonlyMap<string, ITable>
  readonly buckets: ReadonlyMap<string, IBucket>

  constructor(scope: Scope, id: string, props: SealstreamPipelineProps) {
    super(scope, id)
    const { template, uniqueLogicalIds = false } = props
    const included = includeTemplate(this, 'Template', template, { preserveLogicalIds: !uniqueLogicalIds })
    const ids = Object.keys(template.Resources)
    this.resources = new Map(ids.map(logicalId => [logicalId, included.getResource(logicalId)]))
    this.keys = this.#import('AWS::KMS::Key', (name, arn) => Key.fromKeyArn(this, name, arn))
    this.streams = this.#import('AWS::Kinesis::Stream', (name, arn) => Stream.fromStreamArn(this, name, arn))
    this.roles = this.#import('AWS::IAM::Role', (name, arn) =>
      Role.fromRoleArn(this, name, arn, { mutable: false })
    )
    this.deliveryStreams = this.#import('AWS::KinesisFirehose::DeliveryStream', (name, arn) =>
      DeliveryStream.fromDeliveryStreamArn(this, name, arn)
    )
    this.queues = this.#import('AWS::SQS::Queue', (name, arn) => Queue.fromQueueArn(this, name, arn))
    this.tables = this.#import('AWS::DynamoDB::Table', (name, arn) => Table.fromTableArn(this, name, arn))
    this.buckets = this.#import('AWS::S3::Bucket', (name, arn) => Bucket.fromBucketArn(this, name, arn))
  }

  /**
   * Acknowledges what cdk-nag finds in the planner's resources and what is meant to be so, each with its reason; see
   * `expectedFindings`. Whatever else it finds stays a finding.
   * @param pack `new AwsSolutionsChecks()`
   */
  acknowledgeExpectedFindings(pack: RulePack): void {
    const resources = new Map([...this.resources.values()].map(resource => [resource.node.path, resource]))
    for (const { ruleName: id, violatingResources } of pack.validateScope(this).violations) {
      for (const { constructPath = '' } of violatingResources) {
        const resource = resources.get(constructPath)
        if (resource === undefined) continue
        const expected = expectationOf(id, resource.cfnResourceType)
        if (expected !== undefined) Validations.of(resource).acknowledge({ id, reason: expected.reason })
      }
    }
  }

  /** The construct of every resource of that type, under the planner's logical id, which therefore never changes. */
  #import<T>(type: string, fromArn: (id: string, arn: string) => T): Map<string, T> {
    const found = [...this.resources].filter(([, resource]) => resource.cfnResourceType === type)
    return new Map(found.map(([id, resource]) => [id, fromArn(id, resource.getAtt('Arn').toString())]))
  }
}
