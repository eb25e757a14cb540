import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../core/errors.ts'
import { unknownValue } from '../../../infra/audit/model.ts'
import { type ResolverOptions, TemplateResolver } from '../../../infra/audit/resolver.ts'
import { checkTemplate } from '../../../infra/audit/template/document.ts'

const resources = {
  Stream: { Type: 'AWS::Kinesis::Stream', Properties: { Name: 'orders' } },
  Unnamed: { Type: 'AWS::Kinesis::Stream' },
  Key: { Type: 'AWS::KMS::Key' },
  Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Sub': `\${AWS::AccountId}-sink` } } },
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
  Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'writer', Path: '/data/' } },
  Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'leases' } },
  Delivery: { Type: 'AWS::KinesisFirehose::DeliveryStream', Properties: { DeliveryStreamName: 'to-s3' } },
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/sink' } },
  Transform: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'open' } },
  Live: {
    Type: 'AWS::Lambda::Alias',
    Properties: { FunctionName: { Ref: 'Transform' }, Name: 'live' }
  },
  ByArn: {
    Type: 'AWS::Lambda::Version',
    Properties: { FunctionName: { 'Fn::GetAtt': ['Transform', 'Arn'] } }
  },
  FanOut: {
    Type: 'AWS::Kinesis::StreamConsumer',
    Properties: { StreamARN: { 'Fn::GetAtt': ['Stream', 'Arn'] }, ConsumerName: 'reader' }
  },
  Endpoint: { Type: 'AWS::EC2::VPCEndpoint' },
  Alias: { Type: 'AWS::KMS::Alias', Properties: { AliasName: 'alias/orders' } },
  Managed: { Type: 'AWS::IAM::ManagedPolicy', Properties: { ManagedPolicyName: 'all' } },
  Rare: { Type: 'AWS::AppSync::GraphQLApi' },
  Custom: { Type: 'Custom::Thing' }
}

