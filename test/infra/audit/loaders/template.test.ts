import { describe, expect, it } from 'vitest'
import { unknownValue } from '../../../../infra/audit/model.ts'
import { modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const read = { Action: 'kinesis:GetRecords' }
const write = { Action: 'kinesis:PutRecords' }
const roleArn = (name: string) => `arn:aws:iam::123456789012:role/${name}`
const userArn = (name: string) => `arn:aws:iam::123456789012:user/${name}`

describe('loadTemplate', () => {
  it('has each resource with its ARN, its properties resolved, and where it stands', () => {
    const { resources, ...model } = modelOfTemplate({
      Stream: resource(
        'Kinesis::Stream',
        { StreamEncryption: { KeyId: { 'Fn::GetAtt': ['Key', 'Arn'] }, EncryptionType: { Ref: 'Nowhere' } } },
        { DeletionPolicy: 'Retain' }
      ),
      Key: resource('KMS::Key')
    })
    expect(resources[0]).toEqual({
      id: 'Stream',
      type: 'AWS::Kinesis::Stream',
      arn: 'arn:aws:kinesis:us-east-1:123456789012:stream/Stream',
      properties: {
        StreamEncryption: {
          KeyId: 'arn:aws:kms:us-east-1:123456789012:key/Key',
          EncryptionType: unknownValue
        }
      },
      deletionPolicy: 'Retain',
      location: 'Resources.Stream'
    })
    expect(model).toMatchObject({ source: 'template', accountId: '123456789012', region: 'us-east-1' })
    expect(model.unresolved).toHaveLength(1)
  })

  it('leaves out a resource whose condition does not hold, and its policies', () => {
    const { resources, resourcePolicies } = modelOfTemplate(
      { Key: resource('KMS::Key', {}, { Condition: 'Never' }) },
      { Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } } }
    )
    expect(resources).toEqual([])
    expect(resourcePolicies.size).toBe(0)
  })

  it('finds the permissions boundary of a role where its policy is here, and none of a user', () => {
    const boundary = { PermissionsBoundary: { Ref: 'Boundary' } }
    const { boundaries } = modelOfTemplate({
      Boundary: resource('IAM::ManagedPolicy', { PolicyDocument: policy(read) }),
      Bounded: resource('IAM::Role', boundary),
      ByAws: resource('IAM::Role', {
        PermissionsBoundary: 'arn:aws:iam::aws:policy/AmazonKinesisFullAccess'
      }),
      Elsewhere: resource('IAM::Role', {
        PermissionsBoundary: 'arn:aws:iam::123456789012:policy/of-others'
      }),
      Untold: resource('IAM::Role', { PermissionsBoundary: { 'Fn::ImportValue': 'boundary' } }),
      User: resource('IAM::User', boundary)
    })
    expect([...boundaries!].map(([arn, { document }]) => [arn, document.Statement[0]?.Action])).toEqual([
      [roleArn('Bounded'), 'kinesis:GetRecords'],
      [roleArn('ByAws'), 'kinesis:*']
    ])
  })

  it('finds what a role may do, wherever that is said', () => {
    const { identityPolicies, resourcePolicies, unreadablePolicies } = modelOfTemplate({
      Role: resource('IAM::Role', {
        RoleName: 'reader',
        AssumeRolePolicyDocument: policy({ Action: 'sts:AssumeRole' }),
        Policies: [{ PolicyName: 'inline', PolicyDocument: policy(read) }],
        ManagedPolicyArns: [{ Ref: 'Own' }, 'arn:aws:iam::aws:policy/AmazonKinesisFullAccess']
      }),
      Own: resource('IAM::ManagedPolicy', { PolicyDocument: policy(write), Roles: [{ Ref: 'Role' }] }),
      Attached: resource('IAM::Policy', {
        PolicyDocument: policy(read),
        Roles: [{ Ref: 'Role' }, 'elsewhere']
      }),
      Single: resource('IAM::RolePolicy', { PolicyDocument: policy(write), RoleName: 'reader' }),
      Idle: resource('IAM::Role'),
      User: resource('IAM::User', { Groups: [{ Ref: 'Group' }, 'of-others'] }),
      Robot: resource('IAM::User'),
      Group: resource('IAM::Group', { Policies: [{ PolicyName: 'shared', PolicyDocument: policy(read) }] }),
      OfGroup: resource('IAM::GroupPolicy', { GroupName: { Ref: 'Group' }, PolicyDocument: policy(write) }),
      Joining: resource('IAM::UserToGroupAddition', {
        GroupName: { Ref: 'Group' },
        Users: [{ Ref: 'Robot' }]
      }),
      OfUser: resource('IAM::UserPolicy', { UserName: { Ref: 'User' }, PolicyDocument: policy(read) })
    })
    const names = (arn: string) => identityPolicies.get(arn)?.map(({ name }) => name)
    expect(names(roleArn('reader'))).toEqual([
      'Role.inline',
      'Own.PolicyDocument',
      'arn:aws:iam::aws:policy/AmazonKinesisFullAccess',
      'Attached.PolicyDocument',
      'Single.PolicyDocument'
    ])
    expect(names(roleArn('elsewhere'))).toEqual(['Attached.PolicyDocument'])
    expect(names(roleArn('Idle'))).toEqual([])
    // A user has what its groups have, and what a group that is not here allows cannot be told.
    const ofGroup = ['Group.shared', 'OfGroup.PolicyDocument']
    expect(names(userArn('User'))).toEqual(['OfUser.PolicyDocument', ...ofGroup])
    expect(names(userArn('Robot'))).toEqual(ofGroup)
    expect(unreadablePolicies?.get(userArn('User'))).toEqual([
      { location: 'Resources.User.Groups', reason: 'what this group allows is not here' }
    ])
    expect(unreadablePolicies?.get(userArn('Robot'))).toBeUndefined()
    expect(resourcePolicies.get(roleArn('reader'))?.document.Statement).toEqual([
      { Effect: 'Allow', Resource: '*', Action: 'sts:AssumeRole' }
    ])
  })

  it('finds the policies of resources, by their ARN', () => {
    const { resourcePolicies } = modelOfTemplate({
      Key: resource('KMS::Key', { KeyPolicy: policy(read) }),
      Plain: resource('KMS::Key'),
      Bucket: resource('S3::Bucket', { BucketName: 'sink' }),
      OfBucket: resource('S3::BucketPolicy', { Bucket: { Ref: 'Bucket' }, PolicyDocument: policy(read) }),
      MoreOfBucket: resource('S3::BucketPolicy', { Bucket: 'sink', PolicyDocument: policy(write) }),
      Queue: resource('SQS::Queue'),
      OfQueue: resource('SQS::QueuePolicy', { Queues: [{ Ref: 'Queue' }], PolicyDocument: policy(read) }),
      Stream: resource('Kinesis::Stream'),
      OfStream: resource('Kinesis::ResourcePolicy', {
        ResourceArn: { 'Fn::GetAtt': ['Stream', 'Arn'] },
        ResourcePolicy: policy(read)
      }),
      Table: resource('DynamoDB::Table', { ResourcePolicy: { PolicyDocument: policy(read) } }),
      Endpoint: resource('EC2::VPCEndpoint', { PolicyDocument: JSON.stringify(policy(read)) }),
      Open: resource('EC2::VPCEndpoint')
    })
    const count = Object.fromEntries(
      [...resourcePolicies].map(([arn, { document }]) => [arn, document.Statement.length] as const)
    )
    expect(count).toEqual({
      'arn:aws:kms:us-east-1:123456789012:key/Key': 1,
      'arn:aws:kms:us-east-1:123456789012:key/Plain': 1,
      'arn:aws:s3:::sink': 2,
      'arn:aws:sqs:us-east-1:123456789012:Queue': 1,
      'arn:aws:kinesis:us-east-1:123456789012:stream/Stream': 1,
      'arn:aws:dynamodb:us-east-1:123456789012:table/Table': 1,
      'arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/Endpoint': 1
    })
    // A key without a policy gets the one that leaves everything to IAM.
    expect(
      resourcePolicies.get('arn:aws:kms:us-east-1:123456789012:key/Plain')?.document.Statement[0]
    ).toMatchObject({ Principal: { AWS: 'arn:aws:iam::123456789012:root' }, Action: 'kms:*' })
  })

  it('turns permissions of a function into its policy', () => {
    const { resourcePolicies } = modelOfTemplate({
      Function: resource('Lambda::Function'),
      ByService: resource('Lambda::Permission', {
        FunctionName: { Ref: 'Function' },
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
        SourceArn: 'arn:aws:s3:::sink',
        SourceAccount: '123456789012'
      }),
      ByAnyone: resource('Lambda::Permission', {
        FunctionName: { 'Fn::GetAtt': ['Function', 'Arn'] },
        Action: 'lambda:InvokeFunctionUrl',
        Principal: '*',
        FunctionUrlAuthType: 'NONE'
      })
    })
    const arn = 'arn:aws:lambda:us-east-1:123456789012:function:Function'
    expect(resourcePolicies.get(arn)?.document.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: 'lambda:InvokeFunction',
        Resource: arn,
        Condition: {
          StringEquals: { 'AWS:SourceAccount': '123456789012' },
          ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::sink' }
        }
      },
      {
        Effect: 'Allow',
        Principal: '*',
        Action: 'lambda:InvokeFunctionUrl',
        Resource: arn,
        Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } }
      }
    ])
  })

  it('tells of policies that it cannot read, and reads the others', () => {
    const model = modelOfTemplate({
      Role: resource('IAM::Role', {
        Policies: [
          { PolicyName: 'good', PolicyDocument: policy(read) },
          { PolicyName: 'broken', PolicyDocument: policy({ Effect: 'Maybe', Action: 'x' }) },
          { PolicyName: 'both', PolicyDocument: policy({ Action: 'x', NotAction: 'y' }) },
          { PolicyName: 'partly', PolicyDocument: policy(write, { ...read, Resource: { Ref: 'Nowhere' } }) },
          // What it denies is not known, and so neither is what is allowed.
          {
            PolicyName: 'deny',
            PolicyDocument: policy({ ...read, Effect: 'Deny', Resource: { Ref: 'Nowhere' } }, write)
          }
        ],
        ManagedPolicyArns: ['arn:aws:iam::aws:policy/AWSSupportAccess']
      }),
      Endpoint: resource('EC2::VPCEndpoint', { PolicyDocument: '{' })
    })
    expect(model.identityPolicies.get(roleArn('Role'))?.map(({ name }) => name)).toEqual([
      'Role.good',
      'Role.partly'
    ])
    expect(model.identityPolicies.get(roleArn('Role'))?.[1]?.document.Statement).toHaveLength(1)
    expect(model.unreadablePolicies?.get(roleArn('Role'))).toEqual([
      {
        location: 'Resources.Role.Policies[1].PolicyDocument.Statement[0].Effect',
        reason: "expected 'Allow' or 'Deny'"
      },
      {
        location: 'Resources.Role.Policies[2].PolicyDocument.Statement[0].NotAction',
        reason: 'cannot stand beside Action'
      },
      {
        location: 'Resources.Role.Policies[3].PolicyDocument.Statement[1].Resource',
        reason: 'cannot be told',
        onlyAllows: true
      },
      {
        location: 'Resources.Role.Policies[4].PolicyDocument.Statement[0].Resource',
        reason: 'cannot be told'
      },
      { location: 'Resources.Role.ManagedPolicyArns[0]', reason: 'what this policy allows is not here' }
    ])
    expect(model.unreadablePolicies?.get('arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/Endpoint')).toEqual(
      [{ location: 'Resources.Endpoint.PolicyDocument', reason: 'is no JSON' }]
    )
  })
})
