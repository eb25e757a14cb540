import type { Control, Finding } from '../../control.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, everyRight, foreignAccount, openToAll, stranger } from '../../questions.ts'
import { resourcesOf, textAt } from '../../readers.ts'

/** An endpoint that a pipeline needs as soon as it has a resource of this type, and a call that goes through it. */
interface NeededEndpoint {
  readonly service: string
  readonly because: readonly string[]
  readonly action: string
}

const needed: readonly NeededEndpoint[] = [
  { service: 'kinesis-streams', because: ['AWS::Kinesis::Stream'], action: 'kinesis:PutRecords' },
  {
    service: 'kinesis-firehose',
    because: ['AWS::KinesisFirehose::DeliveryStream'],
    action: 'firehose:PutRecordBatch'
  },
  { service: 'kms', because: ['AWS::KMS::Key', 'AWS::KMS::ReplicaKey'], action: 'kms:Decrypt' },
  { service: 'sqs', because: ['AWS::SQS::Queue'], action: 'sqs:SendMessage' },
  { service: 'monitoring', because: ['AWS::Kinesis::Stream'], action: 'cloudwatch:PutMetricData' },
  { service: 's3', because: ['AWS::S3::Bucket'], action: 's3:GetObject' },
  {
    service: 'dynamodb',
    because: ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'],
    action: 'dynamodb:PutItem'
  }
]

export const net01: Control = {
  id: 'NET-01',
  severity: 'medium',
  title:
    'A pipeline in a VPC has an endpoint for each of its services, with a policy that keeps to its account.',
  rationale:
    'Without an endpoint the traffic needs a way out of the network. With one that has no policy, whatever runs inside can ' +
    'carry data to an account of its own.',
  fix: 'Make the missing endpoints, and give each a policy that names the resources and demands aws:PrincipalAccount.',
  kind: 'resources',
  sources: { statements: [15, 19, 27, 42, 50], prowler: ['vpc_endpoint_connections_trust_boundaries'] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model => {
    const endpoints = resourcesOf(model, 'AWS::EC2::VPCEndpoint')
    // A pipeline without a network of its own has no use for them.
    if (endpoints.length === 0 && resourcesOf(model, 'AWS::EC2::VPC').length === 0) return []
    return needed
      .filter(({ because }) => resourcesOf(model, ...because).length > 0)
      .flatMap(need => findingsOf(model, need, endpoints))
  }
}

function findingsOf(
  model: AuditModel,
  need: NeededEndpoint,
  endpoints: readonly AuditResource[]
): readonly Finding[] {
  const those = endpoints.filter(
    ({ properties }) => textAt(properties, 'ServiceName')?.endsWith(`.${need.service}`) === true
  )
  if (those.length === 0) {
    return [{ status: 'fail', evidence: `there is no VPC endpoint for ${need.service}` }]
  }
  return those.map(endpoint =>
    judge(endpoint, policyProblems(model, need, endpoint), `keeps ${need.service} to this account`)
  )
}

function policyProblems(
  model: AuditModel,
  { action, because }: NeededEndpoint,
  endpoint: AuditResource
): readonly Problem[] {
  const policy = model.resourcePolicies.get(endpoint.arn)
  if (model.unreadablePolicies?.has(endpoint.arn)) return [unknown('its policy cannot be told')]
  if (policy === undefined) return [wrong('has no policy: it lets everything through')]
  const own = resourcesOf(model, ...because)[0]!.arn
  const resource =
    action === 'cloudwatch:PutMetricData' ? '*' : action === 's3:GetObject' ? `${own}/any` : own
  const answer = ask(model, {
    principal: stranger(model),
    action,
    resource,
    context: { 'aws:ResourceAccount': model.accountId, 'cloudwatch:namespace': 'any' },
    identity: [everyRight],
    resourcePolicy: openToAll,
    limits: [policy]
  })
  if (answer === 'allow')
    return [wrong(`lets account ${foreignAccount(model)}, or any other, do ${action} here`)]
  return answer === 'unknown' ? [unknown('its policy cannot be evaluated')] : []
}
