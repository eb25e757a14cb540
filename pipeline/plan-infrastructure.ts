import { checkBoolean, checkInteger, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import { checkApplicationName, checkArn, checkBucketName, checkRoleArn, checkRoleName } from './plan-names.ts'

/** Who does what. The template makes the roles that have a name; those given by their ARN are there. */
export interface PlanRoles {
  /** @default `<name>-producer` */
  readonly producerName?: string
  /** @default `<name>-consumer` */
  readonly consumerName?: string
  /** @default `<name>-replayer` */
  readonly replayerName?: string
  /** Sees metadata alone: states, leases, counts. @default `<name>-operator` */
  readonly operatorName?: string
  /** Whether a role is made that takes dead letters out and delivers them again. @default true */
  readonly replayer?: boolean
  /**
   * Who may assume producer, consumer and replayer: services, or ARNs of roles.
   * @default ['ecs-tasks.amazonaws.com']
   */
  readonly assumedBy?: readonly string[]
  /**
   * Who may assume the operator's role: ARNs of roles.
   * @default every principal of the account that IAM allows it
   */
  readonly operatedBy?: readonly string[]
  /** Role that makes and changes the stack. Without it whoever has the right in IAM may let services use the keys. */
  readonly deployerArn?: string
  /** Role that alone, besides the deployer, may change the policies of the keys. Needs `deployerArn`. */
  readonly custodianArn?: string
  /** Role that reads what was delivered to the buckets. */
  readonly analystArn?: string
  /** Who moves the leases of a former table into that of the plan, and from where. For as long as that takes. */
  readonly migrator?: PlanMigrator
}

export interface PlanMigrator {
  readonly roleArn: string
  /** Name of the former lease table, in the same account and region. */
  readonly fromTable: string
}

export interface ResolvedRoles
  extends Required<Omit<PlanRoles, 'deployerArn' | 'custodianArn' | 'analystArn' | 'migrator'>> {
  readonly deployerArn: string | undefined
  readonly custodianArn: string | undefined
  readonly analystArn: string | undefined
  readonly migrator: PlanMigrator | undefined
}

export interface PlanAlarms {
  /** Topic of SNS that is told. @default none: the alarms are seen in CloudWatch alone */
  readonly topicArn?: string
  /** Age of the oldest record that was not read yet, in milliseconds. Range 1_000 to 31_536_000_000. @default 900_000 */
  readonly iteratorAgeMs?: number
  /** Age of the oldest record that a delivery stream holds, in seconds. Range 60 to 86_400. @default 1_800 */
  readonly freshnessSeconds?: number
}

export type ResolvedAlarms =
  | false
  | {
      readonly topicArn: string | undefined
      readonly iteratorAgeMs: number
      readonly freshnessSeconds: number
    }

export interface PlanLogs {
  /** One of the days that CloudWatch Logs knows. @default 365 */
  readonly retentionDays?: number
}

/** How delivered objects are kept from being changed or deleted. */
export interface PlanStorage {
  /**
   * Mode of S3 Object Lock. `COMPLIANCE` cannot be lifted by anybody before its time, not even with the account's root;
   * `off` is for a bucket that is emptied by hand.
   * @default 'GOVERNANCE'
   */
  readonly lockMode?: 'GOVERNANCE' | 'COMPLIANCE' | 'off'
  /** Range 1 to 36_500. Objects that Redshift loads from are locked for a day at most. @default 7 */
  readonly lockDays?: number
  /** Bucket of the access logs of the others. @default `<name>-access-logs` */
  readonly accessLogBucket?: string
  /** When delivered objects move to a storage class of Glacier, under the same keys, policies and locks. @default never */
  readonly archive?: {
    /** Range 1 to 36_500. */
    readonly afterDays: number
    /** @default 'DEEP_ARCHIVE' */
    readonly storageClass?: 'GLACIER_IR' | 'GLACIER' | 'DEEP_ARCHIVE'
  }
}

export interface ResolvedStorage extends Required<Omit<PlanStorage, 'archive'>> {
  readonly archive: Required<NonNullable<PlanStorage['archive']>> | undefined
}

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const retentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]

