import type { ResolvedIot, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, refTo } from '../placeholders.ts'
import { keyArn, roleArn, roleIds } from '../plan-arns.ts'
import { iotPolicyName, iotRuleName } from '../plan-services.ts'
import { devicePolicy } from '../policies/iot.ts'
import { after, type TemplateResource, type TemplateResources } from '../template.ts'
import { rolePolicyId } from './iam.ts'
import { iotErrorQueueId } from './sqs.ts'

/** TLS 1.2 at least, and 1.3 where the device has it. */
const securityPolicy = 'IoTSecurityPolicy_TLS13_1_2_2022_10'

export const iotEndpointId = 'IotEndpoint'

/** A group of devices with one policy for all, and the rule that puts what they publish into the stream. */
export function iotResources(plan: ResolvedPlan): TemplateResources {
  const { iot } = plan.services
  if (iot === undefined) return {}
  return {
    IotThingGroup: { Type: 'AWS::IoT::ThingGroup', Properties: { ThingGroupName: iot.thingGroup } },
    IotPolicy: {
      Type: 'AWS::IoT::Policy',
      Properties: { PolicyName: iotPolicyName(plan), PolicyDocument: devicePolicy(iot) }
    },
    IotRule: rule(plan, iot),
    [iotEndpointId]: {
      Type: 'AWS::IoT::DomainConfiguration',
      Properties: {
        DomainConfigurationName: iotPolicyName(plan),
        ServiceType: 'DATA',
        TlsConfig: { SecurityPolicy: securityPolicy }
      }
    },
    ...(iot.logging
      ? {
          IotLogging: {
            Type: 'AWS::IoT::Logging',
            ...after(rolePolicyId(roleIds.iotLogging), 'IotLogs'),
            Properties: {
              AccountId: accountId,
              RoleArn: roleArn(roleIds.iotLogging),
              DefaultLogLevel: 'ERROR'
            }
          }
        }
      : {}),
    ...(iot.encryption
      ? {
          IotEncryption: {
            Type: 'AWS::IoT::EncryptionConfiguration',
            ...after(rolePolicyId(roleIds.iotKey)),
            Properties: {
              EncryptionType: 'CUSTOMER_MANAGED_KMS_KEY',
              KmsKeyArn: keyArn(plan, 'services'),
              KmsAccessRoleArn: roleArn(roleIds.iotKey)
            }
          }
        }
      : {})
  }
}

/** The payload as it came, under the device's name as partition key, so that the records of one device keep their order. */
function rule(plan: ResolvedPlan, { topic }: ResolvedIot): TemplateResource {
  const level = topic.split('/').length + 1
  return {
    Type: 'AWS::IoT::TopicRule',
    ...after(rolePolicyId(roleIds.iotRule), rolePolicyId(roleIds.iotError)),
    Properties: {
      RuleName: iotRuleName(plan),
      TopicRulePayload: {
        AwsIotSqlVersion: '2016-03-23',
        Sql: `SELECT * FROM '${topic}/+'`,
        RuleDisabled: false,
        Actions: [
          {
            Kinesis: {
              StreamName: refTo('Stream'),
              PartitionKey: `\${topic(${level})}`,
              RoleArn: roleArn(roleIds.iotRule)
            }
          }
        ],
        ErrorAction: {
          Sqs: { QueueUrl: refTo(iotErrorQueueId), RoleArn: roleArn(roleIds.iotError), UseBase64: true }
        }
      }
    }
  }
}
