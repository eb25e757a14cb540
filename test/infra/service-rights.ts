import type { PolicyStatement } from '../../infra/index.ts'

/*
 * What the services beside the pipeline `orders` may do, as a person wrote it down. Account 111122223333, region eu-west-1;
 * keys are named by their logical ids.
 */

const key = (name: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${name}`

/** What the role of a delivery stream has besides, where its records are converted. */
export const conversionRights: readonly PolicyStatement[] = [
  {
    Sid: 'ReadSchema',
    Effect: 'Allow',
    Action: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
    Resource: [
      'arn:aws:glue:eu-west-1:111122223333:catalog',
      'arn:aws:glue:eu-west-1:111122223333:database/orders',
      'arn:aws:glue:eu-west-1:111122223333:table/orders/orders_s3'
    ]
  },
  {
    Sid: 'CatalogueKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: key('ServicesKey'),
    Condition: {
      StringEquals: {
        'kms:ViaService': 'glue.eu-west-1.amazonaws.com',
        'kms:EncryptionContext:glue_catalog_id': '111122223333'
      }
    }
  }
]

/** What Lambda does in the name of a function's role to place it in a network. */
const interfaces: PolicyStatement = {
  Sid: 'Interfaces',
  Effect: 'Allow',
  Action: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses'
  ],
  Resource: '*',
  Condition: { Null: { 'lambda:SourceFunctionArn': 'true' } }
}

const unwrap: readonly PolicyStatement[] = [
  {
    Sid: 'UnwrapDataKeys',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: key('EnvelopeKey'),
    Condition: {
      StringEquals: { 'kms:EncryptionContext:pipeline': 'orders', 'kms:EncryptionContext:stream': 'orders' },
      'ForAllValues:StringEquals': {
        'kms:EncryptionContextKeys': ['pipeline', 'stream', 'aws-crypto-public-key']
      },
      Null: { 'kms:ViaService': 'true' }
    }
  },
  { Sid: 'ResolveKeys', Effect: 'Allow', Action: ['kms:DescribeKey'], Resource: key('EnvelopeKey') }
]

const neverWrap: PolicyStatement = {
  Sid: 'NeverWrap',
  Effect: 'Deny',
  Action: [
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:Encrypt',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:CreateGrant'
  ],
  Resource: key('EnvelopeKey')
}

const streamKey: PolicyStatement = {
  Sid: 'StreamSseRead',
  Effect: 'Allow',
  Action: ['kms:Decrypt'],
  Resource: key('StreamKey'),
  Condition: {
    StringEquals: {
      'kms:ViaService': 'kinesis.eu-west-1.amazonaws.com',
      'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders'
    }
  }
}

/** A function with the stream as its event source. */
export const readerFunctionRights: readonly PolicyStatement[] = [
  {
    Sid: 'ReadStream',
    Effect: 'Allow',
    Action: [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards'
    ],
    Resource: 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders'
  },
  streamKey,
  ...unwrap,
  neverWrap,
  {
    Sid: 'GivenUp',
    Effect: 'Allow',
    Action: ['sqs:SendMessage'],
    Resource: 'arn:aws:sqs:eu-west-1:111122223333:orders-lambda-failures'
  },
  {
    Sid: 'GivenUpKey',
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    Resource: key('StateKey'),
    Condition: {
      StringEquals: {
        'kms:ViaService': 'sqs.eu-west-1.amazonaws.com',
        'kms:EncryptionContext:aws:sqs:arn': 'arn:aws:sqs:eu-west-1:111122223333:orders-lambda-failures'
      }
    }
  },
  {
    Sid: 'OwnLog',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: 'arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders-count:log-stream:*'
  },
  interfaces
]

/** A function that opens records inside of a delivery stream. */
export const transformFunctionRights: readonly PolicyStatement[] = [
  ...unwrap,
  {
    Sid: 'OwnLog',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: 'arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders-open:log-stream:*'
  },
  interfaces,
  neverWrap,
  {
    Sid: 'NoSideDoor',
    Effect: 'Deny',
    Action: [
      'kinesis:PutRecord',
      'kinesis:PutRecords',
      's3:PutObject',
      'firehose:PutRecord',
      'firehose:PutRecordBatch',
      'sqs:SendMessage'
    ],
    Resource: '*'
  }
]
