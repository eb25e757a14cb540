import { describe, expect, it } from 'vitest'
import { lambdaControls } from '../../../../infra/audit/controls/lambda/index.ts'
import { lam02 } from '../../../../infra/audit/controls/lambda/lam-02.ts'
import {
  isReference,
  isSecretName,
  looksLikeSecret
} from '../../../../infra/audit/controls/lambda/secret-shapes.ts'
import { describeControl, modelOfTemplate, policy, resource } from '../../../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] })
const control = (id: string) => lambdaControls.find(each => each.id === id)!

const lambda = (properties = {}) =>
  resource('Lambda::Function', { FunctionName: 'open', Role: arnOf('Role'), ...properties })
const role = (...statements: readonly Record<string, unknown>[]) =>
  resource('IAM::Role', { Policies: [{ PolicyName: 'own', PolicyDocument: policy(...statements) }] })
const delivery = resource('KinesisFirehose::DeliveryStream', {
  ExtendedS3DestinationConfiguration: {
    ProcessingConfiguration: {
      Enabled: true,
      Processors: [
        {
          Type: 'Lambda',
          Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: { 'Fn::Sub': '${Function.Arn}:live' } }]
        }
      ]
    }
  }
})
const mapping = (properties = {}) =>
  resource('Lambda::EventSourceMapping', {
    EventSourceArn: `arn:aws:kinesis:${at}:stream/orders`,
    FunctionName: { Ref: 'Function' },
    ...properties
  })
const opens = { Action: 'kms:Decrypt', Resource: `arn:aws:kms:${at}:key/EnvelopeKey` }

describeControl(control('LAM-01'), [
  {
    title: 'passes for a transform that opens records and writes nowhere',
    resources: { Function: lambda(), Role: role(opens), Delivery: delivery },
    findings: { Function: 'pass' }
  },
  {
    title: 'passes for a transform whose wildcard is taken back by a deny',
    resources: {
      Function: lambda(),
      Role: role(
        { Action: '*' },
        {
          Effect: 'Deny',
          Action: ['kinesis:Put*', 's3:Put*', 'firehose:Put*', 'sqs:SendMessage']
        }
      ),
      Delivery: delivery
    },
    findings: { Function: 'pass' }
  },
  {
    title: 'fails for a transform that may put objects into a bucket',
    resources: {
      Function: lambda(),
      Role: role(opens, { Action: 's3:PutObject', Resource: 'arn:aws:s3:::side-door/*' }),
      Delivery: delivery,
      Bucket: resource('S3::Bucket', { BucketName: 'side-door' })
    },
    findings: { Function: 'fail' },
    evidence: /^Role may s3:PutObject$/
  },
  {
    title: 'fails for functions that share a role',
    resources: { Function: lambda(), Other: lambda({ FunctionName: 'other' }), Role: role(opens) },
    findings: { Function: 'fail', Other: 'fail' },
    evidence: /^shares its role with Other\nshares its role with Function$/
  },
  {
    title: 'lets a function that is no transform write',
    resources: { Function: lambda(), Role: role({ Action: 'sqs:SendMessage' }), Mapping: mapping() },
    findings: { Function: 'pass' }
  },
  {
    title: 'does not decide on a role that is not here, or cannot be told',
    resources: {
      Function: lambda({ Role: 'arn:aws:iam::123456789012:role/elsewhere' }),
      Unknown: lambda({ FunctionName: 'unknown', Role: { 'Fn::ImportValue': 'role' } }),
      Delivery: delivery
    },
    findings: { Function: 'error', Unknown: 'error' }
  }
])

const variables = (Variables: unknown) => lambda({ Environment: { Variables } })

describeControl(control('LAM-02'), [
  {
    title: 'passes for names and ARNs of secrets, and for what is none',
    resources: {
      Function: variables({
        STREAM: 'orders',
        SPLUNK_TOKEN_ARN: `arn:aws:secretsmanager:${at}:secret:splunk-AbCdEf`,
        SPLUNK_TOKEN: '/orders/splunk-token',
        TOKEN_TTL_SECONDS: '300',
        SECRET: { Ref: 'Secret' }
      }),
      None: lambda({ FunctionName: 'none' }),
      Role: role(),
      Secret: resource('SecretsManager::Secret', { Name: 'splunk' })
    },
    findings: { Function: 'pass', None: 'pass' }
  },
  {
    title: 'fails for a password, and for a secret that CloudFormation puts in',
    resources: {
      Named: variables({ DB_PASSWORD: 'not-to-be-told' }),
      Resolved: variables({ CONFIG: '{{resolve:secretsmanager:orders:SecretString:password}}' })
    },
    findings: { Named: 'fail', Resolved: 'fail' },
    evidence: /^DB_PASSWORD holds what looks like a secret\nCONFIG holds/
  },
  {
    title: 'does not decide on a parameter that nobody sees, or on variables that cannot be told',
    resources: {
      Parameter: variables({ splunkToken: { Ref: 'Token' } }),
      All: variables({ 'Fn::ImportValue': 'variables' })
    },
    template: { Parameters: { Token: { Type: 'String', NoEcho: true } } },
    findings: { Parameter: 'error', All: 'error' }
  }
])

