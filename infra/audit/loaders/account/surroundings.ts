import type { AuditResource } from '../../model.ts'
import { isObject, knownListAt, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** The VPC endpoints of the region. */
export async function readEndpoints(
  reader: AccountReader,
  scope: TemplateScope
): Promise<readonly AuditResource[]> {
  if (!reader.has('ec2')) return []
  const answer = await reader.read({ service: 'ec2', operation: 'DescribeVpcEndpoints', input: {} }, '*')
  return knownListAt(answer, 'VpcEndpoints')
    .filter(isObject)
    .map(endpoint => {
      const id = String(endpoint.VpcEndpointId)
      return resource(
        'AWS::EC2::VPCEndpoint',
        id,
        resourceArn('AWS::EC2::VPCEndpoint', id, scope),
        'ec2:DescribeVpcEndpoints',
        {
          ServiceName: endpoint.ServiceName,
          VpcEndpointType: endpoint.VpcEndpointType,
          PrivateDnsEnabled: endpoint.PrivateDnsEnabled,
          SubnetIds: endpoint.SubnetIds,
          SecurityGroupIds: knownListAt(endpoint, 'Groups').map(group => valueAt(group, 'GroupId')),
          PolicyDocument: endpoint.PolicyDocument
        }
      )
    })
}

/** The log group of this name. */
export async function readLogGroup(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('logs')) return []
  const answer = await reader.read(
    { service: 'logs', operation: 'DescribeLogGroups', input: { logGroupNamePrefix: name } },
    name
  )
  return knownListAt(answer, 'logGroups')
    .filter(group => textAt(group, 'logGroupName') === name)
    .map(group =>
      resource(
        'AWS::Logs::LogGroup',
        name,
        resourceArn('AWS::Logs::LogGroup', name, scope),
        'logs:DescribeLogGroups',
        {
          LogGroupName: name,
          KmsKeyId: valueAt(group, 'kmsKeyId'),
          RetentionInDays: valueAt(group, 'retentionInDays')
        }
      )
    )
}

/** Alarms and rules of the region. */
export async function readAlarms(reader: AccountReader): Promise<readonly AuditResource[]> {
  const alarms = reader.has('cloudwatch')
    ? await reader.readPages(
        { service: 'cloudwatch', operation: 'DescribeAlarms', input: { MaxRecords: 100 } },
        '*',
        { list: 'MetricAlarms' }
      )
    : []
  const rules = reader.has('events')
    ? await reader.readPages({ service: 'events', operation: 'ListRules', input: { Limit: 100 } }, '*', {
        list: 'Rules'
      })
    : []
  return [
    ...knownListAt(alarms)
      .filter(isObject)
      .map(alarm =>
        resource(
          'AWS::CloudWatch::Alarm',
          String(alarm.AlarmName),
          String(alarm.AlarmArn),
          'cloudwatch:DescribeAlarms',
          alarm
        )
      ),
    ...knownListAt(rules)
      .filter(isObject)
      .map(rule =>
        resource('AWS::Events::Rule', String(rule.Name), String(rule.Arn), 'events:ListRules', {
          ...rule,
          EventPattern: patternOf(rule.EventPattern)
        })
      )
  ]
}

function patternOf(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : text
  } catch {
    return undefined
  }
}
