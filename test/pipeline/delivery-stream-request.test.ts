import { expect, it } from 'vitest'
import { deliveryStreamRequest } from '../../pipeline/delivery-stream-request.ts'
import type { PlanDestination } from '../../pipeline/destinations.ts'
import { definePipeline } from '../../pipeline/plan.ts'

const RoleARN = 'arn:aws:iam::000000000000:role/firehose'
const BufferingHints = { SizeInMBs: 2, IntervalInSeconds: 30 }
const hints = { bufferSizeMiB: 2, bufferIntervalSeconds: 30 }

const request = (destination: PlanDestination) =>
  deliveryStreamRequest(
    definePipeline({ name: 'o', destinations: [destination] }).destinations[0]!,
    'destinations[0]'
  )

it('asks for S3, with an error prefix where the prefix holds an expression', () => {
  expect(request({ kind: 's3', compression: 'GZIP', prefix: 'y=!{timestamp:yyyy}/', ...hints })).toEqual({
    DeliveryStreamName: 'o-s3',
    DeliveryStreamType: 'DirectPut',
    ExtendedS3DestinationConfiguration: {
      RoleARN,
      BucketARN: 'arn:aws:s3:::o-delivered',
      Prefix: 'y=!{timestamp:yyyy}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      CompressionFormat: 'GZIP',
      BufferingHints
    }
  })
})

it.each([
  [
    'elasticsearch',
    { endpoint: 'https://h' },
    'ElasticsearchDestinationConfiguration',
    { ClusterEndpoint: 'https://h' }
  ],
  [
    'opensearch',
    { domainArn: 'arn:d' },
    'AmazonopensearchserviceDestinationConfiguration',
    { DomainARN: 'arn:d' }
  ]
] as const)('asks for %s by its endpoint or its domain', (kind, where, member, cluster) => {
  const { [member]: configuration, ...others } = request({
    kind,
    ...where,
    indexName: 'i',
    indexRotation: 'OneHour',
    retrySeconds: 0,
    ...hints
  })
  expect(others).toEqual({ DeliveryStreamName: `o-${kind}`, DeliveryStreamType: 'DirectPut' })
  expect(configuration).toEqual({
    RoleARN,
    IndexName: 'i',
    IndexRotationPeriod: 'OneHour',
    ...cluster,
    RetryOptions: { DurationInSeconds: 0 },
    BufferingHints,
    S3Configuration: { RoleARN, BucketARN: `arn:aws:s3:::o-${kind}`, Prefix: '' }
  })
})

it('asks for Redshift, which buffers at S3', () => {
  const destination = {
    kind: 'redshift',
    jdbcUrl: 'jdbc:redshift://h:5439/dev',
    table: 'orders',
    columns: ['id', 'v'],
    username: 'u',
    password: 'p',
    compression: 'GZIP',
    retrySeconds: 7_200,
    ...hints
  } as const
  const expected = {
    RoleARN,
    ClusterJDBCURL: 'jdbc:redshift://h:5439/dev',
    CopyCommand: {
      DataTableName: 'orders',
      DataTableColumns: 'id,v',
      CopyOptions: "JSON 'auto' GZIP"
    },
    Username: 'u',
    Password: 'p',
    RetryOptions: { DurationInSeconds: 7_200 },
    S3Configuration: {
      RoleARN,
      BucketARN: 'arn:aws:s3:::o-redshift',
      Prefix: '',
      CompressionFormat: 'GZIP',
      BufferingHints
    }
  }
  expect(request(destination).RedshiftDestinationConfiguration).toEqual(expected)
  const { columns: _, ...allColumns } = destination
  expect(request({ ...allColumns, copyOptions: 'GZIP' }).RedshiftDestinationConfiguration).toEqual({
    ...expected,
    CopyCommand: { DataTableName: 'orders', CopyOptions: 'GZIP' }
  })
})

it('asks for Splunk, and for its token where it is kept', () => {
  const destination = { kind: 'splunk', endpoint: 'https://h:8088', endpointType: 'Event', ...hints } as const
  expect(request({ ...destination, token: 't' }).SplunkDestinationConfiguration).toEqual({
    HECEndpoint: 'https://h:8088',
    HECEndpointType: 'Event',
    HECToken: 't',
    HECAcknowledgmentTimeoutInSeconds: 180,
    RetryOptions: { DurationInSeconds: 300 },
    BufferingHints,
    S3Configuration: { RoleARN, BucketARN: 'arn:aws:s3:::o-splunk', Prefix: '' }
  })
  expect(() => request({ ...destination, token: { env: 'SEALSTREAM_TEST_MISSING' } })).toThrow(
    'option destinations[0].token: the environment variable SEALSTREAM_TEST_MISSING is not set'
  )
})
