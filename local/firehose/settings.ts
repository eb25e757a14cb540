import type { RotationPeriod } from './destinations/index-rotation.ts'

/** Objects of S3 that a delivery stream writes, with every default filled in. */
export interface S3Settings {
  readonly kind: 's3'
  readonly roleArn: string
  readonly bucketArn: string
  readonly bucket: string
  readonly prefix: string
  readonly errorOutputPrefix: string
  readonly compression: 'UNCOMPRESSED' | 'GZIP' | 'ZIP'
  /** With its dot; empty leaves the one of the compression. */
  readonly fileExtension: string
  readonly timeZone: string
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
  /** Key or alias that S3 encrypts the objects with; undefined leaves that to S3. */
  readonly kmsKeyArn?: string | undefined
  /** Whether a newline is put behind every record. */
  readonly appendDelimiter: boolean
  /** Set for dynamic partitioning: the prefix depends on the record. */
  readonly partitioning?: { readonly retrySeconds: number } | undefined
  /** Takes every record as it was put; undefined without such a backup, and for a backup itself. */
  readonly sourceBackup?: S3Settings | undefined
}

/** An index of Elasticsearch or OpenSearch, with every default filled in. */
export interface SearchSettings {
  readonly kind: 'search'
  /** The service's own name for it; members of requests and descriptions begin with it. */
  readonly family: 'Elasticsearch' | 'Amazonopensearchservice'
  readonly roleArn: string
  /** As given; empty when the cluster was given by its address. */
  readonly domainArn: string
  /** As given; empty when the domain was given by its ARN. */
  readonly clusterEndpoint: string
  /** Address without a slash at its end. */
  readonly endpoint: string
  readonly indexName: string
  /** Empty for clusters without types. */
  readonly typeName: string
  readonly rotationPeriod: RotationPeriod
  /** Whether ids are ours, the same on every attempt, and not made by the cluster. */
  readonly usesDocumentIds: boolean
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
  readonly retrySeconds: number
  readonly s3BackupMode: 'FailedDocumentsOnly' | 'AllDocuments'
  readonly s3: S3Settings
}

/** The HTTP Event Collector of Splunk, with every default filled in. */
export interface SplunkSettings {
  readonly kind: 'splunk'
  /** As given. */
  readonly hecEndpoint: string
  /** Address without a slash at its end; paths of the collector come behind it. */
  readonly endpoint: string
  readonly endpointType: 'Raw' | 'Event'
  readonly token: string
  readonly ackTimeoutSeconds: number
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
  readonly retrySeconds: number
  readonly s3BackupMode: 'FailedEventsOnly' | 'AllEvents'
  readonly s3: S3Settings
}

/** A table of Redshift, loaded by COPY from S3, with every default filled in. */
export interface RedshiftSettings {
  readonly kind: 'redshift'
  readonly roleArn: string
  readonly jdbcUrl: string
  readonly username: string
  readonly password: string
  /** With its schema, when there is one; as given, like all that becomes part of the statement. */
  readonly tableName: string
  /** Names with commas between them; empty for all columns. */
  readonly tableColumns: string
  readonly copyOptions: string
  readonly retrySeconds: number
  /** Where the objects lie that a COPY loads; its hints are those of the delivery stream. */
  readonly s3: S3Settings
  /** Takes every record as it was put; undefined without such a backup. */
  readonly sourceBackup: S3Settings | undefined
}

/** Where a delivery stream delivers to, and how. */
export type DestinationSettings = S3Settings | SearchSettings | SplunkSettings | RedshiftSettings
