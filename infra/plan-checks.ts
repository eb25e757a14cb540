import { InvalidOptionError } from '../core/errors.ts'
import { isQueueUrl, type ResolvedPlan } from '../pipeline/plan.ts'
import { mostRolePolicyCharacters } from './limits.ts'
import { substitute } from './placeholders.ts'
import { idPart } from './plan-arns.ts'
import { plannedKeys } from './plan-keys.ts'
import {
  failureQueues,
  mappedFunctions,
  sinkBuckets,
  sourcedDeliveries,
  transformFunctions
} from './plan-readers.ts'
import { madeRoles } from './plan-roles.ts'
import { hasVariables } from './plan-services.ts'

/**
 * What a plan may leave open while it runs on what is there, and must say before anything is made of it.
 * @throws InvalidOptionError naming the member
 */
export function checkPlannable(plan: ResolvedPlan): void {
  checkKeyId(plan)
  checkAliases(plan)
  checkDeadLetters(plan)
  checkLogicalIds(plan)
  checkDeployer(plan)
  for (const [index, destination] of plan.destinations.entries()) {
    const option = `destinations[${index}]`
    switch (destination.kind) {
      case 's3':
        break
      case 'elasticsearch':
      case 'opensearch':
        if (destination.domainArn === 'made') break
        if (!/^arn:aws[a-z-]*:es:[a-z0-9-]+:\d{12}:domain\/[a-z0-9-]+$/.test(destination.domainArn ?? '')) {
          throw new InvalidOptionError(
            `${option}.domainArn`,
            'expected the ARN of a domain, which a policy names'
          )
        }
        break
      case 'redshift':
        checkSecret(`${option}.secret`, destination.secret)
        break
      case 'splunk':
        checkSecret(`${option}.secret`, destination.secret)
        if (!destination.endpoint.startsWith('https:')) {
          throw new InvalidOptionError(`${option}.endpoint`, 'expected an address of https')
        }
        break
    }
  }
  checkTexts('', plan)
  checkRolePolicies(plan)
}

function checkKeyId({ sealing, keys }: ResolvedPlan): void {
  if (sealing.mode === 'off' || keys.envelope.arn !== undefined) return
  if (/^alias\/(?!aws\/)[\w/-]{1,249}$/.test(sealing.keyId)) return
  throw new InvalidOptionError('sealing.keyId', 'expected the alias of a key that is made, or the ARN of one')
}

/** Some services use a key in the name of whoever makes what it encrypts, whom the policy of the key has to name. */
function checkDeployer({ roles, services }: ResolvedPlan): void {
  if (roles.deployerArn !== undefined) return
  const who = [
    services.glue === undefined ? [] : 'services.glue',
    services.redshift === undefined ? [] : 'services.redshift',
    services.flink === undefined ? [] : 'services.flink',
    services.functions.some(hasVariables) ? 'the variables of services.functions' : []
  ].flat()
  if (who.length === 0) return
  throw new InvalidOptionError(
    'roles.deployerArn',
    `is missing: a key is used in its name for ${who.join(', ')}`
  )
}

/** Of the keys that are made. */
function checkAliases(plan: ResolvedPlan): void {
  const aliases = plannedKeys(plan)
    .filter(({ givenArn }) => givenArn === undefined)
    .map(({ alias }) => alias)
  if (new Set(aliases).size === aliases.length) return
  throw new InvalidOptionError('sealing.keyId', 'is the alias of another key of the plan: expected another')
}

function checkDeadLetters(plan: ResolvedPlan): void {
  const { kind, queue, keyId, bucket } = plan.deadLetters
  if (kind === 'sqs' && isQueueUrl(queue)) {
    throw new InvalidOptionError('deadLetters.queue', 'expected the name of a queue that is made, not a URL')
  }
  if (keyId !== undefined && keyId !== plan.keys.state.arn) {
    throw new InvalidOptionError(
      'deadLetters.keyId',
      'is another key than keys.state: expected none, or its ARN'
    )
  }
  const sinks = sinkBuckets(plan).map(sink => sink.bucket)
  if (sinks.includes(bucket)) {
    throw new InvalidOptionError('deadLetters.bucket', 'holds something else, too: expected one of its own')
  }
  if (![...sinks, bucket].includes(plan.storage.accessLogBucket)) return
  throw new InvalidOptionError(
    'storage.accessLogBucket',
    'holds something else, too: expected one of its own'
  )
}

/** Logical ids have no punctuation: names that differ in nothing else would be one resource. */
function checkLogicalIds(plan: ResolvedPlan): void {
  const deliveries = [...plan.destinations, ...sourcedDeliveries(plan)]
  const kinds: readonly (readonly string[])[] = [
    deliveries.map(({ deliveryStreamName }) => deliveryStreamName),
    [...sinkBuckets(plan).map(({ bucket }) => bucket), plan.deadLetters.bucket],
    plan.sealing.tenants.map(({ id }) => id),
    transformFunctions(plan),
    mappedFunctions(plan).map(({ functionArn }) => functionArn.split(':function:')[1]!),
    failureQueues(plan)
  ]
  for (const names of kinds) {
    const twice = names.find(
      (name, index) => names.findIndex(other => idPart(other) === idPart(name)) < index
    )
    if (twice === undefined) continue
    const other = names.find(name => idPart(name) === idPart(twice))
    throw new InvalidOptionError('plan', `the names ${other} and ${twice} differ in punctuation alone`)
  }
}

function checkSecret(option: string, secret: string | undefined): void {
  if (secret !== undefined) return
  throw new InvalidOptionError(
    option,
    'is missing: a template holds no secrets, Firehose takes them from there'
  )
}

/** Each tenant, and each destination, is named in the policies of several roles. */
function checkRolePolicies(plan: ResolvedPlan): void {
  for (const { name, policy } of madeRoles(plan)) {
    const characters = JSON.stringify(substitute(policy, longestValue)).length
    if (characters <= mostRolePolicyCharacters) continue
    throw new InvalidOptionError(
      'plan',
      `the policy of the role ${name} would have ${characters} characters, and IAM takes ${mostRolePolicyCharacters}: expected fewer tenants, or fewer destinations`
    )
  }
}

/** Something as long as what a stack may give. */
function longestValue(placeholder: string): string {
  switch (placeholder) {
    case 'AWS::Partition':
      return 'aws-us-gov'
    case 'AWS::Region':
      return 'ap-southeast-1'
    case 'AWS::AccountId':
      return '111122223333'
    default:
      return 'arn:aws-us-gov:kms:ap-southeast-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab'
  }
}

/** CloudFormation and IAM would take it for a placeholder. What stands there is not quoted. */
function checkTexts(option: string, value: unknown): void {
  if (typeof value === 'string' && value.includes('${')) {
    throw new InvalidOptionError(option, "cannot hold '${'")
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, each] of Object.entries(value)) {
    if (name.includes('${')) throw new InvalidOptionError(option, "cannot have a name with '${'")
    const isItem = Array.isArray(value)
    checkTexts(isItem ? `${option}[${name}]` : option === '' ? name : `${option}.${name}`, each)
  }
}
