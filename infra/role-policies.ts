import { definePipeline, type PipelinePlan } from '../pipeline/plan.ts'
import { type PlannedKey, plannedKeys } from './plan-keys.ts'
import { givenReaders, mappedFunctions } from './plan-readers.ts'
import { madeRoles } from './plan-roles.ts'
import { custodianPolicy } from './policies/custodian.ts'
import { migratorPolicy } from './policies/migrator.ts'
import { analystPolicy, deployerPolicy } from './policies/people.ts'
import { kclPolicy, lambdaPolicy } from './policies/reader.ts'
import type { PolicyDocument } from './policy-document.ts'

export const roleKinds = [
  'producer',
  'consumer',
  'replayer',
  'operator',
  'delivery',
  'transform',
  'lambda',
  'flink',
  'iot',
  'kcl',
  'analyst',
  'migrator',
  'deployer',
  'custodian'
] as const

/** What a role is for. Of a `delivery`, a `transform` and a reader there may be several. */
export type RoleKind = (typeof roleKinds)[number]

/** What one role of a plan may do. */
export interface RolePolicy {
  readonly kind: RoleKind
  /** Tells several of a kind apart: delivery stream, function, or ARN of a role that was given. */
  readonly name: string
  /** Logical id of the role, for one that the template makes. */
  readonly logicalId: string | undefined
  /** ARN of the role, for one that the plan was given. */
  readonly givenArn: string | undefined
  readonly policy: PolicyDocument
}

/**
 * The policy of every key of a plan; one that was given has to have it from its owner.
 * @throws InvalidOptionError
 */
export function keyPolicies(input: PipelinePlan): readonly PlannedKey[] {
  return plannedKeys(definePipeline(input))
}

/**
 * Every role that has to do with a plan: those that are made, and what those that are there need.
 * @throws InvalidOptionError
 */
export function rolePolicies(input: PipelinePlan): readonly RolePolicy[] {
  const plan = definePipeline(input)
  const { analystArn, deployerArn, migrator, custodianArn } = plan.roles
  const given = (kind: RoleKind, givenArn: string, policy: PolicyDocument): RolePolicy => ({
    kind,
    name: givenArn,
    logicalId: undefined,
    givenArn,
    policy
  })
  return [
    ...madeRoles(plan).map(({ kind, subject, logicalId, policy }) => ({
      kind,
      name: subject,
      logicalId,
      givenArn: undefined,
      policy
    })),
    ...mappedFunctions(plan)
      .filter(({ made }) => made === undefined)
      .map(mapped => given('lambda', mapped.roleArn, lambdaPolicy(plan, mapped))),
    ...givenReaders(plan, 'kcl').map(arn => given('kcl', arn, kclPolicy(plan))),
    ...(analystArn === undefined ? [] : [given('analyst', analystArn, analystPolicy(plan))]),
    ...(migrator === undefined
      ? []
      : [given('migrator', migrator.roleArn, migratorPolicy(plan, migrator.fromTable))]),
    ...(deployerArn === undefined ? [] : [given('deployer', deployerArn, deployerPolicy(plan))]),
    ...(custodianArn === undefined || plan.services.cloudHsm === undefined
      ? []
      : [given('custodian', custodianArn, custodianPolicy(plan))])
  ]
}
