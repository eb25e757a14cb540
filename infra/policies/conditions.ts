import { ContextName } from '../../core/record-transform.ts'
import type { PlanEndpoint, ResolvedPlan, ResolvedTenant } from '../../pipeline/plan.ts'
import { accountId, refTo, region } from '../placeholders.ts'
import { idPart, oneOrMore, secretArnPattern, streamArn } from '../plan-arns.ts'
import type { PolicyConditions, PolicyStatement } from '../policy-document.ts'

/** What the Encryption SDK adds by itself under suites that sign. */
const signingKeyPair = 'aws-crypto-public-key'

const contextKey = (name: string): string => `kms:EncryptionContext:${name}`
const viaService = (service: string): { readonly 'kms:ViaService': string } => ({
  'kms:ViaService': `${service}.${region}.amazonaws.com`
})

/**
 * A data key of this pipeline: its pairs, no others, and no service in between. Without `tenant` any tenant of the plan
 * will do; the policy of each key names its own.
 */
export function sealingContext(plan: ResolvedPlan, tenant?: ResolvedTenant): PolicyConditions {
  const { context, tenants } = plan.sealing
  const pairs = {
    [ContextName.pipeline]: plan.name,
    [ContextName.stream]: plan.stream.name,
    ...context,
    ...(tenant === undefined ? {} : { [ContextName.tenant]: tenant.id })
  }
  const names = [
    ...Object.keys(pairs),
    ...(tenants.length > 0 && tenant === undefined ? [ContextName.tenant] : []),
    signingKeyPair
  ]
  return {
    StringEquals: Object.fromEntries(Object.entries(pairs).map(([name, value]) => [contextKey(name), value])),
    'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': names },
    Null: { 'kms:ViaService': 'true' }
  }
}

/** Any other pipeline's context, or none. */
export function foreignContext({ name }: ResolvedPlan): PolicyConditions {
  return { StringNotEquals: { [contextKey(ContextName.pipeline)]: name } }
}

export function throughKinesis(plan: ResolvedPlan): PolicyConditions {
  return throughStream(streamArn(plan))
}

export function throughStream(arn: string): PolicyConditions {
  return { StringEquals: { ...viaService('kinesis'), [contextKey('aws:kinesis:arn')]: arn } }
}

export function throughSqs(queueArns: readonly string[]): PolicyConditions {
  return { StringEquals: { ...viaService('sqs'), [contextKey('aws:sqs:arn')]: oneOrMore(queueArns) } }
}

/** With bucket keys, as all our buckets have them, the context is the bucket and not the object. */
export function throughS3(bucketArns: readonly string[]): PolicyConditions {
  return {
    StringEquals: viaService('s3'),
    ArnEquals: { [contextKey('aws:s3:arn')]: oneOrMore(bucketArns) }
  }
}

export function throughDynamodb(tableNames: readonly string[]): PolicyConditions {
  return {
    StringEquals: {
      ...viaService('dynamodb'),
      [contextKey('aws:dynamodb:subscriberId')]: accountId,
      [contextKey('aws:dynamodb:tableName')]: oneOrMore(tableNames)
    }
  }
}

/** The catalogue of the account: the context names no table. */
export function throughGlue(): PolicyConditions {
  return { StringEquals: { ...viaService('glue'), [contextKey('glue_catalog_id')]: accountId } }
}

/** The state of an application; `byService` for the service itself, which comes through none. */
export function stateOf(application: string, byService = false): PolicyConditions {
  return {
    StringEquals: {
      ...(byService ? {} : viaService('kinesisanalytics')),
      [contextKey('aws:kinesisanalytics:arn')]: application
    }
  }
}

export function throughIot(): PolicyConditions {
  return { StringEquals: viaService('iot') }
}

export function throughLambda(functionArns: readonly string[]): PolicyConditions {
  return {
    StringEquals: { ...viaService('lambda'), [contextKey('aws:lambda:FunctionArn')]: oneOrMore(functionArns) }
  }
}

export function throughSecretsManager(secrets: readonly string[]): PolicyConditions {
  return {
    StringEquals: viaService('secretsmanager'),
    ArnLike: { [contextKey('SecretARN')]: oneOrMore(secrets.map(secretArnPattern)) }
  }
}

/** A grant that a service makes for a resource of its own. */
export function grantThrough(service: string): PolicyConditions {
  return { StringEquals: viaService(service), Bool: { 'kms:GrantIsForAWSResource': 'true' } }
}

const endpointOf: Readonly<Record<string, PlanEndpoint>> = {
  kinesis: 'kinesis-streams',
  firehose: 'kinesis-firehose',
  kms: 'kms',
  sqs: 'sqs',
  s3: 's3',
  dynamodb: 'dynamodb'
}

/**
 * The same statement, which holds through the endpoint of its service alone where the plan says so. For direct calls: what a
 * service does on somebody's behalf comes another way.
 */
export function pinned({ network }: ResolvedPlan, statement: PolicyStatement): PolicyStatement {
  if (network?.pinToEndpoint !== true) return statement
  const [service = ''] = String([statement.Action].flat()[0]).split(':')
  const { StringEquals, ...others } = statement.Condition ?? {}
  return {
    ...statement,
    Condition: {
      ...others,
      StringEquals: { ...StringEquals, 'aws:SourceVpce': refTo(endpointId(endpointOf[service]!)) }
    }
  }
}

/** Logical id of an endpoint, such as `KinesisStreamsEndpoint`. */
export function endpointId(name: string): string {
  return `${idPart(name)}Endpoint`
}
