import { InvalidOptionError } from '../core/errors.ts'
import { definePipeline, type PipelinePlan, type PlanKey, type ResolvedPlan } from '../pipeline/plan.ts'
import { attributeOf, refTo } from './placeholders.ts'
import { bucketId } from './plan-arns.ts'
import { plannedKeys } from './plan-keys.ts'
import { madeRoles } from './plan-roles.ts'
import { cloudHsmClusterId, cloudHsmOutput, redshiftClusterId } from './plan-services.ts'
import { hasQueue } from './policies/shared.ts'
import { deliveryStreamId } from './resources/firehose.ts'
import { applicationId } from './resources/flink.ts'
import { functionId } from './resources/functions.ts'
import { databaseId } from './resources/glue.ts'
import { iotEndpointId } from './resources/iot.ts'
import { domainId } from './resources/open-search.ts'
import { deadLetterQueueId } from './resources/sqs.ts'

/** What a stack tells of itself: names, ARNs of keys and roles, what else has to be looked up. */
export function planOutputs(plan: ResolvedPlan): Readonly<Record<string, { readonly Value: string }>> {
  const outputs = {
    StreamName: refTo('Stream'),
    StreamArn: attributeOf('Stream', 'Arn'),
    LeaseTableName: refTo('LeaseTable'),
    ...(hasQueue(plan) ? { DeadLetterQueueUrl: refTo(deadLetterQueueId) } : {}),
    DeadLetterBucketName: refTo(bucketId(plan.deadLetters.bucket)),
    ...Object.fromEntries(
      plannedKeys(plan).map(({ logicalId, givenArn }) => [
        `${logicalId}Arn`,
        givenArn ?? attributeOf(logicalId, 'Arn')
      ])
    ),
    ...Object.fromEntries(
      madeRoles(plan).map(({ logicalId }) => [`${logicalId}Arn`, attributeOf(logicalId, 'Arn')])
    ),
    ...Object.fromEntries(
      plan.destinations.map(({ deliveryStreamName }) => [
        `${deliveryStreamId(deliveryStreamName)}Name`,
        refTo(deliveryStreamId(deliveryStreamName))
      ])
    ),
    ...serviceOutputs(plan)
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, Value]) => [name, { Value }]))
}

function serviceOutputs({ services }: ResolvedPlan): Readonly<Record<string, string>> {
  const { cloudHsm, functions, flink, iot, glue, redshift, openSearch } = services
  return {
    ...(cloudHsm === undefined ? {} : { [cloudHsmOutput]: attributeOf(cloudHsmClusterId, 'ClusterId') }),
    ...Object.fromEntries(
      functions.map(({ name }) => [`${functionId(name)}Arn`, attributeOf(functionId(name), 'Arn')])
    ),
    ...(flink === undefined ? {} : { FlinkApplicationName: refTo(applicationId) }),
    ...(iot === undefined ? {} : { IotEndpointArn: attributeOf(iotEndpointId, 'Arn') }),
    ...(glue === undefined ? {} : { GlueDatabaseName: refTo(databaseId) }),
    ...(redshift === undefined
      ? {}
      : { RedshiftClusterAddress: attributeOf(redshiftClusterId, 'Endpoint.Address') }),
    ...(openSearch === undefined ? {} : { OpenSearchDomainAddress: attributeOf(domainId, 'DomainEndpoint') })
  }
}

/** As DescribeStacks gives them. */
export interface StackOutput {
  readonly OutputKey?: string | undefined
  readonly OutputValue?: string | undefined
}

/**
 * The plan as the runtime needs it where its stack is: every key by its ARN, so that no alias has to be resolved. Hand it to
 * `createPipeline`.
 * @throws InvalidOptionError when these are not the outputs of this plan's stack
 */
export function planFromOutputs(
  input: PipelinePlan,
  outputs: readonly StackOutput[] | Readonly<Record<string, string>>
): PipelinePlan {
  const plan = definePipeline(input)
  const values = new Map(
    Array.isArray(outputs)
      ? outputs.map(({ OutputKey, OutputValue }: StackOutput) => [OutputKey, OutputValue])
      : Object.entries(outputs)
  )
  const outputOf = (name: string): string => {
    const value = values.get(name)
    if (value !== undefined && value !== '') return value
    throw new InvalidOptionError(
      `outputs.${name}`,
      'is missing: expected the outputs of the stack of this plan'
    )
  }
  const sameName = (name: string, planned: string): void => {
    if (outputOf(name) === planned) return
    throw new InvalidOptionError(`outputs.${name}`, `is that of another plan: expected '${planned}'`)
  }
  sameName('StreamName', plan.stream.name)
  sameName('LeaseTableName', plan.consumer.applicationName)
  const keys = plannedKeys(plan).map(({ logicalId, purpose, tenant }) => ({
    purpose,
    tenant,
    arn: outputOf(`${logicalId}Arn`)
  }))
  const { keyId: _, ...sealing } = input.sealing ?? {}
  const ofTenants = keys.flatMap(({ tenant, arn }) => (tenant === undefined ? [] : [[tenant, arn] as const]))
  const ofPipeline = keys.flatMap(({ purpose, tenant, arn }) => {
    const key: PlanKey = { arn, origin: plan.keys[purpose].origin }
    return tenant === undefined ? [[purpose, key] as const] : []
  })
  return {
    ...input,
    sealing: { ...sealing, ...(ofTenants.length === 0 ? {} : { tenants: Object.fromEntries(ofTenants) }) },
    keys: Object.fromEntries(ofPipeline)
  }
}
