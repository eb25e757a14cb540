import type { PolicyDocument, PolicyStatement } from '../../infra/index.ts'

/*
 * The policies of the pipeline `orders` as a person wrote them down: what a planner makes is compared with, and what the
 * evaluator is asked about. Account 111122223333, region eu-central-1; the keys are named for what they seal.
 */

export const producerPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'WriteStream',
      Effect: 'Allow',
      Action: [
        'kinesis:PutRecords',
        'kinesis:PutRecord',
        'kinesis:ListShards',
        'kinesis:DescribeStreamSummary'
      ],
      Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
    },
    {
      Sid: 'WrapDataKeys',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:pipeline': 'orders',
          'kms:EncryptionContext:stream': 'orders'
        },
        'ForAllValues:StringEquals': {
          'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema', 'aws-crypto-public-key']
        },
        Null: { 'kms:ViaService': 'true' }
      }
    },
    {
      Sid: 'StreamSseWrite',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/stream',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'kinesis.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
        }
      }
    },
    {
      Sid: 'Metrics',
      Effect: 'Allow',
      Action: ['cloudwatch:PutMetricData'],
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': 'SecurePipeline/orders' } }
    }
  ]
}

export const consumerPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'FindShards',
      Effect: 'Allow',
      Action: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards'],
      Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
    },
    {
      Sid: 'Poll',
      Effect: 'Allow',
      Action: ['kinesis:GetShardIterator', 'kinesis:GetRecords'],
      Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
    },
    {
      Sid: 'Checkpoint',
      Effect: 'Allow',
      Action: [
        'dynamodb:DescribeTable',
        'dynamodb:Scan',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:ConditionCheckItem'
      ],
      Resource: ['arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app']
    },
    {
      Sid: 'LeaseIndex',
      Effect: 'Allow',
      Action: ['dynamodb:Query'],
      Resource: [
        'arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app',
        'arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app/index/LeaseOwnerToLeaseKeyIndex'
      ]
    },
    {
      Sid: 'UnwrapDataKeys',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:pipeline': 'orders',
          'kms:EncryptionContext:stream': 'orders'
        },
        'ForAllValues:StringEquals': {
          'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema', 'aws-crypto-public-key']
        },
        Null: { 'kms:ViaService': 'true' }
      }
    },
    {
      Sid: 'StreamSseRead',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/stream',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'kinesis.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
        }
      }
    },
    {
      Sid: 'LeaseTableKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/state',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'dynamodb.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:dynamodb:subscriberId': '111122223333'
        },
        StringLike: { 'kms:EncryptionContext:aws:dynamodb:tableName': ['orders-app'] }
      }
    },
    {
      Sid: 'Metrics',
      Effect: 'Allow',
      Action: ['cloudwatch:PutMetricData'],
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': ['SecurePipeline/orders', 'orders-app'] } }
    },
    {
      Sid: 'DeadLetters',
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq'
    },
    {
      Sid: 'DeadLetterKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/state',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'sqs.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:sqs:arn': 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq'
        }
      }
    },
    {
      Sid: 'NeverWrapOrWrite',
      Effect: 'Deny',
      Action: [
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:Encrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:CreateGrant'
      ],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope'
    }
  ]
}

export const fanOutStatements: readonly PolicyStatement[] = [
  {
    Sid: 'FindShards',
    Effect: 'Allow',
    Action: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:RegisterStreamConsumer'],
    Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
  },
  {
    Sid: 'FanOut',
    Effect: 'Allow',
    Action: ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
    Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders/consumer/orders-fan-out:*'
  }
]

export const firehoseTrustPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'FirehoseOnlyForThisStream',
      Effect: 'Allow',
      Principal: { Service: 'firehose.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: {
        StringEquals: { 'aws:SourceAccount': '111122223333' },
        ArnLike: {
          'aws:SourceArn': 'arn:aws:firehose:eu-central-1:111122223333:deliverystream/orders-delivery'
        }
      }
    }
  ]
}

