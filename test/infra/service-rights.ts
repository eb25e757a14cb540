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

const flinkLog = 'arn:aws:logs:eu-west-1:111122223333:log-group:/aws/kinesis-analytics/orders-flink'

/** An application of Flink that opens nothing and writes to a second stream. */
export const flinkRights: readonly PolicyStatement[] = [
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
  { Sid: 'NeverOpen', Effect: 'Deny', Action: ['kms:Decrypt'], Resource: key('EnvelopeKey') },
  neverWrap,
  {
    Sid: 'LoadCode',
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: 'arn:aws:s3:::orders-code/flink.zip'
  },
  {
    Sid: 'ReadReference',
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: 'arn:aws:s3:::orders-reference/countries.csv'
  },
  {
    Sid: 'WriteOutput',
    Effect: 'Allow',
    Action: [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:ListShards',
      'kinesis:PutRecord',
      'kinesis:PutRecords'
    ],
    Resource: 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders-counted'
  },
  {
    Sid: 'OutputKey',
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey'],
    Resource: key('ServicesKey'),
    Condition: {
      StringEquals: {
        'kms:ViaService': 'kinesis.eu-west-1.amazonaws.com',
        'kms:EncryptionContext:aws:kinesis:arn':
          'arn:aws:kinesis:eu-west-1:111122223333:stream/orders-counted'
      }
    }
  },
  {
    Sid: 'FindLog',
    Effect: 'Allow',
    Action: ['logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
    Resource: [flinkLog, `${flinkLog}:*`]
  },
  {
    Sid: 'OwnLog',
    Effect: 'Allow',
    Action: ['logs:PutLogEvents'],
    Resource: `${flinkLog}:log-stream:application`
  },
  {
    Sid: 'SeeNetwork',
    Effect: 'Allow',
    Action: [
      'ec2:DescribeVpcs',
      'ec2:DescribeVpcAttribute',
      'ec2:DescribeSubnets',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeDhcpOptions'
    ],
    Resource: '*'
  },
  {
    Sid: 'ManageInterfaces',
    Effect: 'Allow',
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:CreateNetworkInterfacePermission',
      'ec2:DeleteNetworkInterface'
    ],
    Resource: [
      'arn:aws:ec2:eu-west-1:111122223333:network-interface/*',
      'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0a1b2c3d',
      'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0a1b2c3e',
      'arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0a1b2c3d'
    ]
  }
]

/** What it has in place of a stream where it writes to a delivery stream. */
export const flinkToFirehose: PolicyStatement = {
  Sid: 'WriteOutput',
  Effect: 'Allow',
  Action: ['firehose:DescribeDeliveryStream', 'firehose:PutRecord', 'firehose:PutRecordBatch'],
  Resource: 'arn:aws:firehose:eu-west-1:111122223333:deliverystream/orders-s3'
}

/** By name of the role. */
export const iotRights: Readonly<Record<string, readonly PolicyStatement[]>> = {
  'orders-iot-rule': [
    {
      Sid: 'PutRecord',
      Effect: 'Allow',
      Action: ['kinesis:PutRecord'],
      Resource: 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders'
    },
    { ...streamKey, Sid: 'StreamSseWrite', Action: ['kms:GenerateDataKey'] }
  ],
  'orders-iot-error': [
    {
      Sid: 'PutAside',
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: 'arn:aws:sqs:eu-west-1:111122223333:orders-iot-errors'
    },
    {
      Sid: 'ErrorKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: key('StateKey'),
      Condition: {
        StringEquals: {
          'kms:ViaService': 'sqs.eu-west-1.amazonaws.com',
          'kms:EncryptionContext:aws:sqs:arn': 'arn:aws:sqs:eu-west-1:111122223333:orders-iot-errors'
        }
      }
    }
  ],
  'orders-iot-logging': [
    {
      Sid: 'WriteLog',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: 'arn:aws:logs:eu-west-1:111122223333:log-group:AWSIotLogsV2:log-stream:*'
    }
  ],
  'orders-iot-key': [
    { Sid: 'SeeKey', Effect: 'Allow', Action: ['kms:DescribeKey'], Resource: key('ServicesKey') },
    {
      Sid: 'UseKey',
      Effect: 'Allow',
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: key('ServicesKey'),
      Condition: { StringEquals: { 'kms:ViaService': 'iot.eu-west-1.amazonaws.com' } }
    }
  ]
}

/** What the consumer has besides, where it looks something up in a database. */
export const lookupRights: readonly PolicyStatement[] = [
  {
    Sid: 'LookUp',
    Effect: 'Allow',
    Action: ['rds-db:connect'],
    Resource: 'arn:aws:rds-db:eu-west-1:111122223333:dbuser:cluster-ABC123/lookup'
  }
]
