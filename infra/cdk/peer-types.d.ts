/*
 * The few words of the CDK that are used here, for machines without it: its own declarations are 186 MB of packages.
 * `npm run test:cdk` checks the same code against those, without this file. Nothing of it gets into what is published:
 * there the names lead to the packages of whoever installed them.
 */
declare module 'constructs' {
  export class Construct {
    constructor(scope: Construct, id: string)
    readonly node: { readonly path: string }
  }
}

declare module 'aws-cdk-lib' {
  import { Construct } from 'constructs'
  export class CfnResource extends Construct {
    getAtt(attributeName: string): { toString(): string }
  }
  export const Validations: {
    of(scope: Construct): {
      acknowledge(...rules: { readonly id: string; readonly reason: string }[]): void
    }
  }
}

declare module 'aws-cdk-lib/cloudformation-include' {
  import type { CfnResource } from 'aws-cdk-lib'
  import { Construct } from 'constructs'
  export class CfnInclude extends Construct {
    constructor(
      scope: Construct,
      id: string,
      props: { readonly templateFile: string; readonly preserveLogicalIds: boolean }
    )
    getResource(logicalId: string): CfnResource
  }
}

declare module 'aws-cdk-lib/aws-dynamodb' {
  import type { Construct } from 'constructs'
  export interface ITable {
    readonly tableArn: string
  }
  export const Table: { fromTableArn(scope: Construct, id: string, arn: string): ITable }
}

declare module 'aws-cdk-lib/aws-iam' {
  import type { Construct } from 'constructs'
  export interface IRole {
    readonly roleArn: string
  }
  export const Role: {
    fromRoleArn(scope: Construct, id: string, arn: string, options: { readonly mutable: boolean }): IRole
  }
}

declare module 'aws-cdk-lib/aws-kinesis' {
  import type { Construct } from 'constructs'
  export interface IStream {
    readonly streamArn: string
  }
  export const Stream: { fromStreamArn(scope: Construct, id: string, arn: string): IStream }
}

declare module 'aws-cdk-lib/aws-kinesisfirehose' {
  import type { Construct } from 'constructs'
  export interface IDeliveryStream {
    readonly deliveryStreamArn: string
  }
  export const DeliveryStream: {
    fromDeliveryStreamArn(scope: Construct, id: string, arn: string): IDeliveryStream
  }
}

declare module 'aws-cdk-lib/aws-kms' {
  import type { Construct } from 'constructs'
  export interface IKey {
    readonly keyArn: string
  }
  export const Key: { fromKeyArn(scope: Construct, id: string, arn: string): IKey }
}

declare module 'aws-cdk-lib/aws-s3' {
  import type { Construct } from 'constructs'
  export interface IBucket {
    readonly bucketArn: string
  }
  export const Bucket: { fromBucketArn(scope: Construct, id: string, arn: string): IBucket }
}

declare module 'aws-cdk-lib/aws-sqs' {
  import type { Construct } from 'constructs'
  export interface IQueue {
    readonly queueArn: string
  }
  export const Queue: { fromQueueArn(scope: Construct, id: string, arn: string): IQueue }
}