export const firehosePolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'ReadStream',
      Effect: 'Allow',
      Action: [
        'kinesis:DescribeStream',
        'kinesis:GetShardIterator',
        'kinesis:GetRecords',
        'kinesis:ListShards'
      ],
      Resource: 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
    },
    {
      Sid: 'StreamSseRead',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/stream',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'kinesis.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
        }
      }
    },
    {
      Sid: 'BucketMeta',
      Effect: 'Allow',
      Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      Resource: 'arn:aws:s3:::orders-sink'
    },
    {
      Sid: 'ObjectWrite',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:GetObject'],
      Resource: ['arn:aws:s3:::orders-sink/data/*', 'arn:aws:s3:::orders-sink/errors/*']
    },
    {
      Sid: 'SinkKey',
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/sink',
      Condition: {
        StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' },
        ArnEquals: { 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::orders-sink' }
      }
    },
    {
      Sid: 'DeliveryErrors',
      Effect: 'Allow',
      Action: ['logs:PutLogEvents'],
      Resource: 'arn:aws:logs:eu-central-1:111122223333:log-group:/aws/kinesisfirehose/orders:log-stream:*'
    },
    {
      Sid: 'Transform',
      Effect: 'Allow',
      Action: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
      Resource: 'arn:aws:lambda:eu-central-1:111122223333:function:orders-decrypt:live'
    }
  ]
}

export const openSearchStatements: readonly PolicyStatement[] = [
  {
    Sid: 'EniDescribe',
    Effect: 'Allow',
    Action: [
      'ec2:DescribeVpcs',
      'ec2:DescribeVpcAttribute',
      'ec2:DescribeSubnets',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeNetworkInterfaces'
    ],
    Resource: '*'
  },
  {
    Sid: 'EniManage',
    Effect: 'Allow',
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:CreateNetworkInterfacePermission',
      'ec2:DeleteNetworkInterface'
    ],
    Resource: [
      'arn:aws:ec2:eu-central-1:111122223333:network-interface/*',
      'arn:aws:ec2:eu-central-1:111122223333:subnet/*',
      'arn:aws:ec2:eu-central-1:111122223333:security-group/*'
    ]
  },
  {
    Sid: 'DomainMeta',
    Effect: 'Allow',
    Action: ['es:DescribeDomain', 'es:DescribeDomains', 'es:DescribeDomainConfig'],
    Resource: 'arn:aws:es:eu-central-1:111122223333:domain/orders-search'
  },
  {
    Sid: 'Index',
    Effect: 'Allow',
    Action: ['es:ESHttpPost', 'es:ESHttpPut'],
    Resource: [
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_bulk',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/orders*'
    ]
  },
  {
    Sid: 'Health',
    Effect: 'Allow',
    Action: ['es:ESHttpGet'],
    Resource: [
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_all/_settings',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_cluster/stats',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/orders*/_mapping/*',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_nodes',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_nodes/stats',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_nodes/*/stats',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/_stats',
      'arn:aws:es:eu-central-1:111122223333:domain/orders-search/orders*/_stats'
    ]
  }
]

export const redshiftStatements: readonly PolicyStatement[] = [
  {
    Sid: 'DestinationSecret',
    Effect: 'Allow',
    Action: ['secretsmanager:GetSecretValue'],
    Resource: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:orders-redshift-??????'
  },
  {
    Sid: 'DestinationSecretKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: 'arn:aws:kms:eu-central-1:111122223333:key/state',
    Condition: {
      StringEquals: { 'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com' },
      ArnLike: {
        'kms:EncryptionContext:SecretARN':
          'arn:aws:secretsmanager:eu-central-1:111122223333:secret:orders-redshift-??????'
      }
    }
  }
]

export const decryptLambdaPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'UnwrapDataKeys',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:pipeline': 'orders',
          'kms:EncryptionContext:stream': 'orders'
        },
        'ForAllValues:StringEquals': {
          'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema', 'aws-crypto-public-key']
        },
        Null: { 'kms:ViaService': 'true' }
      }
    },
    {
      Sid: 'OwnLogs',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: 'arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/orders-decrypt:log-stream:*'
    },
    {
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
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope'
    },
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
}

export const kinesisEndpointPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'ThisPipelineOnly',
      Effect: 'Allow',
      Principal: '*',
      Action: [
        'kinesis:PutRecord',
        'kinesis:PutRecords',
        'kinesis:ListShards',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetShardIterator',
        'kinesis:GetRecords',
        'kinesis:RegisterStreamConsumer',
        'kinesis:DescribeStreamConsumer',
        'kinesis:SubscribeToShard'
      ],
      Resource: [
        'arn:aws:kinesis:eu-central-1:111122223333:stream/orders',
        'arn:aws:kinesis:eu-central-1:111122223333:stream/orders/consumer/*'
      ],
      Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
    }
  ]
}