const template = {
  Resources: resources,
  Parameters: {
    Name: { Type: 'String', Default: 'orders' },
    Names: { Type: 'CommaDelimitedList', Default: 'a, b' },
    Empty: { Type: 'String' },
    Version: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/version' }
  },
  Mappings: { Regions: { 'us-east-1': { zones: 3, names: ['x', 'y'] } } },
  Conditions: {
    IsEast: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
    IsWest: { 'Fn::Not': [{ Condition: 'IsEast' }] },
    IsTold: { 'Fn::Equals': [{ Ref: 'Empty' }, ''] },
    Both: { 'Fn::And': [{ Condition: 'IsEast' }, { Condition: 'IsWest' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsWest' }, { Condition: 'IsEast' }] },
    AnyWay: { 'Fn::Or': [{ Condition: 'IsTold' }, { Condition: 'IsEast' }] },
    NoWay: { 'Fn::And': [{ Condition: 'IsTold' }, { Condition: 'IsWest' }] },
    NotTold: { 'Fn::And': [{ Condition: 'IsTold' }, { Condition: 'IsEast' }] }
  }
}

function resolver(options: ResolverOptions = {}, more: object = {}): TemplateResolver {
  return new TemplateResolver(checkTemplate({ ...template, ...more }), options)
}

const resolve = (value: unknown, options?: ResolverOptions): unknown => resolver(options).resolve(value, 'at')

describe('TemplateResolver', () => {
  it.each([
    ['Stream', 'arn:aws:kinesis:us-east-1:123456789012:stream/orders', 'orders'],
    ['Unnamed', 'arn:aws:kinesis:us-east-1:123456789012:stream/Unnamed', 'Unnamed'],
    ['Key', 'arn:aws:kms:us-east-1:123456789012:key/Key', 'Key'],
    ['Bucket', 'arn:aws:s3:::123456789012-sink', '123456789012-sink'],
    [
      'Queue',
      'arn:aws:sqs:us-east-1:123456789012:dead',
      'https://sqs.us-east-1.amazonaws.com/123456789012/dead'
    ],
    ['Role', 'arn:aws:iam::123456789012:role/data/writer', 'writer'],
    ['Table', 'arn:aws:dynamodb:us-east-1:123456789012:table/leases', 'leases'],
    ['Delivery', 'arn:aws:firehose:us-east-1:123456789012:deliverystream/to-s3', 'to-s3'],
    ['Transform', 'arn:aws:lambda:us-east-1:123456789012:function:open', 'open'],
    ['Endpoint', 'arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/Endpoint', 'Endpoint'],
    ['Rare', 'arn:aws:appsync:us-east-1:123456789012:graphqlapi/Rare', 'Rare']
  ])('gives %s one ARN, by GetAtt in both forms and in Sub, and its Ref', (id, arn, ref) => {
    expect(resolver().arnOf(id)).toBe(arn)
    expect(resolve({ 'Fn::GetAtt': [id, 'Arn'] })).toBe(arn)
    expect(resolve({ 'Fn::GetAtt': `${id}.Arn` })).toBe(arn)
    expect(resolve({ 'Fn::Sub': `\${${id}.Arn}` })).toBe(arn)
    expect(resolve({ Ref: id })).toBe(ref)
    expect(resolve({ 'Fn::Sub': `<\${${id}}>` })).toBe(`<${ref}>`)
  })

  it('gives the ARN for the Ref of what has no other name', () => {
    expect(resolve({ Ref: 'Live' })).toBe('arn:aws:lambda:us-east-1:123456789012:function:open:live')
    expect(resolve({ Ref: 'ByArn' })).toBe('arn:aws:lambda:us-east-1:123456789012:function:open:ByArn')
    expect(resolve({ Ref: 'FanOut' })).toBe(
      'arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/reader:0'
    )
    expect(resolve({ Ref: 'Managed' })).toBe('arn:aws:iam::123456789012:policy/all')
    expect(resolve({ Ref: 'Alias' })).toBe('alias/orders')
    expect(resolver().arnOf('Alias')).toBe('arn:aws:kms:us-east-1:123456789012:alias/orders')
  })

  it('knows attributes that are no ARN, and tells others apart by their name', () => {
    expect(resolve({ 'Fn::GetAtt': ['Logs', 'Arn'] })).toBe(
      'arn:aws:logs:us-east-1:123456789012:log-group:/sink:*'
    )
    expect(resolver().arnOf('Logs')).toBe('arn:aws:logs:us-east-1:123456789012:log-group:/sink')
    expect(resolve({ 'Fn::GetAtt': ['Table', 'StreamArn'] })).toMatch(/table\/leases\/stream\/0$/)
    expect(resolve({ 'Fn::GetAtt': ['Queue', 'QueueName'] })).toBe('dead')
    expect(resolve({ 'Fn::GetAtt': ['Key', 'KeyId'] })).toBe('Key')
    expect(resolve({ 'Fn::GetAtt': ['FanOut', 'ConsumerARN'] })).toMatch(/consumer\/reader:0$/)
    expect(resolve({ 'Fn::GetAtt': ['Bucket', 'DomainName'] })).toBe('Bucket.DomainName')
  })

  it.each([
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Name' }, 1]] }, 'a-orders-1'],
    [{ 'Fn::Join': ['', { 'Fn::Split': [',', 'a,b'] }] }, 'ab'],
    [{ 'Fn::Sub': [`\${Of}/\${!Literal}/\${Name}`, { Of: { Ref: 'Stream' } }] }, `orders/\${Literal}/orders`],
    [{ 'Fn::Sub': `\${aws:username}` }, unknownValue],
    [{ 'Fn::Select': ['1', { 'Fn::Split': ['/', { 'Fn::GetAtt': ['Stream', 'Arn'] }] }] }, 'orders'],
    [{ 'Fn::Select': [0, { Ref: 'Names' }] }, 'a'],
    [{ 'Fn::FindInMap': ['Regions', { Ref: 'AWS::Region' }, 'zones'] }, 3],
    [{ 'Fn::FindInMap': ['Regions', 'eu-west-1', 'zones', { DefaultValue: 2 }] }, 2],
    [{ 'Fn::Base64': 'a' }, 'YQ=='],
    [{ Ref: 'Names' }, ['a', 'b']],
    [{ Ref: 'AWS::Partition' }, 'aws'],
    [{ 'Fn::If': ['IsEast', 'east', 'west'] }, 'east'],
    [{ 'Fn::If': ['IsWest', 'west', { 'Fn::If': ['Either', 'either', 'none'] }] }, 'either'],
    [{ 'Fn::If': ['Both', 1, 2] }, 2],
    // One that cannot be told does not matter where another decides.
    [{ 'Fn::If': ['AnyWay', 1, 2] }, 1],
    [{ 'Fn::If': ['NoWay', 1, 2] }, 2],
    [{ 'Fn::If': ['NotTold', 1, 2] }, unknownValue]
  ])('carries out %j', (value, expected) => {
    expect(resolve(value)).toEqual(expected)
  })

  it('leaves out members and items that have no value', () => {
    const none = { Ref: 'AWS::NoValue' }
    expect(resolve({ a: none, b: [1, none, { 'Fn::If': ['IsEast', none, 2] }] })).toEqual({ b: [1] })
    expect(resolve({ 'Fn::Join': [',', ['a', none, 'b']] })).toBe('a,b')
    expect(resolve(none)).toBeUndefined()
  })

  it('takes account, region, parameters and imports from outside', () => {
    const options = {
      accountId: '111122223333',
      region: 'cn-north-1',
      stackName: 'live',
      parameters: { Empty: 'told', Name: 'other', Version: '12' },
      imports: { 'shared-key': 'arn:of:key' }
    }
    expect(resolve({ 'Fn::Sub': `\${AWS::StackName} \${Empty} \${Name} \${Version}` }, options)).toBe(
      'live told other 12'
    )
    expect(resolve({ 'Fn::ImportValue': 'shared-key' }, options)).toBe('arn:of:key')
    expect(resolver(options).arnOf('Stream')).toBe('arn:aws-cn:kinesis:cn-north-1:111122223333:stream/orders')
    expect(resolve({ Ref: 'AWS::URLSuffix' }, options)).toBe('amazonaws.com.cn')
    expect(resolver({ region: 'us-gov-west-1' }).arnOf('Bucket')).toMatch(/^arn:aws-us-gov:s3/)
  })

  it.each([
    [{ Ref: 'Empty' }, 'parameter Empty has no value'],
    [{ Ref: 'Version' }, 'parameter Version has no value'],
    [{ Ref: 'Nowhere' }, 'there is no resource or parameter Nowhere'],
    [{ Ref: 'toString' }, 'there is no resource or parameter toString'],
    [{ Ref: 'AWS::Moon' }, 'AWS::Moon is not known here'],
    [{ 'Fn::GetAtt': ['Nowhere', 'Arn'] }, 'there is no resource Nowhere'],
    [
      { 'Fn::GetAtt': ['Custom', 'Key'] },
      'Custom is a Custom::Thing: what it answers is not in the template'
    ],
    [{ 'Fn::ImportValue': 'x' }, 'x is exported by another stack'],
    [{ 'Fn::Transform': { Name: 'x' } }, 'Fn::Transform is not known here'],
    [{ 'Fn::FindInMap': ['Regions', 'eu', 'zones'] }, 'Fn::FindInMap: there is no Regions.eu.zones'],
    [{ 'Fn::Select': [2, ['a']] }, 'Fn::Select: there is no item 2'],
    [{ 'Fn::If': ['IsTold', 1, 2] }, 'condition IsTold cannot be told'],
    [{ 'Fn::If': ['Nowhere', 1, 2] }, 'condition Nowhere cannot be told']
  ])('cannot tell %j, and says where and why', (value, reason) => {
    const subject = resolver()
    expect(subject.resolve({ a: [value] }, 'Resources.X')).toEqual({ a: [unknownValue] })
    expect(subject.unresolved).toContainEqual({
      location: expect.stringMatching(/^Resources\.X\.a\[0\]/),
      reason
    })
  })

  it.each([
    { 'Fn::Join': ['-', ['a', { Ref: 'Empty' }]] },
    { 'Fn::Join': ['-', { Ref: 'Empty' }] },
    { 'Fn::Sub': `a-\${Empty}` },
    { 'Fn::Sub': [`\${X}`, { X: { Ref: 'Empty' } }] },
    { 'Fn::Select': [0, [{ Ref: 'Empty' }]] },
    { 'Fn::Split': [',', { Ref: 'Empty' }] },
    { 'Fn::FindInMap': ['Regions', { Ref: 'Empty' }, 'zones'] },
    { 'Fn::ImportValue': { Ref: 'Empty' } },
    { 'Fn::Base64': { Ref: 'Empty' } }
  ])('makes nothing of what cannot be told: %j', value => {
    expect(resolve(value)).toBe(unknownValue)
  })

  it('keeps a resource whose condition cannot be told, and leaves out one whose does not hold', () => {
    const conditional = (Condition: string) => ({ Type: 'AWS::SNS::Topic', Condition })
    const subject = resolver(
      {},
      {
        Resources: { East: conditional('IsEast'), West: conditional('IsWest'), Maybe: conditional('IsTold') }
      }
    )
    expect(['East', 'West', 'Maybe'].filter(id => subject.isPresent(id))).toEqual(['East', 'Maybe'])
    expect(subject.unresolved.map(({ location }) => location)).toContain('Resources.Maybe.Condition')
  })

  it('says which macros were not run', () => {
    expect(resolver({}, { Transform: 'AWS::Serverless-2016-10-31' }).unresolved).toEqual([
      { location: 'Transform', reason: 'AWS::Serverless-2016-10-31 is not run' }
    ])
  })

  it.each([
    [{ 'Fn::Join': 'x' }, 'Fn::Join: expected a list'],
    [{ 'Fn::Join': [',', 'x'] }, 'Fn::Join: expected a delimiter and a list'],
    [{ 'Fn::Sub': {} }, 'Fn::Sub: expected a list'],
    [{ 'Fn::Split': ['', 'x'] }, 'Fn::Split: expected a delimiter and a text'],
    [{ 'Fn::Select': [0, 'x'] }, 'Fn::Select: expected an index and a list']
  ])('refuses %j', (value, message) => {
    expect(() => resolve(value)).toThrow(InvalidOptionError)
    expect(() => resolve(value)).toThrow(message)
  })

  it('refuses names and conditions that rest on themselves', () => {
    const named = (of: string) => ({ Type: 'AWS::S3::Bucket', Properties: { BucketName: { Ref: of } } })
    const circular = resolver({}, { Resources: { A: named('B'), B: named('A') } })
    expect(() => circular.arnOf('A')).toThrow('option template.Resources.A: rests on itself')
    const conditions = { A: { Condition: 'B' }, B: { 'Fn::Not': [{ Condition: 'A' }] } }
    const looped = resolver({}, { Conditions: conditions })
    expect(() => looped.resolve({ 'Fn::If': ['A', 1, 2] }, 'at')).toThrow(
      'option template.Conditions.A: rests on itself'
    )
  })

  it('refuses what is nested too deep, and names that grow without end', () => {
    let nested: unknown = 'x'
    for (let depth = 0; depth < 200; depth += 1) nested = [nested]
    expect(() => resolve(nested)).toThrow('is nested deeper than 100 levels')
    const doubling = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `B${index}`,
        {
          Type: 'AWS::S3::Bucket',
          Properties: { BucketName: { 'Fn::Sub': index === 0 ? 'x' : `\${B${index - 1}}\${B${index - 1}}` } }
        }
      ])
    )
    expect(() => resolver({}, { Resources: doubling }).arnOf('B59')).toThrow(
      'becomes longer than 100000 characters'
    )
  })
})

describe('checkTemplate', () => {
  it.each([
    [undefined, 'option template: expected an object'],
    [[], 'option template: expected an object'],
    [{}, 'option template.Resources: is missing'],
    [{ Resources: [] }, 'option template.Resources: expected an object'],
    [{ Resources: { A: 1 } }, 'option template.Resources.A: expected an object'],
    [{ Resources: { A: {} } }, 'option template.Resources.A.Type: expected a string, found undefined'],
    [{ Resources: { A: { Type: 'T', Properties: [] } } }, 'option template.Resources.A.Properties:'],
    [{ Resources: { A: { Type: 'T', Condition: 1 } } }, 'option template.Resources.A.Condition:'],
    [{ Resources: {}, Parameters: 'x' }, 'option template.Parameters: expected an object']
  ])('refuses %j', (value, message) => {
    expect(() => checkTemplate(value)).toThrow(message)
  })
})
