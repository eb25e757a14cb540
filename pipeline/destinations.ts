import type { Secret, SecretSource } from './secret.ts'

export type PlanFraming = 'ndjson' | 'lines' | 'none'
export type PlanCompression = 'UNCOMPRESSED' | 'GZIP'
export type PlanIndexRotation = 'NoRotation' | 'OneHour' | 'OneDay' | 'OneWeek' | 'OneMonth'

/** `plaintext`: opened records. `ciphertext`: Kinesis records as they were received. */
export type PlanDelivery = 'plaintext' | 'ciphertext'

/** Several small records in one Firehose record. */
export interface PlanPacking {
  /** Range 1 to 1_024_000. @default 256_000 */
  readonly maxPackBytes?: number
  /** Range 1 to 100_000; Firehose takes no more than 500 apart. @default 500 */
  readonly maxPackRecords?: number
}

/** What every destination has, besides its buffering. */
interface CommonMembers {
  /** 1 to 64 letters, digits and `_.-`. @default `<name>-<kind>` */
  readonly deliveryStreamName?: string
  /** Prefix of the object keys, see the Firehose documentation. @default 'records/' for `s3`, '' for the others */
  readonly prefix?: string
  /** Role that Firehose assumes; only used where the delivery stream has to be made. */
  readonly roleArn?: string
  /**
   * With `ciphertext` the workers need no right to any key; each Kinesis record becomes a line of base64, so there is no
   * `framing`. The same for all destinations, since a worker opens all records or none.
   * @default 'plaintext'
   */
  readonly deliver?: PlanDelivery
  /**
   * Name of a member that is put into each record, a JSON object: its stream, shard, sequence and sub-sequence number,
   * by which a destination can tell duplicates. Not with `deliver: 'ciphertext'`, and with `framing: 'ndjson'` alone.
   * @default none
   */
  readonly recordIdField?: string | undefined
  /**
   * Whether small records share a Firehose record, each of which is billed by 5 KiB. Not for `elasticsearch` and
   * `opensearch`, where a record is a document.
   * @default false
   */
  readonly packing?: boolean | PlanPacking
}

export interface PlanS3Destination extends CommonMembers {
  readonly kind: 's3'
  /** What stands between two records of an object. @default 'ndjson' */
  readonly framing?: PlanFraming
  /** @default `<name>-delivered` */
  readonly bucket?: string
  /** Range 1 to 128. @default 5 */
  readonly bufferSizeMiB?: number
  /** Range 0 to 900. @default 60 */
  readonly bufferIntervalSeconds?: number
  /** @default 'UNCOMPRESSED' */
  readonly compression?: PlanCompression
}

/** An index of Elasticsearch or OpenSearch: one document for each record. */
export interface PlanSearchDestination extends CommonMembers {
  readonly kind: 'elasticsearch' | 'opensearch'
  /** A document is one JSON object on one line. @default 'ndjson' */
  readonly framing?: 'ndjson'
  /** Bucket of the documents that could not be indexed. @default `<name>-<kind>` */
  readonly bucket?: string
  /** Range 1 to 100. @default 5 */
  readonly bufferSizeMiB?: number
  /** Range 0 to 900. @default 60 */
  readonly bufferIntervalSeconds?: number
  /** 1 to 80 characters. @default the pipeline's name */
  readonly indexName?: string
  /** How often a new index is begun, its name followed by the time. @default 'OneDay' */
  readonly indexRotation?: PlanIndexRotation
  /** Address of the cluster. Exactly one of `endpoint` and `domainArn`. */
  readonly endpoint?: string | undefined
  /** `'made'`: the domain of `services.openSearch`, for a template alone. */
  readonly domainArn?: string | undefined
  /** How long Firehose tries to index what failed. Range 0 to 7_200. @default 300 */
  readonly retrySeconds?: number
}

