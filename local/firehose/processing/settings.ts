/** How one record is taken apart into several. */
export type DeAggregation =
  /** JSON objects, one behind the other. */
  { readonly subRecords: 'JSON' } | { readonly subRecords: 'DELIMITED'; readonly delimiter: Buffer }

/** A Lambda function that records go through, with every default filled in. */
export interface TransformSettings {
  readonly lambdaArn: string
  /** Invocations after the first one. */
  readonly retries: number
  readonly bufferSizeMiB: number
  readonly bufferIntervalSeconds: number
}

/** What happens to records before they are buffered for their destination. */
export interface ProcessingSettings {
  readonly deAggregation: DeAggregation | undefined
  readonly transform: TransformSettings | undefined
}

export const noProcessing: ProcessingSettings = { deAggregation: undefined, transform: undefined }
