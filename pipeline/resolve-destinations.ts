import { checkInteger, checkKnownOptions, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type {
  DestinationKind,
  PlanCompression,
  PlanDelivery,
  PlanFraming,
  PlanPacking,
  ResolvedDestination,
  ResolvedRedshiftDestination,
  ResolvedS3Destination,
  ResolvedSearchDestination,
  ResolvedSplunkDestination
} from './destinations.ts'
import { checkText } from './plan-checks.ts'
import { checkBucketName, checkDeliveryStreamName, checkSecretId } from './plan-names.ts'
import { checkSecret } from './secret.ts'

/** A ledger keeps one bit of each destination for every record. */
export const maxDestinations = 16

interface KindRules {
  /** How records can be told apart at the destination. */
  readonly framings: readonly PlanFraming[]
  /** Whether it glues records together, so that one may stand for several, and for lines that are no JSON. */
  readonly glues: boolean
  /**
   * Largest buffering hints, in MiB and in seconds: those of S3, which Redshift loads from, and of each
   * BufferingHints (https://docs.aws.amazon.com/firehose/latest/APIReference/API_Types.html).
   */
  readonly maxBufferMiB: number
  readonly maxBufferSeconds: number
  readonly members: readonly string[]
}

const common = [
  'kind',
  'deliveryStreamName',
  'framing',
  'bucket',
  'prefix',
  'roleArn',
  'bufferSizeMiB',
  'bufferIntervalSeconds',
  'deliver',
  'recordIdField',
  'packing'
]

const search: KindRules = {
  framings: ['ndjson'],
  glues: false,
  maxBufferMiB: 100,
  maxBufferSeconds: 900,
  members: [...common, 'indexName', 'indexRotation', 'endpoint', 'domainArn', 'retrySeconds']
}

const rules: Readonly<Record<DestinationKind, KindRules>> = {
  s3: {
    framings: ['ndjson', 'lines', 'none'],
    glues: true,
    maxBufferMiB: 128,
    maxBufferSeconds: 900,
    members: [...common, 'compression']
  },
  elasticsearch: search,
  opensearch: search,
  redshift: {
    framings: ['ndjson', 'lines'],
    glues: true,
    maxBufferMiB: 128,
    maxBufferSeconds: 900,
    members: [
      ...common,
      'compression',
      'jdbcUrl',
      'table',
      'columns',
      'copyOptions',
      'username',
      'password',
      'secret',
      'retrySeconds'
    ]
  },
  splunk: {
    framings: ['ndjson', 'lines'],
    glues: true,
    maxBufferMiB: 5,
    maxBufferSeconds: 60,
    members: [...common, 'endpoint', 'endpointType', 'token', 'secret', 'ackTimeoutSeconds', 'retrySeconds']
  }
}

const kinds = Object.keys(rules) as DestinationKind[]
const rotations = ['NoRotation', 'OneHour', 'OneDay', 'OneWeek', 'OneMonth'] as const

/** One destination as it was given, none of its members checked. */
interface Given {
  /** Path of the destination, such as `destinations[1]`. */
  readonly option: string
  readonly pipelineName: string
  readonly members: Readonly<Partial<Record<string, unknown>>>
}

/**
 * Checks the list and fills in its defaults.
 * @throws InvalidOptionError naming the member, such as `destinations[1].framing`; secrets are never quoted
 */
export function resolveDestinations(value: unknown, pipelineName: string): readonly ResolvedDestination[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxDestinations) {
    throw new InvalidOptionError(
      'destinations',
      `expected a list of 1 to ${maxDestinations} destinations, such as [{ kind: 's3' }]`
    )
  }
  const destinations = value.map((destination: unknown, index) =>
    resolveDestination(`destinations[${index}]`, destination, pipelineName)
  )
  for (const [index, { deliveryStreamName }] of destinations.entries()) {
    const first = destinations.findIndex(other => other.deliveryStreamName === deliveryStreamName)
    if (first === index) continue
    throw new InvalidOptionError(
      `destinations[${index}].deliveryStreamName`,
      `'${deliveryStreamName}' is that of destinations[${first}]: expected a name of its own`
    )
  }
  const deliver = destinations[0]?.deliver
  const other = destinations.findIndex(destination => destination.deliver !== deliver)
  if (other > 0) {
    throw new InvalidOptionError(
      `destinations[${other}].deliver`,
      `'${destinations[other]?.deliver}' does not go with '${deliver}' of destinations[0]: a worker opens all records or none`
    )
  }
  return destinations
}