describe('LAM-02, what looks like a secret', () => {
  it.each([
    ['password', true],
    ['DB_PASSWORD', true],
    ['apiKey', true],
    ['splunkHecToken', true],
    ['AWS_SECRET_ACCESS_KEY', true],
    ['SECRET_ARN', false],
    ['TOKEN_TABLE', false],
    ['secretName', false],
    ['TOKENIZER', false],
    ['PARTITION_KEY', false]
  ])('name %s: %s', (name, expected) => {
    expect(isSecretName(name)).toBe(expected)
  })

  it.each([
    ['an access key', `AKIA${'A'.repeat(16)}`, true],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----\nMHc', true],
    ['a web token', `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.c`, true],
    ['credentials in an address', 'postgres://loader:abc@db:5439/orders', true],
    ['a token that says whose it is', `ghp_${'a'.repeat(36)}`, true],
    ['an address', 'https://splunk:8088/services/collector', false],
    ['a public key', '-----BEGIN PUBLIC KEY-----', false],
    ['an ARN', `arn:aws:kms:${at}:key/EnvelopeKey`, false]
  ])('%s', (_, value, expected) => {
    expect(looksLikeSecret(value)).toBe(expected)
  })

  it('takes a ciphertext of KMS, a parameter and an ARN for references, and a password for none', () => {
    expect(isReference(`AQICAH${'x'.repeat(100)}==`)).toBe(true)
    expect(isReference('/orders/token')).toBe(true)
    expect(isReference(`arn:aws:ssm:${at}:parameter/orders/token`)).toBe(true)
    expect(isReference('correct horse')).toBe(false)
    expect(isReference('AQICAHshort')).toBe(false)
  })

  it('never tells a value', () => {
    const model = modelOfTemplate({ Function: variables({ PASSWORD: 'not-to-be-told' }) })
    expect(JSON.stringify(lam02.evaluate(model))).not.toContain('not-to-be-told')
  })
})

const permission = (properties: object) =>
  resource('Lambda::Permission', {
    Action: 'lambda:InvokeFunction',
    FunctionName: arnOf('Function'),
    ...properties
  })

describeControl(control('LAM-03'), [
  {
    title: 'passes without a permission, and for one that is bound to its source',
    resources: {
      Function: lambda(),
      Role: role(),
      Bucket: resource('S3::Bucket'),
      Permission: permission({
        Principal: 's3.amazonaws.com',
        SourceArn: arnOf('Bucket'),
        SourceAccount: '123456789012'
      }),
      Alone: lambda({ FunctionName: 'alone' })
    },
    findings: { Function: 'pass', Alone: 'pass' }
  },
  {
    title: 'fails for everybody',
    resources: { Function: lambda(), Permission: permission({ Principal: '*' }) },
    findings: { Function: 'fail' },
    evidence: /^any account may lambda:InvokeFunction/
  },
  {
    title: 'fails for a service without a source',
    resources: { Function: lambda(), Permission: permission({ Principal: 's3.amazonaws.com' }) },
    findings: { Function: 'fail' },
    evidence: /^s3.amazonaws.com may invoke it on behalf of any account$/
  },
  {
    title: 'fails for a permission of an alias, whose policy is its own',
    resources: {
      Function: lambda(),
      Permission: permission({ FunctionName: `arn:aws:lambda:${at}:function:open:live`, Principal: '*' })
    },
    findings: { Function: 'fail' }
  },
  {
    title: 'fails for an address that asks for no signature',
    resources: {
      Function: lambda(),
      Url: resource('Lambda::Url', { TargetFunctionArn: arnOf('Function'), AuthType: 'NONE' })
    },
    findings: { Function: 'fail' },
    evidence: /^Url answers whoever knows its address$/
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Function: lambda(),
      Permission: permission({ Principal: { 'Fn::ImportValue': 'who' } }),
      Other: lambda({ FunctionName: 'other' }),
      Url: resource('Lambda::Url', {
        TargetFunctionArn: arnOf('Other'),
        AuthType: { 'Fn::ImportValue': 'auth' }
      })
    },
    findings: { Function: 'error', Other: 'error' }
  }
])

