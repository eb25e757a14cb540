import { checkOneOf } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { definePipeline, type PipelinePlan, type ResolvedPlan } from '../pipeline/plan.ts'
import { planOutputs } from './outputs.ts'
import { rendered } from './placeholders.ts'
import { checkPlannable } from './plan-checks.ts'
import { cloudHsmResources } from './resources/cloud-hsm.ts'
import { leaseTableResources } from './resources/dynamodb.ts'
import { endpointResources } from './resources/ec2.ts'
import { deliveryResources } from './resources/firehose.ts'
import { flinkResources } from './resources/flink.ts'
import { functionResources } from './resources/functions.ts'
import { glueResources } from './resources/glue.ts'
import { rolePolicyResources, roleResources } from './resources/iam.ts'
import { iotResources } from './resources/iot.ts'
import { streamResources } from './resources/kinesis.ts'
import { keyResources } from './resources/kms.ts'
import { mappingResources } from './resources/lambda.ts'
import { logResources } from './resources/logs.ts'
import { monitoringResources } from './resources/monitoring.ts'
import { openSearchResources } from './resources/open-search.ts'
import { databaseAccessResources } from './resources/rds.ts'
import { redshiftResources } from './resources/redshift.ts'
import { bucketResources } from './resources/s3.ts'
import { queueResources } from './resources/sqs.ts'
import { inScope, type PlanScope } from './scope.ts'
import type { PlanTemplate, TemplateResources } from './template.ts'

/** `core`: what the pipeline cannot run without. `full`: also alarms, event rules and the endpoints of the VPC. */
export type PlanProfile = 'core' | 'full'

export interface PlanTemplateOptions extends PlanScope {
  /** @default 'full' */
  readonly profile?: PlanProfile
}

/**
 * A plan as a template of CloudFormation. Pure: the same plan gives the same template, byte for byte in JSON. The template
 * has roles with names, so it is made with the capability CAPABILITY_NAMED_IAM.
 * @throws InvalidOptionError for a plan that is wrong, or that leaves open what a template has to say
 */
export function planTemplate(input: PipelinePlan, options: PlanTemplateOptions = {}): PlanTemplate {
  const plan = definePipeline(input)
  const resources = plannedResources(plan, options)
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Pipeline ${plan.name}, by sealstream`,
    Resources: rendered(inScope(resources, options)) as TemplateResources,
    Outputs: rendered(inScope(planOutputs(plan), options)) as PlanTemplate['Outputs']
  }
}

/**
 * The resources with placeholders in place of references. Roles come first and have no rights yet, since KMS refuses a key
 * policy that names a role that is not there; then the keys, what the roles may do with them, and everything else.
 */
export function plannedResources(plan: ResolvedPlan, options: PlanTemplateOptions = {}): TemplateResources {
  const profile = checkOneOf('profile', options.profile ?? 'full', ['core', 'full'])
  checkPlannable(plan)
  // Policies that are pinned to the endpoints name them.
  const hasEndpoints = plan.network !== undefined && (profile === 'full' || plan.network.pinToEndpoint)
  return merged(
    roleResources(plan),
    keyResources(plan),
    rolePolicyResources(plan),
    streamResources(plan),
    leaseTableResources(plan),
    queueResources(plan),
    bucketResources(plan, hasEndpoints && plan.network.endpoints.includes('s3')),
    logResources(plan),
    deliveryResources(plan),
    functionResources(plan),
    mappingResources(plan),
    cloudHsmResources(plan),
    redshiftResources(plan),
    openSearchResources(plan),
    flinkResources(plan),
    iotResources(plan),
    glueResources(plan),
    databaseAccessResources(plan),
    hasEndpoints ? endpointResources(plan) : {},
    profile === 'full' ? monitoringResources(plan) : {}
  )
}

function merged(...parts: readonly TemplateResources[]): TemplateResources {
  const resources: Record<string, TemplateResources[string]> = {}
  for (const [id, resource] of parts.flatMap(part => Object.entries(part))) {
    if (Object.hasOwn(resources, id)) {
      throw new InvalidOptionError('plan', `two of its names give the logical id ${id}: expected others`)
    }
    resources[id] = resource
  }
  return resources
}