function resolveDestination(option: string, value: unknown, pipelineName: string): ResolvedDestination {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(option, "expected an object, such as { kind: 's3' }")
  }
  const given: Given = { option, pipelineName, members: { ...value } }
  const kind = checkOneOf(`${option}.kind`, given.members.kind, kinds)
  checkKnownOptions(option, value, rules[kind].members)
  switch (kind) {
    case 's3':
      return s3Destination(given)
    case 'elasticsearch':
    case 'opensearch':
      return searchDestination(given, kind)
    case 'redshift':
      return redshiftDestination(given)
    case 'splunk':
      return splunkDestination(given)
  }
}

function s3Destination(given: Given): ResolvedS3Destination {
  return {
    ...commonMembers(given, 's3', { bucket: `${given.pipelineName}-delivered`, prefix: 'records/' }),
    kind: 's3',
    compression: compressionOf(given)
  }
}

function searchDestination(given: Given, kind: ResolvedSearchDestination['kind']): ResolvedSearchDestination {
  const { option, members, pipelineName } = given
  const { endpoint, domainArn } = members
  if ((endpoint === undefined) === (domainArn === undefined)) {
    throw new InvalidOptionError(`${option}.endpoint`, 'expected exactly one of endpoint and domainArn')
  }
  const indexName = checkString(`${option}.indexName`, members.indexName ?? pipelineName)
  if (indexName.length > 80) {
    throw new InvalidOptionError(
      `${option}.indexName`,
      `expected 1 to 80 characters, found ${indexName.length}`
    )
  }
  return {
    ...commonMembers(given, kind, backup(given, kind)),
    kind,
    framing: 'ndjson',
    indexName,
    indexRotation: checkOneOf(`${option}.indexRotation`, members.indexRotation ?? 'OneDay', rotations),
    endpoint: endpoint === undefined ? undefined : checkAddress(`${option}.endpoint`, endpoint),
    domainArn: domainArn === undefined ? undefined : checkString(`${option}.domainArn`, domainArn),
    retrySeconds: retrySecondsOf(given, 300)
  }
}

function redshiftDestination(given: Given): ResolvedRedshiftDestination {
  const { option, members } = given
  const compression = compressionOf(given)
  const { framing, ...others } = commonMembers(given, 'redshift', backup(given, 'redshift'))
  if (others.prefix.includes('!{')) {
    throw new InvalidOptionError(`${option}.prefix`, 'cannot hold an expression: Redshift takes none')
  }
  return {
    ...others,
    kind: 'redshift',
    framing: framing === 'lines' ? 'lines' : 'ndjson',
    compression,
    jdbcUrl: checkJdbcUrl(`${option}.jdbcUrl`, members.jdbcUrl),
    table: checkString(`${option}.table`, members.table),
    columns: checkColumns(`${option}.columns`, members.columns ?? []),
    copyOptions: copyOptionsOf(given, compression, framing),
    username: checkString(`${option}.username`, members.username),
    password: checkSecret(`${option}.password`, members.password),
    secret: members.secret === undefined ? undefined : checkSecretId(`${option}.secret`, members.secret),
    retrySeconds: retrySecondsOf(given, 3_600)
  }
}

