/** Where a template stands: what the pseudo parameters say. */
export interface TemplateScope {
  readonly partition: string
  readonly region: string
  readonly accountId: string
}

interface NamingRule {
  /** Property that names it; undefined for what only the service names. */
  readonly nameIn?: string
  /** After `arn:<partition>:`, with {region}, {account}, {path} and {name}. */
  readonly arn: string
  /** What `Ref` gives. @default 'name' */
  readonly ref?: 'name' | 'arn' | 'queueUrl'
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/ says of each type what Ref and GetAtt give,
// https://docs.aws.amazon.com/service-authorization/latest/reference/ how its ARN is made.
const rules: Readonly<Record<string, NamingRule>> = {
  'AWS::Kinesis::Stream': { nameIn: 'Name', arn: 'kinesis:{region}:{account}:stream/{name}' },
  'AWS::KMS::Key': { arn: 'kms:{region}:{account}:key/{name}' },
  'AWS::KMS::ReplicaKey': { arn: 'kms:{region}:{account}:key/{name}' },
  'AWS::KMS::Alias': { nameIn: 'AliasName', arn: 'kms:{region}:{account}:{name}' },
  'AWS::S3::Bucket': { nameIn: 'BucketName', arn: 's3:::{name}' },
  'AWS::IAM::Role': { nameIn: 'RoleName', arn: 'iam::{account}:role{path}{name}' },
  'AWS::IAM::User': { nameIn: 'UserName', arn: 'iam::{account}:user{path}{name}' },
  'AWS::IAM::Group': { nameIn: 'GroupName', arn: 'iam::{account}:group{path}{name}' },
  'AWS::IAM::ManagedPolicy': {
    nameIn: 'ManagedPolicyName',
    arn: 'iam::{account}:policy{path}{name}',
    ref: 'arn'
  },
  'AWS::SQS::Queue': { nameIn: 'QueueName', arn: 'sqs:{region}:{account}:{name}', ref: 'queueUrl' },
  'AWS::SNS::Topic': { nameIn: 'TopicName', arn: 'sns:{region}:{account}:{name}', ref: 'arn' },
  'AWS::DynamoDB::Table': { nameIn: 'TableName', arn: 'dynamodb:{region}:{account}:table/{name}' },
  'AWS::DynamoDB::GlobalTable': { nameIn: 'TableName', arn: 'dynamodb:{region}:{account}:table/{name}' },
  'AWS::KinesisFirehose::DeliveryStream': {
    nameIn: 'DeliveryStreamName',
    arn: 'firehose:{region}:{account}:deliverystream/{name}'
  },
  'AWS::Logs::LogGroup': { nameIn: 'LogGroupName', arn: 'logs:{region}:{account}:log-group:{name}' },
  'AWS::Lambda::Function': { nameIn: 'FunctionName', arn: 'lambda:{region}:{account}:function:{name}' },
  'AWS::EC2::VPC': { arn: 'ec2:{region}:{account}:vpc/{name}' },
  'AWS::EC2::Subnet': { arn: 'ec2:{region}:{account}:subnet/{name}' },
  'AWS::EC2::SecurityGroup': { arn: 'ec2:{region}:{account}:security-group/{name}' },
  'AWS::EC2::RouteTable': { arn: 'ec2:{region}:{account}:route-table/{name}' },
  'AWS::EC2::VPCEndpoint': { arn: 'ec2:{region}:{account}:vpc-endpoint/{name}' },
  // The service adds a hyphen and six characters, for which policies write -??????.
  'AWS::SecretsManager::Secret': {
    nameIn: 'Name',
    arn: 'secretsmanager:{region}:{account}:secret:{name}-000000',
    ref: 'arn'
  },
  'AWS::SSM::Parameter': { nameIn: 'Name', arn: 'ssm:{region}:{account}:parameter/{name}' },
  'AWS::Events::Rule': { nameIn: 'Name', arn: 'events:{region}:{account}:rule/{name}' },
  'AWS::CloudWatch::Alarm': { nameIn: 'AlarmName', arn: 'cloudwatch:{region}:{account}:alarm:{name}' },
  'AWS::OpenSearchService::Domain': { nameIn: 'DomainName', arn: 'es:{region}:{account}:domain/{name}' },
  'AWS::Elasticsearch::Domain': { nameIn: 'DomainName', arn: 'es:{region}:{account}:domain/{name}' },
  'AWS::Redshift::Cluster': {
    nameIn: 'ClusterIdentifier',
    arn: 'redshift:{region}:{account}:cluster:{name}'
  },
  'AWS::RDS::DBCluster': { nameIn: 'DBClusterIdentifier', arn: 'rds:{region}:{account}:cluster:{name}' },
  'AWS::RDS::DBInstance': { nameIn: 'DBInstanceIdentifier', arn: 'rds:{region}:{account}:db:{name}' },
  'AWS::RDS::DBClusterParameterGroup': {
    nameIn: 'DBClusterParameterGroupName',
    arn: 'rds:{region}:{account}:cluster-pg:{name}'
  },
  'AWS::RDS::DBParameterGroup': { nameIn: 'DBParameterGroupName', arn: 'rds:{region}:{account}:pg:{name}' },
  'AWS::Redshift::ClusterParameterGroup': {
    nameIn: 'ParameterGroupName',
    arn: 'redshift:{region}:{account}:parametergroup:{name}'
  },
  'AWS::CloudHSM::Cluster': { arn: 'cloudhsm:{region}:{account}:cluster/{name}' },
  'AWS::KinesisAnalyticsV2::Application': {
    nameIn: 'ApplicationName',
    arn: 'kinesisanalytics:{region}:{account}:application/{name}'
  },
  'AWS::IoT::Thing': { nameIn: 'ThingName', arn: 'iot:{region}:{account}:thing/{name}' },
  'AWS::IoT::ThingGroup': { nameIn: 'ThingGroupName', arn: 'iot:{region}:{account}:thinggroup/{name}' },
  'AWS::IoT::Policy': { nameIn: 'PolicyName', arn: 'iot:{region}:{account}:policy/{name}' },
  'AWS::IoT::Certificate': { arn: 'iot:{region}:{account}:cert/{name}' },
  'AWS::IoT::TopicRule': { nameIn: 'RuleName', arn: 'iot:{region}:{account}:rule/{name}' },
  'AWS::Glue::Connection': { nameIn: 'Name', arn: 'glue:{region}:{account}:connection/{name}' },
  'AWS::Glue::Crawler': { nameIn: 'Name', arn: 'glue:{region}:{account}:crawler/{name}' },
  'AWS::Glue::Job': { nameIn: 'Name', arn: 'glue:{region}:{account}:job/{name}' },
  // It has no ARN in policies; one all the same, by which it is found.
  'AWS::Glue::SecurityConfiguration': {
    nameIn: 'Name',
    arn: 'glue:{region}:{account}:security-configuration/{name}'
  },
  'AWS::Glue::DataCatalogEncryptionSettings': { arn: 'glue:{region}:{account}:catalog' }
}

/** The property that names a resource of this type; undefined for one that only the service names. */
export function namePropertyOf(type: string): string | undefined {
  return ruleOf(type).nameIn
}

/** ARN of a resource of this type. `name` is its logical id where nothing names it: an ARN of its own all the same. */
export function resourceArn(type: string, name: string, scope: TemplateScope, path = '/'): string {
  return `arn:${scope.partition}:${ruleOf(type).arn}`
    .replace('{region}', scope.region)
    .replace('{account}', scope.accountId)
    .replace('{path}', () => path)
    .replace('{name}', () => (type === 'AWS::SSM::Parameter' ? name.replace(/^\//, '') : name))
}

/** What `Ref` gives for a resource of this type. */
export function resourceRef(type: string, name: string, arn: string, scope: TemplateScope): string {
  switch (ruleOf(type).ref ?? 'name') {
    case 'name':
      return name
    case 'arn':
      return arn
    case 'queueUrl':
      return `https://sqs.${scope.region}.${urlSuffixOf(scope)}/${scope.accountId}/${name}`
  }
}

export function urlSuffixOf({ partition }: TemplateScope): string {
  return partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/**
 * What `Fn::GetAtt` gives. An attribute whose value only the service tells is the text `<logical id>.<attribute>`: not the
 * value, but the same wherever the same is meant.
 */
export function resourceAttribute(
  { id, type, name, arn }: { id: string; type: string; name: string; arn: string },
  attribute: string
): string {
  switch (`${type}.${attribute}`) {
    case 'AWS::Logs::LogGroup.Arn':
      return `${arn}:*`
    case 'AWS::DynamoDB::Table.StreamArn':
    case 'AWS::DynamoDB::GlobalTable.StreamArn':
      return `${arn}/stream/0`
    case 'AWS::KMS::Key.KeyId':
    case 'AWS::SQS::Queue.QueueName':
    case 'AWS::SNS::Topic.TopicName':
    case 'AWS::EC2::SecurityGroup.GroupId':
    case 'AWS::EC2::VPC.VpcId':
      return name
  }
  const last = type.slice(type.lastIndexOf(':') + 1)
  // Such as Arn, TopicArn, StreamARN, ConsumerARN, DomainArn, PolicyArn.
  const isArn =
    /^(Arn|ARN)$/.test(attribute) || (/(Arn|ARN)$/.test(attribute) && last.includes(attribute.slice(0, -3)))
  return isArn ? arn : `${id}.${attribute}`
}

function ruleOf(type: string): NamingRule {
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined
  if (rule !== undefined) return rule
  const [, service = 'custom', kind = 'resource'] = type.split('::')
  return { arn: `${service.toLowerCase()}:{region}:{account}:${kind.toLowerCase()}/{name}` }
}