/** @throws InvalidOptionError, also for two roles of one name */
export function resolveRoles(value: PlanRoles | undefined, pipelineName: string): ResolvedRoles {
  const roles = section('roles', value, [
    'producerName',
    'consumerName',
    'replayerName',
    'operatorName',
    'replayer',
    'assumedBy',
    'operatedBy',
    'deployerArn',
    'custodianArn',
    'analystArn',
    'migrator'
  ])
  const nameOf = (role: 'producer' | 'consumer' | 'replayer' | 'operator'): string =>
    checkRoleName(`roles.${role}Name`, roles[`${role}Name`] ?? `${pipelineName}-${role}`)
  const arnOf = (member: 'deployerArn' | 'custodianArn' | 'analystArn'): string | undefined =>
    roles[member] === undefined ? undefined : checkRoleArn(`roles.${member}`, roles[member])
  const resolved = {
    producerName: nameOf('producer'),
    consumerName: nameOf('consumer'),
    replayerName: nameOf('replayer'),
    operatorName: nameOf('operator'),
    replayer: checkBoolean('roles.replayer', roles.replayer ?? true),
    assumedBy: checkPrincipals('roles.assumedBy', roles.assumedBy ?? ['ecs-tasks.amazonaws.com']),
    operatedBy: checkArns('roles.operatedBy', roles.operatedBy ?? []),
    deployerArn: arnOf('deployerArn'),
    custodianArn: arnOf('custodianArn'),
    analystArn: arnOf('analystArn'),
    migrator: roles.migrator === undefined ? undefined : resolveMigrator(roles.migrator)
  }
  const made = ['producerName', 'consumerName', 'replayerName', 'operatorName'] as const
  const twice = made.find((member, index) =>
    made.slice(0, index).some(other => resolved[other] === resolved[member])
  )
  if (twice !== undefined) {
    throw new InvalidOptionError(`roles.${twice}`, 'is that of another role: no role may do what two are for')
  }
  if (resolved.custodianArn !== undefined && resolved.deployerArn === undefined) {
    throw new InvalidOptionError(
      'roles.custodianArn',
      'needs roles.deployerArn: KMS refuses a policy that whoever sets it could not change'
    )
  }
  return resolved
}

function resolveMigrator(value: PlanMigrator): PlanMigrator {
  const { roleArn, fromTable } = section('roles.migrator', value, ['roleArn', 'fromTable'])
  return {
    roleArn: checkRoleArn('roles.migrator.roleArn', roleArn),
    fromTable: checkApplicationName('roles.migrator.fromTable', fromTable)
  }
}

/** @throws InvalidOptionError */
export function resolveAlarms(value: boolean | PlanAlarms | undefined): ResolvedAlarms {
  if (value === false) return false
  const alarms = section('alarms', value === true ? undefined : value, [
    'topicArn',
    'iteratorAgeMs',
    'freshnessSeconds'
  ])
  const age = alarms.iteratorAgeMs ?? 900_000
  return {
    topicArn:
      alarms.topicArn === undefined ? undefined : checkArn('alarms.topicArn', alarms.topicArn, 'sns', /./),
    iteratorAgeMs: checkInteger('alarms.iteratorAgeMs', age, 1_000, 31_536_000_000),
    freshnessSeconds: checkInteger('alarms.freshnessSeconds', alarms.freshnessSeconds ?? 1_800, 60, 86_400)
  }
}

/** @throws InvalidOptionError */
export function resolveLogs(value: PlanLogs | undefined): Required<PlanLogs> {
  const { retentionDays = 365 } = section('logs', value, ['retentionDays'])
  if (retentions.includes(retentionDays)) return { retentionDays }
  throw new InvalidOptionError('logs.retentionDays', `expected one of ${retentions.join(', ')}`)
}

/** @throws InvalidOptionError */
export function resolveStorage(value: PlanStorage | undefined, pipelineName: string): ResolvedStorage {
  const storage = section('storage', value, ['lockMode', 'lockDays', 'accessLogBucket', 'archive'])
  const modes = ['GOVERNANCE', 'COMPLIANCE', 'off'] as const
  const lockMode = checkOneOf('storage.lockMode', storage.lockMode ?? 'GOVERNANCE', modes)
  if (lockMode === 'off' && storage.lockDays !== undefined) {
    throw new InvalidOptionError('storage.lockDays', "does not go with storage.lockMode 'off'")
  }
  const logs = storage.accessLogBucket ?? `${pipelineName}-access-logs`
  return {
    lockMode,
    lockDays: checkInteger('storage.lockDays', storage.lockDays ?? 7, 1, 36_500),
    accessLogBucket: checkBucketName('storage.accessLogBucket', logs),
    archive: storage.archive === undefined ? undefined : resolveArchive(storage.archive)
  }
}

function resolveArchive(value: NonNullable<PlanStorage['archive']>): ResolvedStorage['archive'] {
  const { afterDays, storageClass } = section('storage.archive', value, ['afterDays', 'storageClass'])
  const classes = ['GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'] as const
  return {
    afterDays: checkInteger('storage.archive.afterDays', afterDays, 1, 36_500),
    storageClass: checkOneOf('storage.archive.storageClass', storageClass ?? 'DEEP_ARCHIVE', classes)
  }
}

/** Services by name, roles by ARN. Nobody else: a whole account, or everybody, would be no separation. */
function checkPrincipals(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidOptionError(option, "expected a list, such as ['ecs-tasks.amazonaws.com']")
  }
  return value.map((principal: unknown, index) => {
    const name = checkString(`${option}[${index}]`, principal)
    return /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(name)
      ? name
      : checkRoleArn(`${option}[${index}]`, name)
  })
}

function checkArns(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new InvalidOptionError(option, 'expected a list of ARNs of roles')
  return value.map((arn: unknown, index) => checkRoleArn(`${option}[${index}]`, arn))
}