export const kmsEndpointPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'EnvelopeKeyOnly',
      Effect: 'Allow',
      Principal: '*',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: 'arn:aws:kms:eu-central-1:111122223333:key/envelope',
      Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
    }
  ]
}

export const dynamodbEndpointPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'LeasesOnly',
      Effect: 'Allow',
      Principal: '*',
      Action: [
        'dynamodb:DescribeTable',
        'dynamodb:Scan',
        'dynamodb:Query',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:ConditionCheckItem'
      ],
      Resource: [
        'arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app',
        'arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app/index/*'
      ],
      Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
    }
  ]
}

export const otherEndpointStatements: readonly PolicyStatement[] = [
  {
    Sid: 'ThisDeliveryOnly',
    Effect: 'Allow',
    Principal: '*',
    Action: ['firehose:PutRecord', 'firehose:PutRecordBatch', 'firehose:DescribeDeliveryStream'],
    Resource: 'arn:aws:firehose:eu-central-1:111122223333:deliverystream/orders-delivery',
    Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
  },
  {
    Sid: 'ThisQueueOnly',
    Effect: 'Allow',
    Principal: '*',
    Action: [
      'sqs:SendMessage',
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl'
    ],
    Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq',
    Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
  },
  {
    Sid: 'MetricsOnly',
    Effect: 'Allow',
    Principal: '*',
    Action: ['cloudwatch:PutMetricData'],
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } }
  },
  {
    Sid: 'SinkReadersOnly',
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject', 's3:ListBucket'],
    Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
    Condition: {
      StringEquals: { 'aws:PrincipalAccount': '111122223333', 'aws:ResourceAccount': '111122223333' }
    }
  }
]

export const envelopeKeyPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'AdministerWithoutUse',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: [
        'kms:DescribeKey',
        'kms:GetKeyPolicy',
        'kms:GetKeyRotationStatus',
        'kms:GetKeyLastUsage',
        'kms:ListGrants',
        'kms:ListKeyPolicies',
        'kms:ListKeyRotations',
        'kms:ListResourceTags',
        'kms:PutKeyPolicy',
        'kms:EnableKey',
        'kms:DisableKey',
        'kms:EnableKeyRotation',
        'kms:DisableKeyRotation',
        'kms:RotateKeyOnDemand',
        'kms:UpdateKeyDescription',
        'kms:CreateAlias',
        'kms:UpdateAlias',
        'kms:DeleteAlias',
        'kms:TagResource',
        'kms:UntagResource',
        'kms:RevokeGrant',
        'kms:ScheduleKeyDeletion',
        'kms:CancelKeyDeletion'
      ],
      Resource: '*'
    },
    {
      Sid: 'ProducerWraps',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-producer' },
      Action: ['kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:pipeline': 'orders',
          'kms:EncryptionContext:stream': 'orders'
        },
        'ForAllValues:StringEquals': {
          'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema', 'aws-crypto-public-key']
        },
        Null: { 'kms:ViaService': 'true' }
      }
    },
    {
      Sid: 'ConsumersUnwrap',
      Effect: 'Allow',
      Principal: {
        AWS: [
          'arn:aws:iam::111122223333:role/orders-consumer',
          'arn:aws:iam::111122223333:role/orders-decrypt-lambda'
        ]
      },
      Action: ['kms:Decrypt'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:pipeline': 'orders',
          'kms:EncryptionContext:stream': 'orders'
        },
        'ForAllValues:StringEquals': {
          'kms:EncryptionContextKeys': ['pipeline', 'stream', 'schema', 'aws-crypto-public-key']
        },
        Null: { 'kms:ViaService': 'true' }
      }
    },
    {
      Sid: 'OnlyWithContext',
      Effect: 'Deny',
      Principal: '*',
      Action: [
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo'
      ],
      Resource: '*',
      Condition: { StringNotEquals: { 'kms:EncryptionContext:pipeline': 'orders' } }
    },
    {
      Sid: 'WrapOnlyByProducer',
      Effect: 'Deny',
      Principal: '*',
      Action: [
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptTo'
      ],
      Resource: '*',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/orders-producer' } }
    },
    {
      Sid: 'UnwrapOnlyByReaders',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:Decrypt', 'kms:ReEncryptFrom'],
      Resource: '*',
      Condition: {
        ArnNotEquals: {
          'aws:PrincipalArn': [
            'arn:aws:iam::111122223333:role/orders-consumer',
            'arn:aws:iam::111122223333:role/orders-decrypt-lambda'
          ]
        }
      }
    },
    { Sid: 'NoGrants', Effect: 'Deny', Principal: '*', Action: ['kms:CreateGrant'], Resource: '*' },
    {
      Sid: 'NoQuickDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } }
    }
  ]
}

