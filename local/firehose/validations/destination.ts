import type { ProcessingSettings } from '../processing/settings.ts'
import type { DestinationSettings } from '../settings.ts'
import { parseProcessing } from './processing.ts'
import { parseRedshift } from './redshift.ts'
import { parseExtendedS3, parseS3 } from './s3.ts'
import { parseSearch } from './search.ts'
import { invalid, lowerFirst, type Members, Shape } from './shape.ts'
import { parseSplunk } from './splunk.ts'

/** A destination as it was given, so that an update can say what changes alone. */
export interface GivenDestination {
  readonly family: Family
  readonly configuration: Members
  readonly settings: DestinationSettings
  readonly processing: ProcessingSettings
}

export interface DestinationRules {
  /** Address of the search domain that an ARN stands for; undefined when there is none. */
  domainUrl(arn: string): string | undefined
  /** ClusterJDBCURL of the Redshift receiver; undefined when there is none. */
  redshiftUrl(): string | undefined
}

const families = [
  'ExtendedS3',
  'S3',
  'Elasticsearch',
  'Amazonopensearchservice',
  'Splunk',
  'Redshift'
] as const
type Family = (typeof families)[number]

/** The destination of a CreateDeliveryStream request: shapes first, meaning afterwards, as the service does it. */
export function parseDestination(input: Members, rules: DestinationRules): GivenDestination {
  const { family, member } = onlyDestination(input, 'DestinationConfiguration')
  const configuration = (input[member] ?? {}) as Members
  const shape = new Shape(configuration, lowerFirst(member))
  return {
    family,
    configuration,
    settings: parse(family, shape, 'S3Configuration', rules),
    processing: processingOf(family, shape)
  }
}

/** What an UpdateDestination request makes of `previous`: members that it leaves out stay. */
export function updateDestination(
  previous: GivenDestination,
  input: Members,
  rules: DestinationRules
): GivenDestination {
  const { family, member } = onlyDestination(input, 'DestinationUpdate')
  const { S3Update, S3BackupUpdate, ...update } = (input[member] ?? {}) as Members
  const isSameType = typeOf(family) === typeOf(previous.family)
  const fixed = [family, previous.family].find(isFixedType)
  if (!isSameType && fixed !== undefined) {
    throw invalid(`Changing the destination type to or from ${fixed} is not supported at this time.`)
  }
  // Another type replaces everything, the same one keeps what is not mentioned.
  const kept = isSameType ? withoutReplaced(previous.configuration, update) : {}
  const s3 = { ...((kept.S3Configuration ?? {}) as object), ...((S3Update ?? {}) as object) }
  const backup = { ...((kept.S3BackupConfiguration ?? {}) as object), ...((S3BackupUpdate ?? {}) as object) }
  const configuration = {
    ...kept,
    ...update,
    ...(Object.keys(backup).length === 0 ? {} : { S3BackupConfiguration: backup }),
    // Updates of an index have no such member: what its backup takes is chosen once.
    ...(isFixedType(family) ? { S3BackupMode: kept.S3BackupMode } : {}),
    ...(typeOf(family) === 'S3' ? {} : { S3Configuration: s3 })
  }
  // An update of the older kind leaves alone what the extended one has besides.
  const parsedAs = typeOf(family) === 'S3' ? 'ExtendedS3' : family
  const shape = new Shape(configuration, lowerFirst(member))
  const settings = parse(parsedAs, shape, 'S3Update', rules)
  if (keepsAll(kept.S3BackupMode) && !keepsAll(configuration.S3BackupMode)) {
    throw invalid('S3BackupMode can be enabled and not disabled.')
  }
  if (partitions(settings) !== partitions(previous.settings)) {
    throw invalid('Dynamic partitioning can be enabled or disabled only when the delivery stream is created.')
  }
  return { family: parsedAs, configuration, settings, processing: processingOf(parsedAs, shape) }
}

/** The two ways to name a cluster exclude each other: a new one takes the place of the old. */
function withoutReplaced(configuration: Members, update: Members): Members {
  const { DomainARN, ClusterEndpoint, ...rest } = configuration
  return update.DomainARN === undefined && update.ClusterEndpoint === undefined ? configuration : rest
}

function partitions(settings: DestinationSettings): boolean {
  return settings.kind === 's3' && settings.partitioning !== undefined
}

function keepsAll(backupMode: unknown): boolean {
  return backupMode === 'AllEvents' || backupMode === 'Enabled' || backupMode === 'AllDocuments'
}

function onlyDestination(
  input: Members,
  suffix: string
): { readonly family: Family; readonly member: string } {
  const given = Object.keys(input).filter(name => name.endsWith(suffix) && input[name] !== undefined)
  if (given.length !== 1) {
    throw invalid('Exactly one destination configuration is supported for a Firehose')
  }
  const member = given[0]!
  const family = families.find(name => member === `${name}${suffix}`)
  if (family === undefined) throw invalid(`${member} is not implemented by the local engine`)
  return { family, member }
}

function parse(family: Family, shape: Shape, s3Member: string, rules: DestinationRules): DestinationSettings {
  const backupMember = s3Member === 'S3Update' ? 'S3BackupUpdate' : 'S3BackupConfiguration'
  switch (family) {
    case 'ExtendedS3':
      return parseExtendedS3(shape, backupMember)
    case 'S3':
      return parseS3(shape)
    case 'Elasticsearch':
    case 'Amazonopensearchservice':
      return parseSearch(shape, family, s3Member, arn => rules.domainUrl(arn))
    case 'Splunk':
      return parseSplunk(shape, s3Member)
    case 'Redshift':
      return parseRedshift(shape, s3Member, backupMember, rules.redshiftUrl())
  }
}

function processingOf(family: Family, shape: Shape): ProcessingSettings {
  return parseProcessing(shape, {
    mayAppendDelimiter: typeOf(family) === 'S3',
    // 256 KB for Splunk, whose own buffer is small (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html).
    transformBufferMiB: family === 'Splunk' ? 0.25 : 1
  })
}

/** Both configurations of S3 are the same destination. */
function typeOf(family: Family): Family {
  return family === 'ExtendedS3' ? 'S3' : family
}

/** A delivery stream to an index never becomes one to anything else, nor the other way round. */
function isFixedType(family: Family): boolean {
  return family === 'Elasticsearch' || family === 'Amazonopensearchservice'
}
