import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/*
 * Loaded by require and not by import: its failure can be told in one line, and without a top-level await an application
 * that is CommonJS, as most of the CDK are, can require this module. Whoever imports the CDK gets the same classes.
 */
export const { Construct } = load<typeof import('constructs')>('constructs')
export const { Validations } = load<typeof import('aws-cdk-lib')>('aws-cdk-lib')
export const { CfnInclude } = load<typeof import('aws-cdk-lib/cloudformation-include')>(
  'aws-cdk-lib/cloudformation-include'
)
export const { Role } = load<typeof import('aws-cdk-lib/aws-iam')>('aws-cdk-lib/aws-iam')
export const { Stream } = load<typeof import('aws-cdk-lib/aws-kinesis')>('aws-cdk-lib/aws-kinesis')
export const { DeliveryStream } = load<typeof import('aws-cdk-lib/aws-kinesisfirehose')>(
  'aws-cdk-lib/aws-kinesisfirehose'
)
export const { Key } = load<typeof import('aws-cdk-lib/aws-kms')>('aws-cdk-lib/aws-kms')
export const { Bucket } = load<typeof import('aws-cdk-lib/aws-s3')>('aws-cdk-lib/aws-s3')
export const { Queue } = load<typeof import('aws-cdk-lib/aws-sqs')>('aws-cdk-lib/aws-sqs')
export const { Table } = load<typeof import('aws-cdk-lib/aws-dynamodb')>('aws-cdk-lib/aws-dynamodb')

function load<T>(name: string): T {
  try {
    return require(name)
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw cause
    throw new Error(
      'sealstream/infra/cdk needs the packages aws-cdk-lib and constructs: npm i aws-cdk-lib constructs',
      { cause }
    )
  }
}