export const streamKeyPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'AdministerWithoutUse',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: [
        'kms:DescribeKey',
        'kms:GetKeyPolicy',
        'kms:GetKeyRotationStatus',
        'kms:GetKeyLastUsage',
        'kms:ListGrants',
        'kms:ListKeyPolicies',
        'kms:ListKeyRotations',
        'kms:ListResourceTags',
        'kms:PutKeyPolicy',
        'kms:EnableKey',
        'kms:DisableKey',
        'kms:EnableKeyRotation',
        'kms:DisableKeyRotation',
        'kms:RotateKeyOnDemand',
        'kms:UpdateKeyDescription',
        'kms:CreateAlias',
        'kms:UpdateAlias',
        'kms:DeleteAlias',
        'kms:TagResource',
        'kms:UntagResource',
        'kms:RevokeGrant',
        'kms:ScheduleKeyDeletion',
        'kms:CancelKeyDeletion'
      ],
      Resource: '*'
    },
    {
      Sid: 'WriteThroughKinesis',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-producer' },
      Action: ['kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'kinesis.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
        }
      }
    },
    {
      Sid: 'ReadThroughKinesis',
      Effect: 'Allow',
      Principal: {
        AWS: [
          'arn:aws:iam::111122223333:role/orders-consumer',
          'arn:aws:iam::111122223333:role/orders-firehose'
        ]
      },
      Action: ['kms:Decrypt'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'kinesis.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:kinesis:arn': 'arn:aws:kinesis:eu-central-1:111122223333:stream/orders'
        }
      }
    },
    {
      Sid: 'NoQuickDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } }
    }
  ]
}

export const sinkKeyPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'AdministerWithoutUse',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: [
        'kms:DescribeKey',
        'kms:GetKeyPolicy',
        'kms:GetKeyRotationStatus',
        'kms:GetKeyLastUsage',
        'kms:ListGrants',
        'kms:ListKeyPolicies',
        'kms:ListKeyRotations',
        'kms:ListResourceTags',
        'kms:PutKeyPolicy',
        'kms:EnableKey',
        'kms:DisableKey',
        'kms:EnableKeyRotation',
        'kms:DisableKeyRotation',
        'kms:RotateKeyOnDemand',
        'kms:UpdateKeyDescription',
        'kms:CreateAlias',
        'kms:UpdateAlias',
        'kms:DeleteAlias',
        'kms:TagResource',
        'kms:UntagResource',
        'kms:RevokeGrant',
        'kms:ScheduleKeyDeletion',
        'kms:CancelKeyDeletion'
      ],
      Resource: '*'
    },
    {
      Sid: 'FirehoseWritesThroughS3',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-firehose' },
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: '*',
      Condition: {
        StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' },
        ArnEquals: { 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::orders-sink' }
      }
    },
    {
      Sid: 'ReadersThroughS3',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-analyst' },
      Action: ['kms:Decrypt'],
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } }
    },
    {
      Sid: 'NoQuickDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } }
    }
  ]
}

