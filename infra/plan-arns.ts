import type { ResolvedDestination } from '../pipeline/destinations.ts'
import type { KeyPurpose, ResolvedPlan, ResolvedTenant } from '../pipeline/plan.ts'
import { accountId, arnOf, attributeOf, partition } from './placeholders.ts'

/*
 * Logical ids and ARNs of what a plan names. Ids never change once they were deployed: another id is another resource.
 */

export const roleIds = {
  producer: 'ProducerRole',
  consumer: 'ConsumerRole',
  replayer: 'ReplayerRole',
  operator: 'OperatorRole',
  flink: 'FlinkRole',
  iotRule: 'IotRuleRole',
  iotError: 'IotErrorRole',
  iotLogging: 'IotLoggingRole',
  iotKey: 'IotKeyRole'
} as const

/** A name as part of a logical id, which takes letters and digits alone. */
export function idPart(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map(word => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

export const deliveryRoleId = (deliveryStreamName: string): string =>
  `${idPart(deliveryStreamName)}DeliveryRole`
export const transformRoleId = (functionName: string): string => `${idPart(functionName)}TransformRole`
export const readerRoleId = (functionName: string): string => `${idPart(functionName)}ReaderRole`
export const bucketId = (bucket: string): string => `${idPart(bucket)}Bucket`
export const tenantKeyId = ({ id }: ResolvedTenant): string => `EnvelopeKey${idPart(id)}`

export const roleArn = (roleId: string): string => attributeOf(roleId, 'Arn')
export const accountRootArn = `arn:${partition}:iam::${accountId}:root`

export const streamArnOf = (name: string): string => arnOf('kinesis', `stream/${name}`)
export const streamArn = ({ stream }: ResolvedPlan): string => streamArnOf(stream.name)
/** The ARN of a fan-out consumer ends in the time at which it was made. */
export const fanOutArn = ({ stream, consumer }: ResolvedPlan): string =>
  arnOf('kinesis', `stream/${stream.name}/consumer/${consumer.applicationName}:*`)
export const tableArn = (tableName: string): string => arnOf('dynamodb', `table/${tableName}`)
export const queueArn = (queue: string): string => arnOf('sqs', queue)
export const bucketArn = (bucket: string): string => `arn:${partition}:s3:::${bucket}`
export const deliveryStreamArn = (name: string): string => arnOf('firehose', `deliverystream/${name}`)
export const functionArn = (name: string): string => arnOf('lambda', `function:${name}`)
export const applicationArn = (name: string): string => arnOf('kinesisanalytics', `application/${name}`)
export const domainArn = (name: string): string => arnOf('es', `domain/${name}`)
export const glueArn = (resource: string): string => arnOf('glue', resource)
export const logGroupArn = (logGroup: string): string => arnOf('logs', `log-group:${logGroup}`)
export const deliveryLogGroup = (deliveryStreamName: string): string =>
  `/aws/kinesisfirehose/${deliveryStreamName}`
export const functionLogGroup = (functionName: string): string => `/aws/lambda/${functionName}`

export const applicationLogGroup = (name: string): string => `/aws/kinesis-analytics/${name}`
/** The one log group of IoT Core in an account and region. */
export const iotLogGroup = 'AWSIotLogsV2'

/** Log groups of jobs under a security configuration of Glue; the rest of the name is that of their role. */
export const jobLogGroups = (securityConfiguration: string): string =>
  `/aws-glue/jobs/${securityConfiguration}-role/*`

/** As the API takes it; a name alone stands for the secret of that name. */
export function secretArn(secret: string): string {
  return secret.startsWith('arn:') ? secret : arnOf('secretsmanager', `secret:${secret}`)
}

/** As policies match it: the service adds six characters to a name. */
export function secretArnPattern(secret: string): string {
  return /^arn:.*-[A-Za-z0-9]{6}$/.test(secret) ? secret : `${secretArn(secret)}-??????`
}

const keyIds = {
  envelope: 'EnvelopeKey',
  stream: 'StreamKey',
  sink: 'SinkKey',
  state: 'StateKey',
  services: 'ServicesKey'
} as const satisfies Record<KeyPurpose, string>

export const keyId = (purpose: KeyPurpose): string => keyIds[purpose]

/** The key that is given, or the one that the template makes. */
export function keyArn({ keys }: ResolvedPlan, purpose: KeyPurpose): string {
  return keys[purpose].arn ?? attributeOf(keyIds[purpose], 'Arn')
}

/** The keys that wrap data keys: that of the pipeline, those of its tenants, or none where nothing is sealed. */
export function envelopeKeyArns(plan: ResolvedPlan): readonly string[] {
  const { mode, tenants } = plan.sealing
  if (mode === 'off') return []
  if (tenants.length === 0) return [keyArn(plan, 'envelope')]
  return tenants.map(tenant => tenant.arn ?? attributeOf(tenantKeyId(tenant), 'Arn'))
}

/** All keys that open data keys, those that a plan names besides its own included. */
export function openingKeyArns(plan: ResolvedPlan): readonly string[] {
  const { mode, additionalKeys } = plan.sealing
  return mode === 'off' ? [] : [...envelopeKeyArns(plan), ...additionalKeys]
}

/** Whether workers see what the records hold. */
export const opensRecords = ({ sealing, destinations }: ResolvedPlan): boolean =>
  sealing.mode !== 'off' && destinations.every(({ deliver }) => deliver === 'plaintext')

/** Object keys of a delivery: a prefix up to its first expression, and the errors beside it. */
export function objectArns({
  bucket,
  prefix
}: Pick<ResolvedDestination, 'bucket' | 'prefix'>): readonly string[] {
  const [fixed = ''] = prefix.split('!{')
  if (fixed === '') return [`${bucketArn(bucket)}/*`]
  return [`${bucketArn(bucket)}/${fixed}*`, `${bucketArn(bucket)}/${errorPrefix}*`]
}

export const errorPrefix = 'errors/'

/** One statement's value where there is one, as AWS itself writes it. */
export function oneOrMore<T>(values: readonly T[]): T | readonly T[] {
  return values.length === 1 ? values[0]! : values
}
