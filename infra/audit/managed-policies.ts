import type { OneOrMore, PolicyDocument } from '../policy-document.ts'

// As https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html has them. Only those that are met at
// such pipelines: what a role may do through any other is not known, and reported so.
const writeLogs = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']

const documents: Readonly<Record<string, PolicyDocument>> = {
  AdministratorAccess: allow('*'),
  AmazonDynamoDBFullAccess: allow('dynamodb:*'),
  AmazonKinesisFirehoseFullAccess: allow('firehose:*'),
  AmazonKinesisFullAccess: allow('kinesis:*'),
  AmazonKinesisReadOnlyAccess: allow(['kinesis:Get*', 'kinesis:List*', 'kinesis:Describe*']),
  AmazonS3FullAccess: allow(['s3:*', 's3-object-lambda:*']),
  AmazonSQSFullAccess: allow('sqs:*'),
  'service-role/AWSLambdaBasicExecutionRole': allow(writeLogs),
  'service-role/AWSLambdaKinesisExecutionRole': allow([
    'kinesis:DescribeStream',
    'kinesis:DescribeStreamSummary',
    'kinesis:GetRecords',
    'kinesis:GetShardIterator',
    'kinesis:ListShards',
    'kinesis:ListStreams',
    'kinesis:SubscribeToShard',
    ...writeLogs
  ]),
  'service-role/AWSLambdaSQSQueueExecutionRole': allow([
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    ...writeLogs
  ])
}

/** What a policy of AWS allows; undefined for one that is not known here. */
export function managedPolicy(arn: string): PolicyDocument | undefined {
  const name = /^arn:[^:]+:iam::aws:policy\/(.+)$/.exec(arn)?.[1]
  return name !== undefined && Object.hasOwn(documents, name) ? documents[name] : undefined
}

function allow(actions: OneOrMore<string>): PolicyDocument {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] }
}