export const stateKeyPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'AdministerWithoutUse',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: [
        'kms:DescribeKey',
        'kms:GetKeyPolicy',
        'kms:GetKeyRotationStatus',
        'kms:GetKeyLastUsage',
        'kms:ListGrants',
        'kms:ListKeyPolicies',
        'kms:ListKeyRotations',
        'kms:ListResourceTags',
        'kms:PutKeyPolicy',
        'kms:EnableKey',
        'kms:DisableKey',
        'kms:EnableKeyRotation',
        'kms:DisableKeyRotation',
        'kms:RotateKeyOnDemand',
        'kms:UpdateKeyDescription',
        'kms:CreateAlias',
        'kms:UpdateAlias',
        'kms:DeleteAlias',
        'kms:TagResource',
        'kms:UntagResource',
        'kms:RevokeGrant',
        'kms:ScheduleKeyDeletion',
        'kms:CancelKeyDeletion'
      ],
      Resource: '*'
    },
    {
      Sid: 'LeaseTableThroughDynamoDb',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-consumer' },
      Action: ['kms:Decrypt', 'kms:DescribeKey'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'dynamodb.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:dynamodb:subscriberId': '111122223333'
        },
        StringLike: { 'kms:EncryptionContext:aws:dynamodb:tableName': ['orders-app', 'orders-app-*'] }
      }
    },
    {
      Sid: 'DeployerCreatesTableGrant',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-deployer' },
      Action: [
        'kms:CreateGrant',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:GenerateDataKey',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo'
      ],
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': 'dynamodb.eu-central-1.amazonaws.com' } }
    },
    {
      Sid: 'DeadLettersThroughSqs',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-consumer' },
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:ViaService': 'sqs.eu-central-1.amazonaws.com',
          'kms:EncryptionContext:aws:sqs:arn': 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq'
        }
      }
    },
    {
      Sid: 'CloudWatchLogs',
      Effect: 'Allow',
      Principal: { Service: 'logs.eu-central-1.amazonaws.com' },
      Action: [
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:GenerateDataKey',
        'kms:DescribeKey'
      ],
      Resource: '*',
      Condition: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': [
            'arn:aws:logs:eu-central-1:111122223333:log-group:/aws/kinesisfirehose/orders',
            'arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/orders-decrypt'
          ]
        }
      }
    },
    {
      Sid: 'SecretThroughSecretsManager',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-firehose' },
      Action: ['kms:Decrypt'],
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com' } }
    },
    {
      Sid: 'NoQuickDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } }
    }
  ]
}

export const sinkBucketPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'DenyPlaintextTransport',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } }
    },
    {
      Sid: 'DenyOldTls',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
      Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } }
    },
    {
      Sid: 'DenyOtherEncryption',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::orders-sink/*',
      Condition: {
        Null: { 's3:x-amz-server-side-encryption': 'false' },
        StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' }
      }
    },
    {
      Sid: 'DenyOtherKey',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::orders-sink/*',
      Condition: {
        Null: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'false' },
        ArnNotEquals: {
          's3:x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:eu-central-1:111122223333:key/sink'
        }
      }
    },
    {
      Sid: 'DenyCustomerKeys',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::orders-sink/*',
      Condition: { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' } }
    },
    {
      Sid: 'DenyOutsideEndpoint',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
      Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
      Condition: {
        StringNotEqualsIfExists: { 'aws:SourceVpce': 'vpce-0s3' },
        BoolIfExists: { 'aws:ViaAWSService': 'false' },
        ArnNotEquals: {
          'aws:PrincipalArn': [
            'arn:aws:iam::111122223333:role/orders-firehose',
            'arn:aws:iam::111122223333:role/orders-deployer'
          ]
        }
      }
    },
    {
      Sid: 'DenyRetentionBypass',
      Effect: 'Deny',
      Principal: '*',
      Action: [
        's3:BypassGovernanceRetention',
        's3:PutBucketObjectLockConfiguration',
        's3:DeleteObjectVersion'
      ],
      Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/orders-deployer' } }
    },
    {
      Sid: 'DenyOtherAccountPrincipals',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::orders-sink', 'arn:aws:s3:::orders-sink/*'],
      Condition: {
        StringNotEquals: { 'aws:PrincipalAccount': '111122223333' },
        Bool: { 'aws:PrincipalIsAWSService': 'false' }
      }
    }
  ]
}

export const queuePolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'DenyPlaintextTransport',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:*',
      Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } }
    },
    {
      Sid: 'OnlyConsumerSends',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:SendMessage',
      Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/orders-consumer' } }
    },
    {
      Sid: 'ConsumerSends',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-consumer' },
      Action: 'sqs:SendMessage',
      Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq'
    },
    {
      Sid: 'OperatorDrains',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:role/orders-operator' },
      Action: [
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:ChangeMessageVisibility'
      ],
      Resource: 'arn:aws:sqs:eu-central-1:111122223333:orders-dlq'
    }
  ]
}

export const leaseTablePolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'OnlyConsumerTouchesLeases',
      Effect: 'Deny',
      Principal: '*',
      Action: [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:Query',
        'dynamodb:Scan',
        'dynamodb:BatchGetItem',
        'dynamodb:BatchWriteItem'
      ],
      Resource: 'arn:aws:dynamodb:eu-central-1:111122223333:table/orders-app',
      Condition: {
        ArnNotEquals: {
          'aws:PrincipalArn': [
            'arn:aws:iam::111122223333:role/orders-consumer',
            'arn:aws:iam::111122223333:role/orders-operator'
          ]
        }
      }
    }
  ]
}