/** A table of Redshift, which Firehose fills by COPY from S3. It has to be there: nobody makes it. */
export interface PlanRedshiftDestination extends CommonMembers {
  readonly kind: 'redshift'
  /** `none` would leave nothing between two records. @default 'ndjson' */
  readonly framing?: 'ndjson' | 'lines'
  /** Bucket that COPY reads from. @default `<name>-redshift` */
  readonly bucket?: string
  /** Range 1 to 128. @default 5 */
  readonly bufferSizeMiB?: number
  /** Range 0 to 900. @default 60 */
  readonly bufferIntervalSeconds?: number
  /** Of the objects that COPY reads. @default 'UNCOMPRESSED' */
  readonly compression?: PlanCompression
  /**
   * `jdbc:redshift://host:port/database`, without credentials; or `'made'`: the cluster of `services.redshift`, for a
   * template alone.
   */
  readonly jdbcUrl: string
  readonly table: string
  /** Names of the columns that the records fill. @default all of the table */
  readonly columns?: readonly string[]
  /** Options of COPY. @default `JSON 'auto'`, with GZIP where the objects are compressed */
  readonly copyOptions?: string
  readonly username: string
  readonly password: SecretSource
  /**
   * ARN or name of the secret in Secrets Manager that a template has Firehose take user and password from. `provision()`
   * does not read it.
   * @default none: the plan makes no template
   */
  readonly secret?: string | undefined
  /** How long Firehose tries to load what failed. Range 0 to 7_200. @default 3_600 */
  readonly retrySeconds?: number
}

/** Splunk's HTTP Event Collector. */
export interface PlanSplunkDestination extends CommonMembers {
  readonly kind: 'splunk'
  /** `none` would leave nothing between two records; `lines` goes with the endpoint type `Raw`. @default 'ndjson' */
  readonly framing?: 'ndjson' | 'lines'
  /** Bucket of the events that Splunk did not take. @default `<name>-splunk` */
  readonly bucket?: string
  /** Range 1 to 5. @default 5 */
  readonly bufferSizeMiB?: number
  /** Range 0 to 60. @default 60 */
  readonly bufferIntervalSeconds?: number
  /** Address of the collector. */
  readonly endpoint: string
  /** `Raw`: each line is an event. `Event`: each record is an object with an `event` member. @default 'Raw' */
  readonly endpointType?: 'Raw' | 'Event'
  readonly token: SecretSource
  /**
   * ARN or name of the secret in Secrets Manager that a template has Firehose take the token from. `provision()`
   * does not read it.
   * @default none: the plan makes no template
   */
  readonly secret?: string | undefined
  /** How long Firehose waits for the acknowledgement of a batch. Range 180 to 600. @default 180 */
  readonly ackTimeoutSeconds?: number
  /** How long Firehose tries to deliver what failed. Range 0 to 7_200. @default 300 */
  readonly retrySeconds?: number
}

export type PlanDestination =
  | PlanS3Destination
  | PlanSearchDestination
  | PlanRedshiftDestination
  | PlanSplunkDestination

export type DestinationKind = PlanDestination['kind']

type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> }

/** Besides `Own`, every member has its value. */
type Resolved<T, Own extends keyof T = never> = Filled<Omit<T, Own | 'recordIdField' | 'packing'>> & {
  readonly recordIdField: string | undefined
  readonly packing: false | Filled<PlanPacking>
}

export type ResolvedS3Destination = Resolved<PlanS3Destination>

export interface ResolvedSearchDestination extends Resolved<PlanSearchDestination, 'endpoint' | 'domainArn'> {
  readonly endpoint: string | undefined
  readonly domainArn: string | undefined
}

export interface ResolvedRedshiftDestination
  extends Resolved<PlanRedshiftDestination, 'password' | 'secret'> {
  readonly password: Secret
  readonly secret: string | undefined
}

export interface ResolvedSplunkDestination extends Resolved<PlanSplunkDestination, 'token' | 'secret'> {
  readonly token: Secret
  readonly secret: string | undefined
}

/** A destination with every default filled in. Secrets do not show themselves, see `Secret`. */
export type ResolvedDestination =
  | ResolvedS3Destination
  | ResolvedSearchDestination
  | ResolvedRedshiftDestination
  | ResolvedSplunkDestination

/** What each destination is called in a count: its kind, or its delivery stream where there are several of a kind. */
export function destinationNames(
  destinations: readonly Pick<ResolvedDestination, 'kind' | 'deliveryStreamName'>[]
): readonly string[] {
  return destinations.map(({ kind, deliveryStreamName }) =>
    destinations.filter(other => other.kind === kind).length === 1 ? kind : deliveryStreamName
  )
}
