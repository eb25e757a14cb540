import { checkBoolean, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { ResolvedDestination, ResolvedS3Destination } from './destinations.ts'
import { itemsOf, section } from './plan-checks.ts'
import { checkSecretId } from './plan-names.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/** The Glue Data Catalog: a database of what is delivered, under the key of the services. Needs `roles.deployerArn`. */
export interface PlanGlue {
  /** 1 to 255 lower-case letters, digits and underscores. @default the pipeline's name, with `_` for each hyphen */
  readonly database?: string
  /** Delivery streams whose records become columns. @default [] */
  readonly conversions?: readonly PlanConversion[]
  /** Connection to a database that is there. @default none */
  readonly connection?: PlanJdbcConnection
  /**
   * Whether the encryption of the catalogue is set, which an account has one of in each region: for all its databases.
   * @default true
   */
  readonly catalogSettings?: boolean
}

/** What is made of the JSON objects of an S3 destination. */
export interface PlanConversion {
  /**
   * Of a destination of kind `s3`, with `framing: 'ndjson'`, `deliver: 'plaintext'`, no compression and no packing, and with a
   * `bufferSizeMiB` of at least 64.
   */
  readonly deliveryStreamName: string
  readonly format: 'parquet' | 'orc'
  /** 1 to 255 lower-case letters, digits and underscores. @default the delivery stream's name, with `_` for what else it has */
  readonly table?: string
  /** Name of a member of the objects -> type of Hive, such as `bigint` or `array<string>`. */
  readonly columns: Readonly<Record<string, string>>
}

/** From the network of the plan, by TLS alone. */
export interface PlanJdbcConnection {
  /** 1 to 255 letters, digits, `_` and `-`. @default the pipeline's name */
  readonly name?: string
  /** `jdbc:<protocol>://host:port/database`, without credentials. */
  readonly jdbcUrl: string
  /** ARN or name of the secret in Secrets Manager with user and password. */
  readonly secret: string
  /** Zone of the first subnet of the network, such as `eu-west-1a`. @default none: the subnet tells */
  readonly availabilityZone?: string
}

export interface ResolvedGlue {
  readonly database: string
  readonly conversions: readonly ResolvedConversion[]
  readonly connection: ResolvedConnection | undefined
  readonly catalogSettings: boolean
}

export interface ResolvedConnection extends Required<Omit<PlanJdbcConnection, 'availabilityZone'>> {
  readonly availabilityZone: string | undefined
}

export interface ResolvedConversion extends Required<Omit<PlanConversion, 'columns'>> {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

/** Smallest buffer that Firehose takes with a conversion (https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html). */
const leastConvertedMiB = 64

/** @throws InvalidOptionError, also for a destination that cannot be converted */
export function resolveGlue(
  value: PlanGlue,
  { name, destinations, network }: ServiceSurroundings
): ResolvedGlue {
  const path = 'services.glue'
  const glue = section(path, value, ['database', 'conversions', 'connection', 'catalogSettings'])
  const conversions = itemsOf<PlanConversion>(`${path}.conversions`, glue.conversions ?? []).map(
    (conversion, index) => resolveConversion(`${path}.conversions[${index}]`, conversion, destinations)
  )
  for (const member of ['deliveryStreamName', 'table'] as const) {
    const twice = conversions.findIndex(
      (conversion, index) => conversions.findIndex(other => other[member] === conversion[member]) < index
    )
    if (twice === -1) continue
    throw new InvalidOptionError(`${path}.conversions[${twice}].${member}`, 'is that of another conversion')
  }
  if (glue.connection !== undefined && network === undefined) {
    throw new InvalidOptionError(`${path}.connection`, 'needs network, from which it is made')
  }
  return {
    database: checkTableName(`${path}.database`, glue.database ?? tableName(name)),
    conversions,
    connection: glue.connection === undefined ? undefined : resolveConnection(glue.connection, name),
    catalogSettings: checkBoolean(`${path}.catalogSettings`, glue.catalogSettings ?? true)
  }
}

function resolveConversion(
  path: string,
  value: PlanConversion,
  destinations: readonly ResolvedDestination[]
): ResolvedConversion {
  const conversion = section(path, value, ['deliveryStreamName', 'format', 'table', 'columns'])
  const deliveryStreamName = checkString(`${path}.deliveryStreamName`, conversion.deliveryStreamName)
  const index = destinations.findIndex(each => each.deliveryStreamName === deliveryStreamName)
  const destination = destinations[index]
  if (destination?.kind !== 's3') {
    throw new InvalidOptionError(`${path}.deliveryStreamName`, "expected that of a destination of kind 's3'")
  }
  checkConvertible(`destinations[${index}]`, destination)
  return {
    deliveryStreamName,
    format: checkOneOf(`${path}.format`, conversion.format, ['parquet', 'orc']),
    table: checkTableName(`${path}.table`, conversion.table ?? tableName(deliveryStreamName)),
    columns: checkColumns(`${path}.columns`, conversion.columns)
  }
}

/** What Firehose would refuse, or could not read. */
function checkConvertible(path: string, destination: ResolvedS3Destination): void {
  const { framing, deliver, compression, packing, bufferSizeMiB, prefix } = destination
  const because = 'with services.glue.conversions'
  if (deliver !== 'plaintext') {
    throw new InvalidOptionError(
      `${path}.deliver`,
      `expected 'plaintext' ${because}: sealed bytes have no columns`
    )
  }
  if (framing !== 'ndjson') {
    throw new InvalidOptionError(`${path}.framing`, `expected 'ndjson' ${because}`)
  }
  if (compression !== 'UNCOMPRESSED') {
    throw new InvalidOptionError(
      `${path}.compression`,
      `expected 'UNCOMPRESSED' ${because}: columns are compressed by themselves`
    )
  }
  if (packing !== false) throw new InvalidOptionError(`${path}.packing`, `expected false ${because}`)
  if (bufferSizeMiB < leastConvertedMiB) {
    throw new InvalidOptionError(
      `${path}.bufferSizeMiB`,
      `expected ${leastConvertedMiB} at least ${because}, found ${bufferSizeMiB}`
    )
  }
  if (prefix.includes('!{')) {
    throw new InvalidOptionError(`${path}.prefix`, `cannot hold an expression ${because}: the table names it`)
  }
}

function checkColumns(path: string, value: unknown): ResolvedConversion['columns'] {
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    Object.keys(value).length === 0
  ) {
    throw new InvalidOptionError(path, "expected an object, such as { id: 'bigint' }")
  }
  return Object.entries(value).map(([name, type]: [string, unknown]) => {
    if (!/^[a-z0-9_]{1,255}$/.test(name)) {
      throw new InvalidOptionError(path, 'expected names of lower-case letters, digits and underscores')
    }
    const text = checkString(`${path}.${name}`, type)
    if (/^[a-z]+[a-z0-9_<>,:() ]*$/.test(text)) return { name, type: text }
    throw new InvalidOptionError(
      `${path}.${name}`,
      'expected a type of Hive, such as bigint or array<string>'
    )
  })
}

function resolveConnection(value: PlanJdbcConnection, pipelineName: string): ResolvedConnection {
  const path = 'services.glue.connection'
  const connection = section(path, value, ['name', 'jdbcUrl', 'secret', 'availabilityZone'])
  const name = checkString(`${path}.name`, connection.name ?? pipelineName)
  if (!/^[\w-]{1,255}$/.test(name)) {
    throw new InvalidOptionError(`${path}.name`, "expected 1 to 255 letters, digits, '_' and '-'")
  }
  const zone = connection.availabilityZone
  if (zone !== undefined && !/^[a-z]{2}(-[a-z0-9]+)+$/.test(checkString(`${path}.availabilityZone`, zone))) {
    throw new InvalidOptionError(
      `${path}.availabilityZone`,
      'expected the name of a zone, such as eu-west-1a'
    )
  }
  return {
    name,
    jdbcUrl: checkJdbcAddress(`${path}.jdbcUrl`, connection.jdbcUrl),
    secret: checkSecretId(`${path}.secret`, connection.secret),
    availabilityZone: zone
  }
}

/** Not quoted: an address may hold credentials, which is why it is refused. */
function checkJdbcAddress(option: string, value: unknown): string {
  const url = checkString(option, value)
  if (!/^jdbc:[a-z0-9]+:\/\/[\w.-]+(:\d+)?\/\w/.test(url)) {
    throw new InvalidOptionError(option, "expected 'jdbc:<protocol>://host:port/database'")
  }
  if (!/@|[?&;](user|uid|username|password|pwd)=/i.test(url)) return url
  throw new InvalidOptionError(option, 'cannot hold credentials: expected them in the secret')
}

/** What the catalogue takes as a name: Athena and Hive know no capitals and no hyphens. */
function tableName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
}

function checkTableName(option: string, value: unknown): string {
  const name = checkString(option, value)
  if (/^[a-z0-9_]{1,255}$/.test(name)) return name
  throw new InvalidOptionError(option, 'expected 1 to 255 lower-case letters, digits and underscores')
}
