import type { ResolvedPlan } from '../../pipeline/plan.ts'
import {
  bucketArn,
  deliveryLogGroup,
  deliveryRoleId,
  functionArn,
  functionLogGroup,
  logGroupArn,
  oneOrMore,
  queueArn,
  roleArn,
  roleIds
} from '../plan-arns.ts'
import {
  failureQueues,
  leaseWorkerArns,
  mappedFunctions,
  readerFunctions,
  sourcedDeliveries,
  transformFunctions
} from '../plan-readers.ts'
import { hasVariables, iotErrorQueue, redshiftMasterSecret, serviceLogGroups } from '../plan-services.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import {
  grantThrough,
  throughDynamodb,
  throughLambda,
  throughS3,
  throughSecretsManager,
  throughSqs
} from './conditions.ts'
import { administering, lettingLogs, lettingService } from './key-administration.ts'
import { hasQueue, policyOf } from './shared.ts'

/** The key of what is kept beside the records, at rest: leases, dead letters, logs, secrets of destinations. */
export function stateKeyPolicy(plan: ResolvedPlan): PolicyDocument {
  return policyOf(
    administering(plan),
    leaseTable(plan),
    deadLetters(plan),
    givenUp(plan),
    iotErrors(plan),
    logs(plan),
    secrets(plan),
    variables(plan),
    masterPassword(plan)
  )
}

function allow(
  sid: string,
  principals: readonly string[],
  actions: readonly string[],
  condition: PolicyStatement['Condition'] & object
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: { AWS: oneOrMore(principals) },
    Action: actions,
    Resource: '*',
    Condition: condition
  }
}

function leaseTable(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { deployerArn, migrator } = plan.roles
  const { applicationName } = plan.consumer
  const condition = throughDynamodb([applicationName])
  return [
    allow(
      'LeasesThroughDynamodb',
      [...leaseWorkerArns(plan), roleArn(roleIds.operator)],
      ['kms:Decrypt'],
      condition
    ),
    ...(migrator === undefined
      ? []
      : [
          allow(
            'LeasesMoveThroughDynamodb',
            [migrator.roleArn],
            ['kms:Decrypt'],
            throughDynamodb([applicationName, migrator.fromTable])
          )
        ]),
    lettingService(plan, 'LeaseTableGetsGrants', grantThrough('dynamodb')),
    ...(deployerArn === undefined
      ? []
      : [
          // Whoever makes a table shows that it could use the key by itself.
          allow(
            'DeployerMakesLeaseTable',
            [deployerArn],
            ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
            condition
          )
        ])
  ]
}

function deadLetters(plan: ResolvedPlan): readonly PolicyStatement[] {
  const consumer = [roleArn(roleIds.consumer)]
  const replayer = plan.roles.replayer ? [roleArn(roleIds.replayer)] : []
  const throughQueue = throughSqs([queueArn(plan.deadLetters.queue)])
  const throughBucket = throughS3([bucketArn(plan.deadLetters.bucket)])
  const put = ['kms:GenerateDataKey', 'kms:Decrypt']
  return [
    ...(hasQueue(plan) ? [allow('DeadLettersThroughSqs', consumer, put, throughQueue)] : []),
    allow('ClaimsThroughS3', consumer, put, throughBucket),
    ...(hasQueue(plan) && plan.roles.replayer
      ? [allow('ReplayThroughSqs', replayer, ['kms:Decrypt'], throughQueue)]
      : []),
    ...(plan.roles.replayer ? [allow('ReplayThroughS3', replayer, ['kms:Decrypt'], throughBucket)] : [])
  ]
}

function givenUp(plan: ResolvedPlan): readonly PolicyStatement[] {
  const functions = mappedFunctions(plan)
  if (functions.length === 0) return []
  const roles = [...new Set(functions.map(mapped => mapped.roleArn))]
  const condition = throughSqs(failureQueues(plan).map(queueArn))
  return [allow('GivenUpThroughSqs', roles, ['kms:GenerateDataKey', 'kms:Decrypt'], condition)]
}

function iotErrors(plan: ResolvedPlan): readonly PolicyStatement[] {
  if (plan.services.iot === undefined) return []
  const condition = throughSqs([queueArn(iotErrorQueue(plan))])
  const roles = [roleArn(roleIds.iotError)]
  return [allow('IotErrorsThroughSqs', roles, ['kms:GenerateDataKey', 'kms:Decrypt'], condition)]
}

function logs(plan: ResolvedPlan): PolicyStatement {
  return lettingLogs('CloudWatchLogs', logGroups(plan).map(logGroupArn))
}

/** Names of all log groups that the template makes. */
export function logGroups(plan: ResolvedPlan): readonly string[] {
  return [
    ...[...plan.destinations, ...sourcedDeliveries(plan)].map(({ deliveryStreamName }) =>
      deliveryLogGroup(deliveryStreamName)
    ),
    ...[...transformFunctions(plan), ...readerFunctions(plan)].map(functionLogGroup),
    ...serviceLogGroups(plan).map(({ name }) => name)
  ]
}

function secrets(plan: ResolvedPlan): readonly PolicyStatement[] {
  const users = plan.destinations.flatMap(destination =>
    'secret' in destination && destination.secret !== undefined
      ? [{ role: roleArn(deliveryRoleId(destination.deliveryStreamName)), secret: destination.secret }]
      : []
  )
  if (users.length === 0) return []
  const roles = users.map(({ role }) => role)
  const condition = throughSecretsManager([...new Set(users.map(({ secret }) => secret))])
  return [allow('SecretsThroughSecretsManager', roles, ['kms:Decrypt'], condition)]
}

/** Whoever makes a function encrypts its variables; Lambda decrypts them for its role by a grant. */
function variables(plan: ResolvedPlan): readonly PolicyStatement[] {
  const arns = plan.services.functions.filter(hasVariables).map(({ name }) => functionArn(name))
  if (arns.length === 0) return []
  return [
    allow(
      'DeployerSetsVariables',
      [plan.roles.deployerArn!],
      ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'],
      throughLambda(arns)
    ),
    lettingService(plan, 'FunctionsGetGrants', grantThrough('lambda'))
  ]
}

/** Redshift makes the secret of its administrator in the name of whoever makes the cluster. */
function masterPassword(plan: ResolvedPlan): readonly PolicyStatement[] {
  const { redshift } = plan.services
  if (redshift === undefined) return []
  return [
    allow(
      'DeployerLetsRedshiftKeepPassword',
      [plan.roles.deployerArn!],
      ['kms:Decrypt', 'kms:GenerateDataKey'],
      throughSecretsManager([redshiftMasterSecret(redshift)])
    )
  ]
}
