import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, BootstraplessSynthesizer, Stack } from 'aws-cdk-lib'
import { onTestFinished } from 'vitest'

const recommendedFlags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json')

/** An application with one stack, set as a new project would have it; its output is removed with the test. */
export function anApp() {
  const outdir = mkdtempSync(join(tmpdir(), 'sealstream-cdk-app-'))
  onTestFinished(() => rmSync(outdir, { recursive: true, force: true }))
  const app = new App({
    outdir,
    // Only the command line sets these; without them old behaviour is synthesised.
    context: recommendedFlags,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    treeMetadata: false
  })
  const stack = new Stack(app, 'Stack', { synthesizer: new BootstraplessSynthesizer() })
  return { app, stack, synthesised: () => app.synth().getStackByName(stack.stackName).template }
}

/** Resources that refer to one another as those of the planner do: keys and roles both ways, names, placeholders. */
export function aTemplate() {
  const streamArn = {
    'Fn::Sub': 'arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/orders'
  }
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'orders',
    Resources: {
      ConsumerRole: {
        Type: 'AWS::IAM::Role',
        Properties: {
          RoleName: 'orders-consumer',
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' }
            ]
          }
        }
      },
      EnvelopeKey: {
        Type: 'AWS::KMS::Key',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          EnableKeyRotation: true,
          RotationPeriodInDays: 365,
          PendingWindowInDays: 30,
          KeyPolicy: {
            Version: '2012-10-17',
            Statement: [
              {
                Sid: 'ConsumersUnwrap',
                Effect: 'Allow',
                Principal: { AWS: { 'Fn::GetAtt': ['ConsumerRole', 'Arn'] } },
                Action: ['kms:Decrypt'],
                Resource: '*',
                Condition: {
                  StringEquals: { 'kms:EncryptionContext:pipeline': 'orders' },
                  Null: { 'kms:ViaService': 'true' }
                }
              }
            ]
          }
        }
      },
      ConsumerPolicy: {
        Type: 'AWS::IAM::RolePolicy',
        Properties: {
          RoleName: { Ref: 'ConsumerRole' },
          PolicyName: 'consumer',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Sid: 'Poll', Effect: 'Allow', Action: ['kinesis:GetRecords'], Resource: streamArn },
              {
                Sid: 'UnwrapDataKeys',
                Effect: 'Allow',
                Action: ['kms:Decrypt'],
                Resource: { 'Fn::Sub': '${EnvelopeKey.Arn}' }
              }
            ]
          }
        }
      },
      Stream: {
        Type: 'AWS::Kinesis::Stream',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        DependsOn: ['ConsumerPolicy'],
        Properties: {
          Name: 'orders',
          RetentionPeriodHours: 168,
          ShardCount: 4,
          StreamEncryption: { EncryptionType: 'KMS', KeyId: { 'Fn::GetAtt': ['EnvelopeKey', 'Arn'] } }
        }
      }
    },
    Outputs: {
      StreamName: { Value: { Ref: 'Stream' } },
      EnvelopeKeyArn: { Value: { 'Fn::GetAtt': ['EnvelopeKey', 'Arn'] } }
    }
  }
}
