import { randomUUID } from 'node:crypto'
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient
} from '@aws-sdk/client-dynamodb'
import { DescribeDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose'
import { DescribeStreamSummaryCommand } from '@aws-sdk/client-kinesis'
import {
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createKinesisClient } from '../../core/kinesis-client.ts'
import { startLocalStack } from '../../local/testing/index.ts'
import { clientConfigOf, endpointEngine } from '../../pipeline/index.ts'
import { deployStack } from './stacks.ts'

// What LocalStack 4.14 makes of a template. Each is asserted as it is, so that a change of it is seen here first;
// docs/guides/localstack.md says what each means.

const endpoint = process.env.SEALSTREAM_ENDPOINT ?? 'http://127.0.0.1:4566'
const engine = endpointEngine(endpoint)
const image = process.env.SEALSTREAM_TEST_IMAGE
const key = {
  Type: 'AWS::KMS::Key',
  Properties: {
    KeyPolicy: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:DescribeKey', Resource: '*' }]
    }
  }
}
const keyArn = { 'Fn::GetAtt': ['Key', 'Arn'] }

function opened<T extends { destroy(): void }>(client: T): T {
  onTestFinished(() => client.destroy())
  return client
}

describe.skipIf(process.env.SEALSTREAM_TEST_ENGINE !== 'localstack')(
  'localstack',
  { timeout: 60_000 },
  () => {
    const name = `template-${randomUUID().slice(0, 8)}`

    /** The stack is there, whatever became of its properties. */
    async function deploy(resources: Record<string, { Type: string; Properties: object }>) {
      const stack = await deployStack(endpoint, { Resources: { Key: key, ...resources } })
      expect(stack.status).toBe('CREATE_COMPLETE')
      return stack
    }

    it('cloudformation: a stream has neither its key nor its retention', async () => {
      await deploy({
        Stream: {
          Type: 'AWS::Kinesis::Stream',
          Properties: {
            Name: name,
            ShardCount: 1,
            RetentionPeriodHours: 168,
            StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn }
          }
        }
      })
      const kinesis = opened(createKinesisClient(clientConfigOf(engine, 'kinesis')))
      const answer = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: name }))
      expect(answer.StreamDescriptionSummary).toMatchObject({
        EncryptionType: 'NONE',
        RetentionPeriodHours: 24
      })
    })

    it('cloudformation: a bucket has neither its key nor its lifecycle, and everybody may read it', async () => {
      await deploy({
        Bucket: {
          Type: 'AWS::S3::Bucket',
          Properties: {
            BucketName: name,
            BucketEncryption: {
              ServerSideEncryptionConfiguration: [
                { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn } }
              ]
            },
            LifecycleConfiguration: {
              Rules: [{ Id: 'staging', Status: 'Enabled', Prefix: 'staging/', ExpirationInDays: 7 }]
            },
            OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }
          }
        }
      })
      const s3 = opened(new S3Client(clientConfigOf(engine, 's3')))
      const { ServerSideEncryptionConfiguration: encryption } = await s3.send(
        new GetBucketEncryptionCommand({ Bucket: name })
      )
      expect(encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm).toBe('AES256')
      await expect(
        s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: name }))
      ).rejects.toMatchObject({
        name: 'NoSuchLifecycleConfiguration'
      })
      const { Grants: grants = [] } = await s3.send(new GetBucketAclCommand({ Bucket: name }))
      expect(grants.map(({ Grantee: grantee, Permission }) => [grantee?.URI, Permission])).toContainEqual([
        'http://acs.amazonaws.com/groups/global/AllUsers',
        'READ'
      ])
    })

    it('cloudformation: a table has its key, but no recovery and no protection', async () => {
      await deploy({
        Table: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            TableName: name,
            BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
            SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn },
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
            DeletionProtectionEnabled: true
          }
        }
      })
      const dynamodb = opened(new DynamoDBClient(clientConfigOf(engine, 'dynamodb')))
      const { Table: table } = await dynamodb.send(new DescribeTableCommand({ TableName: name }))
      expect(table).toMatchObject({ SSEDescription: { SSEType: 'KMS' }, DeletionProtectionEnabled: false })
      const { ContinuousBackupsDescription: backups } = await dynamodb.send(
        new DescribeContinuousBackupsCommand({ TableName: name })
      )
      expect(backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus).toBe('DISABLED')
    })

    it('cloudformation: a delivery stream has no encryption', async () => {
      await deploy({
        Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
        DeliveryStream: {
          Type: 'AWS::KinesisFirehose::DeliveryStream',
          Properties: {
            DeliveryStreamName: name,
            DeliveryStreamType: 'DirectPut',
            DeliveryStreamEncryptionConfigurationInput: { KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: keyArn },
            ExtendedS3DestinationConfiguration: {
              BucketARN: { 'Fn::GetAtt': ['Bucket', 'Arn'] },
              RoleARN: 'arn:aws:iam::000000000000:role/firehose'
            }
          }
        }
      })
      const firehose = opened(new FirehoseClient(clientConfigOf(engine, 'firehose')))
      const { DeliveryStreamDescription: description } = await firehose.send(
        new DescribeDeliveryStreamCommand({ DeliveryStreamName: name })
      )
      expect(description?.DeliveryStreamStatus).toBe('ACTIVE')
      expect(description?.DeliveryStreamEncryptionConfiguration).toBeUndefined()
    })

    it('cloudformation: a log group has neither its key nor its retention', async () => {
      await deploy({
        LogGroup: {
          Type: 'AWS::Logs::LogGroup',
          Properties: { LogGroupName: name, RetentionInDays: 90, KmsKeyId: keyArn }
        }
      })
      const answer = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'Logs_20140328.DescribeLogGroups',
          authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request'
        },
        body: JSON.stringify({ logGroupNamePrefix: name })
      })
      const { logGroups } = (await answer.json()) as { logGroups: object[] }
      expect(logGroups).toHaveLength(1)
      expect(logGroups[0]).not.toHaveProperty('kmsKeyId')
      expect(logGroups[0]).not.toHaveProperty('retentionInDays')
    })

    it('cloudformation: a resource of a type that it does not have is passed over', async () => {
      const ResourceArn = 'arn:aws:kinesis:us-east-1:000000000000:stream/none'
      const ResourcePolicy = { Version: '2012-10-17', Statement: [] }
      const { physicalIds } = await deploy({
        ...aRolePolicy(),
        StreamPolicy: { Type: 'AWS::Kinesis::ResourcePolicy', Properties: { ResourceArn, ResourcePolicy } }
      })
      expect(physicalIds.get('Policy')).toBe('unknown')
      expect(physicalIds.get('StreamPolicy')).toBe('unknown')
    })

    it.skipIf(image === undefined)(
      'cloudformation: refuses what it does not have when it is told to, with the older of its engines',
      async () => {
        delete process.env.SEALSTREAM_ENDPOINT
        const environment = {
          CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '0',
          PROVIDER_OVERRIDE_CLOUDFORMATION: 'engine-legacy'
        }
        const strict = await startLocalStack({ image: image!, environment }).finally(() => {
          process.env.SEALSTREAM_ENDPOINT = endpoint
        })
        onTestFinished(() => strict.close())
        expect((await deployStack(strict.endpoint, { Resources: { Key: key } })).status).toBe(
          'CREATE_COMPLETE'
        )
        expect((await deployStack(strict.endpoint, { Resources: aRolePolicy() })).status).toBe(
          'CREATE_FAILED'
        )
      },
      120_000
    )
  }
)

function aRolePolicy() {
  const statement = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' }
  return {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' }
          ]
        }
      }
    },
    Policy: {
      Type: 'AWS::IAM::RolePolicy',
      Properties: {
        RoleName: { Ref: 'Role' },
        PolicyName: 'unwrap',
        PolicyDocument: { Version: '2012-10-17', Statement: [statement] }
      }
    }
  }
}
