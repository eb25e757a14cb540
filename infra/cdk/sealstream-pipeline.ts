import type { CfnResource } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { IDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { Construct as Scope } from 'constructs'
import { definePipeline, type PipelinePlan, type ResolvedPlan } from '../../pipeline/plan.ts'
import { keyId, roleIds } from '../plan-arns.ts'
import { plannedKeys } from '../plan-keys.ts'
import { type PlanProfile, planTemplate } from '../planner.ts'
import type { PlanTemplate } from '../template.ts'
import { expectationOf } from './expected-findings.ts'
import { includeTemplate } from './include-template.ts'
import { Bucket, Construct, DeliveryStream, Key, Queue, Role, Stream, Table, Validations } from './peers.ts'

export interface SealstreamPipelineProps {
  readonly plan: PipelinePlan
  /** @default 'full' */
  readonly profile?: PlanProfile
  /**
   * Whether the path of the construct is put before the planner's logical ids, so that a stack can hold several pipelines.
   * Whoever changes it for a stack that is there replaces everything in it.
   * @default false
   */
  readonly uniqueLogicalIds?: boolean
}

export interface PipelineRoles {
  readonly producer: IRole
  readonly consumer: IRole
  readonly operator: IRole
  /** Undefined where the plan has none. */
  readonly replayer: IRole | undefined
}

export interface PipelineKeys {
  /** Undefined where nothing is sealed, and where each tenant has a key. */
  readonly envelope: IKey | undefined
  /** By the tenant's id. */
  readonly tenants: ReadonlyMap<string, IKey>
  readonly stream: IKey
  readonly sink: IKey
  readonly state: IKey
}

/** The part of a rule pack of cdk-nag that is used, such as of `new AwsSolutionsChecks()`. */
export interface RulePack {
  validateScope(scope: Scope): {
    readonly violations: readonly {
      readonly ruleName: string
      readonly violatingResources: readonly { readonly constructPath?: string | undefined }[]
    }[]
  }
}

/**
 * What `sealstream plan` prints, as constructs of the AWS CDK: every resource with the properties and under the logical id
 * that the planner gave it, so that a stack can change from the printed template to this and back.
 *
 * The roles take no further grants, for the audit knows those of the plan alone: a grant to one of them is dropped. Whoever
 * else shall read the stream or use a key belongs in the plan, too, for the policies of the keys name who may.
 */
export class SealstreamPipeline extends Construct {
  /** With every default filled in. */
  readonly plan: ResolvedPlan
  readonly template: PlanTemplate
  /** By the planner's logical id; instances of the `Cfn…` class of their type. */
  readonly resources: ReadonlyMap<string, CfnResource>
  readonly stream: IStream
  readonly leaseTable: ITable
  /** Undefined where dead letters are objects alone. */
  readonly deadLetterQueue: IQueue | undefined
  readonly keys: PipelineKeys
  readonly roles: PipelineRoles
  /** By name. */
  readonly buckets: ReadonlyMap<string, IBucket>
  #deliveryStreams: ReadonlyMap<string, IDeliveryStream> | undefined

  /** @throws InvalidOptionError for a plan that is wrong, or leaves open what a template has to say */
  constructor(scope: Scope, id: string, props: SealstreamPipelineProps) {
    super(scope, id)
    this.plan = definePipeline(props.plan)
    this.template = planTemplate(props.plan, { profile: props.profile ?? 'full' })
    const included = includeTemplate(this, 'Template', this.template, {
      preserveLogicalIds: !(props.uniqueLogicalIds ?? false)
    })
    this.resources = new Map(
      Object.keys(this.template.Resources).map(logicalId => [logicalId, included.getResource(logicalId)])
    )
    // Ids of constructs are the planner's logical ids: neither ever changes.
    this.stream = Stream.fromStreamArn(this, 'Stream', this.#arnOf('Stream'))
    this.leaseTable = Table.fromTableArn(this, 'LeaseTable', this.#arnOf('LeaseTable'))
    this.deadLetterQueue = this.resources.has('DeadLetterQueue')
      ? Queue.fromQueueArn(this, 'DeadLetterQueue', this.#arnOf('DeadLetterQueue'))
      : undefined
    this.keys = this.#importKeys()
    this.roles = {
      producer: this.#importRole(roleIds.producer),
      consumer: this.#importRole(roleIds.consumer),
      operator: this.#importRole(roleIds.operator),
      replayer: this.plan.roles.replayer ? this.#importRole(roleIds.replayer) : undefined
    }
    this.buckets = this.#importByName('AWS::S3::Bucket', 'BucketName', (logicalId, arn) =>
      Bucket.fromBucketArn(this, logicalId, arn)
    )
  }

  /** By name. The CDK puts a mapping of addresses into the stack when they are first asked for. */
  get deliveryStreams(): ReadonlyMap<string, IDeliveryStream> {
    this.#deliveryStreams ??= this.#importByName(
      'AWS::KinesisFirehose::DeliveryStream',
      'DeliveryStreamName',
      (logicalId, arn) => DeliveryStream.fromDeliveryStreamArn(this, logicalId, arn)
    )
    return this.#deliveryStreams
  }

  /**
   * Acknowledges what cdk-nag finds in the planner's resources and what is meant to be so, each with its reason; see
   * `expectedFindings`. Whatever else it finds stays a finding.
   * @param pack `new AwsSolutionsChecks()`
   */
  acknowledgeExpectedFindings(pack: RulePack): void {
    const ids = new Map([...this.resources].map(([logicalId, { node }]) => [node.path, logicalId]))
    for (const { ruleName: id, violatingResources } of pack.validateScope(this).violations) {
      for (const { constructPath = '' } of violatingResources) {
        const logicalId = ids.get(constructPath)
        if (logicalId === undefined) continue
        const expected = expectationOf(id, this.template.Resources[logicalId]!)
        if (expected === undefined) continue
        Validations.of(this.resources.get(logicalId)!).acknowledge({ id, reason: expected.reason })
      }
    }
  }

  #arnOf(logicalId: string): string {
    const resource = this.resources.get(logicalId)
    if (resource === undefined) throw new Error(`the planner made no resource ${logicalId}`)
    return resource.getAtt('Arn').toString()
  }

  #importKeys(): PipelineKeys {
    const planned = plannedKeys(this.plan)
    const keys = new Map(
      planned.map(({ logicalId, givenArn }) => [
        logicalId,
        Key.fromKeyArn(this, logicalId, givenArn ?? this.#arnOf(logicalId))
      ])
    )
    return {
      envelope: keys.get(keyId('envelope')),
      tenants: new Map(
        planned.flatMap(({ tenant, logicalId }) =>
          tenant === undefined ? [] : [[tenant, keys.get(logicalId)!]]
        )
      ),
      stream: keys.get(keyId('stream'))!,
      sink: keys.get(keyId('sink'))!,
      state: keys.get(keyId('state'))!
    }
  }

  #importRole(logicalId: string): IRole {
    return Role.fromRoleArn(this, logicalId, this.#arnOf(logicalId), { mutable: false })
  }

  #importByName<T>(
    type: string,
    nameProperty: string,
    fromArn: (logicalId: string, arn: string) => T
  ): ReadonlyMap<string, T> {
    return new Map(
      Object.entries(this.template.Resources)
        .filter(([, { Type }]) => Type === type)
        .map(([logicalId, { Properties }]) => [
          String(Properties[nameProperty]),
          fromArn(logicalId, this.#arnOf(logicalId))
        ])
    )
  }
}
