/** What lies behind the delivery stream. */
export const Destination = {
  s3: 's3',
  redshift: 'redshift',
  splunk: 'splunk',
  /** OpenSearch, too. */
  elasticsearch: 'elasticsearch',
  http: 'http'
} as const
export type Destination = (typeof Destination)[keyof typeof Destination]

/** Destinations that glue the records of a delivery stream together: there one record may stand for several. */
export const gluing: readonly Destination[] = [Destination.s3, Destination.redshift, Destination.splunk]