/** COPY does not see by itself whether objects are compressed, nor what they are made of. */
function copyOptionsOf(
  { option, members }: Given,
  compression: PlanCompression,
  framing: PlanFraming
): string {
  const isCompressed = compression === 'GZIP'
  if (members.copyOptions === undefined) {
    if (framing === 'ndjson') return `JSON 'auto'${isCompressed ? ' GZIP' : ''}`
    throw new InvalidOptionError(`${option}.copyOptions`, `is missing: framing '${framing}' may be anything`)
  }
  const copyOptions = checkText(`${option}.copyOptions`, members.copyOptions)
  if (/\bgzip\b/i.test(copyOptions) !== isCompressed) {
    throw new InvalidOptionError(
      `${option}.copyOptions`,
      `expected ${isCompressed ? 'GZIP' : 'no GZIP'} with compression '${compression}'`
    )
  }
  return copyOptions
}

function splunkDestination(given: Given): ResolvedSplunkDestination {
  const { option, members } = given
  const endpointType = checkOneOf(`${option}.endpointType`, members.endpointType ?? 'Raw', ['Raw', 'Event'])
  const { framing, ...others } = commonMembers(given, 'splunk', backup(given, 'splunk'))
  if (endpointType === 'Event' && framing !== 'ndjson') {
    throw new InvalidOptionError(
      `${option}.framing`,
      `'${framing}' does not go with endpointType 'Event', which takes objects alone: expected 'ndjson'`
    )
  }
  return {
    ...others,
    kind: 'splunk',
    framing: framing === 'lines' ? 'lines' : 'ndjson',
    endpoint: checkAddress(`${option}.endpoint`, members.endpoint),
    endpointType,
    token: checkSecret(`${option}.token`, members.token),
    secret: members.secret === undefined ? undefined : checkSecretId(`${option}.secret`, members.secret),
    ackTimeoutSeconds: checkInteger(
      `${option}.ackTimeoutSeconds`,
      members.ackTimeoutSeconds ?? 180,
      180,
      600
    ),
    retrySeconds: retrySecondsOf(given, 300)
  }
}

interface Objects {
  readonly bucket: string
  readonly prefix: string
}

/** Where a destination that is not S3 keeps objects by default. */
function backup({ pipelineName }: Given, kind: DestinationKind): Objects {
  return { bucket: `${pipelineName}-${kind}`, prefix: '' }
}

function commonMembers(
  { option, members, pipelineName }: Given,
  kind: DestinationKind,
  objects: Objects
): Omit<ResolvedS3Destination, 'kind' | 'compression'> {
  const { maxBufferMiB, maxBufferSeconds } = rules[kind]
  const deliver = checkDelivery(option, members, kind)
  const framing = checkFraming(`${option}.framing`, framingOf(option, members.framing, deliver), kind)
  const size = members.bufferSizeMiB ?? 5
  const interval = members.bufferIntervalSeconds ?? 60
  return {
    deliveryStreamName: checkDeliveryStreamName(
      `${option}.deliveryStreamName`,
      members.deliveryStreamName ?? `${pipelineName}-${kind}`
    ),
    framing,
    deliver,
    packing: checkPacking(`${option}.packing`, members.packing ?? false, kind),
    recordIdField: checkRecordIdField(option, members.recordIdField, deliver, framing),
    bucket: checkBucketName(`${option}.bucket`, members.bucket ?? objects.bucket),
    prefix: checkText(`${option}.prefix`, members.prefix ?? objects.prefix),
    roleArn: checkString(`${option}.roleArn`, members.roleArn ?? 'arn:aws:iam::000000000000:role/firehose'),
    bufferSizeMiB: checkInteger(`${option}.bufferSizeMiB`, size, 1, maxBufferMiB),
    bufferIntervalSeconds: checkInteger(`${option}.bufferIntervalSeconds`, interval, 0, maxBufferSeconds)
  }
}

function checkDelivery(option: string, members: Given['members'], kind: DestinationKind): PlanDelivery {
  const deliver = checkOneOf(`${option}.deliver`, members.deliver ?? 'plaintext', ['plaintext', 'ciphertext'])
  if (deliver === 'plaintext' || rules[kind].glues) return deliver
  throw new InvalidOptionError(`${option}.deliver`, `'ciphertext' is no JSON, as ${kind} needs it`)
}