const inVpc = { ReservedConcurrentExecutions: 10, VpcConfig: { SubnetIds: ['subnet-1', 'subnet-2'] } }

describeControl(control('LAM-04'), [
  {
    title: 'passes with a bound, in two subnets',
    resources: { Function: lambda(inVpc), Mapping: mapping() },
    findings: { Function: 'pass' }
  },
  {
    title: 'asks people about a function outside of a VPC',
    resources: { Function: lambda({ ReservedConcurrentExecutions: '5' }), Delivery: delivery },
    findings: { Function: 'manual' }
  },
  {
    title: 'fails without a bound',
    resources: { Function: lambda({ VpcConfig: inVpc.VpcConfig }), Mapping: mapping() },
    findings: { Function: 'fail' },
    evidence: /^its concurrency has no bound/
  },
  {
    title: 'fails in one subnet',
    resources: {
      Function: lambda({ ...inVpc, VpcConfig: { SubnetIds: ['subnet-1', 'subnet-1'] } }),
      Mapping: mapping()
    },
    findings: { Function: 'fail' },
    evidence: /^it has fewer than two subnets$/
  },
  {
    title: 'does not decide on subnets that cannot be told',
    resources: {
      Function: lambda({ ...inVpc, VpcConfig: { 'Fn::ImportValue': 'vpc' } }),
      Mapping: mapping(),
      Other: lambda({
        ...inVpc,
        FunctionName: 'other',
        VpcConfig: { SubnetIds: ['subnet-1', { 'Fn::ImportValue': 'subnet' }] }
      }),
      Reader: mapping({ FunctionName: { Ref: 'Other' } })
    },
    findings: { Function: 'error', Other: 'error' }
  },
  { title: 'has nothing to say of other functions', resources: { Function: lambda() }, findings: {} }
])

const bounded = {
  DestinationConfig: { OnFailure: { Destination: arnOf('Queue') } },
  MaximumRetryAttempts: 5,
  BisectBatchOnFunctionError: true,
  FunctionResponseTypes: ['ReportBatchItemFailures']
}
const beside = {
  Function: lambda(),
  Queue: resource('SQS::Queue', { KmsMasterKeyId: 'alias/state' }),
  Logs: resource('Logs::LogGroup', { LogGroupName: '/aws/lambda/open' })
}

describeControl(control('LAM-05'), [
  {
    title: 'passes bounded by tries or by age, with a log group of its own',
    resources: {
      ...beside,
      Mapping: mapping(bounded),
      Aged: mapping({ ...bounded, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: 3600 })
    },
    findings: { Mapping: 'pass', Aged: 'pass', Function: 'pass' }
  },
  {
    title: 'fails for the defaults',
    resources: { ...beside, Mapping: mapping() },
    findings: { Mapping: 'fail', Function: 'pass' },
    evidence:
      /no destination.*until the records expire; one bad record fails its whole batch; it takes no report/
  },
  {
    title: 'fails for a queue without a key',
    resources: { ...beside, Queue: resource('SQS::Queue'), Mapping: mapping(bounded) },
    findings: { Mapping: 'fail', Function: 'pass' },
    evidence: /^Queue has no key/
  },
  {
    title: 'fails for a function whose log group Lambda makes',
    resources: { Function: lambda(), Delivery: delivery },
    findings: { Function: 'fail' },
    evidence: /log group is not made with it/
  },
  {
    title: 'takes the log group that a function names',
    resources: {
      Function: lambda({ LoggingConfig: { LogGroup: { Ref: 'Logs' } } }),
      Logs: resource('Logs::LogGroup', { LogGroupName: '/orders/open' }),
      Delivery: delivery
    },
    findings: { Function: 'pass' }
  },
  {
    title: 'does not decide on settings that cannot be told',
    resources: {
      ...beside,
      Mapping: mapping({ ...bounded, MaximumRetryAttempts: { 'Fn::ImportValue': 'attempts' } })
    },
    findings: { Mapping: 'error', Function: 'pass' }
  }
])