/** Sealed bytes are lines of base64. */
function framingOf(option: string, framing: unknown, deliver: PlanDelivery): unknown {
  if (deliver === 'plaintext') return framing ?? 'ndjson'
  if (framing === undefined || framing === 'lines') return 'lines'
  throw new InvalidOptionError(
    `${option}.framing`,
    "is 'lines' with deliver 'ciphertext', which makes one of base64 from each Kinesis record"
  )
}

function checkPacking(
  option: string,
  packing: unknown,
  kind: DestinationKind
): ResolvedS3Destination['packing'] {
  if (packing === false) return false
  if (!rules[kind].glues) {
    throw new InvalidOptionError(option, `does not go with kind '${kind}', where a record is a document`)
  }
  if (packing !== true && (typeof packing !== 'object' || packing === null || Array.isArray(packing))) {
    throw new InvalidOptionError(option, `expected true, false or its bounds, found ${typeof packing}`)
  }
  const bounds: PlanPacking = packing === true ? {} : packing
  checkKnownOptions(option, bounds, ['maxPackBytes', 'maxPackRecords'])
  return {
    maxPackBytes: checkInteger(`${option}.maxPackBytes`, bounds.maxPackBytes ?? 256_000, 1, 1_024_000),
    maxPackRecords: checkInteger(`${option}.maxPackRecords`, bounds.maxPackRecords ?? 500, 1, 100_000)
  }
}

function checkRecordIdField(
  option: string,
  value: unknown,
  deliver: PlanDelivery,
  framing: PlanFraming
): string | undefined {
  if (value === undefined) return undefined
  const name = checkString(`${option}.recordIdField`, value)
  if (deliver === 'plaintext' && framing === 'ndjson') return name
  throw new InvalidOptionError(
    `${option}.recordIdField`,
    "needs framing 'ndjson', and deliver 'plaintext': it is a member of a JSON object"
  )
}

function checkFraming(option: string, value: unknown, kind: DestinationKind): PlanFraming {
  const framing = checkOneOf(option, value, rules.s3.framings)
  const { framings } = rules[kind]
  if (framings.includes(framing)) return framing
  const accepted = framings.map(name => `'${name}'`).join(' or ')
  throw new InvalidOptionError(option, `'${framing}' does not go with kind '${kind}': expected ${accepted}`)
}

function compressionOf({ option, members }: Given): PlanCompression {
  const compression = members.compression ?? 'UNCOMPRESSED'
  return checkOneOf(`${option}.compression`, compression, ['UNCOMPRESSED', 'GZIP'])
}

function retrySecondsOf({ option, members }: Given, byDefault: number): number {
  return checkInteger(`${option}.retrySeconds`, members.retrySeconds ?? byDefault, 0, 7_200)
}

/** Not quoted: an address may hold credentials, which is why it is refused. */
function checkAddress(option: string, value: unknown): string {
  const address = checkString(option, value)
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidOptionError(option, 'expected an address of https, or of http for a local engine')
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidOptionError(option, 'cannot hold credentials')
  }
  return address
}

function checkJdbcUrl(option: string, value: unknown): string {
  const url = checkString(option, value)
  if (url === 'made') return url
  if (!/^jdbc:(redshift|postgresql):\/\/[^/]+\/./.test(url)) {
    throw new InvalidOptionError(option, "expected 'jdbc:redshift://host:port/database'")
  }
  if (url.includes('@') || /[?&;](user|uid|username|password|pwd)=/i.test(url)) {
    throw new InvalidOptionError(option, 'cannot hold credentials: expected them as username and password')
  }
  return url
}

function checkColumns(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new InvalidOptionError(option, 'expected a list of names')
  return value.map((name: unknown, index) => {
    const column = checkString(`${option}[${index}]`, name)
    if (!/[,()]/.test(column)) return column
    throw new InvalidOptionError(`${option}[${index}]`, 'expected one name')
  })
}
