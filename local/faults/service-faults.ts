import { AwsError } from '../aws-json.ts'
import type { Fault } from './fault.ts'

/** Services and receivers that faults can be scripted for. */
export const faultServices = [
  'kinesis',
  'dynamodb',
  'kms',
  's3',
  'sqs',
  'firehose',
  'search',
  'hec',
  'redshift'
] as const
export type FaultService = (typeof faultServices)[number]

export interface ServiceFaults {
  /** What the service answers to an operation when it is asked too often; `name` is that of its resource. */
  readonly throttle: (operation: string, name: string | undefined) => Fault
  /** Operations whose entries fail one by one. */
  readonly batches: readonly string[]
  /** Error codes of such an entry; the first is the default. */
  readonly entryErrors: readonly string[]
}

/** How each service fails, in its own words (API references of the services). */
export const serviceFaults: Readonly<Record<FaultService, ServiceFaults>> = {
  kinesis: {
    throttle: (operation, name) =>
      ['PutRecord', 'PutRecords', 'GetRecords', 'GetShardIterator'].includes(operation)
        ? error('ProvisionedThroughputExceededException', `Rate exceeded for stream ${name ?? ''}.`)
        : error('LimitExceededException', `Rate exceeded for ${operation}.`),
    batches: ['PutRecords'],
    entryErrors: ['ProvisionedThroughputExceededException', 'InternalFailure']
  },
  dynamodb: {
    throttle: operation =>
      /Item|^Query$|^Scan$/.test(operation)
        ? error(
            'ProvisionedThroughputExceededException',
            'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.'
          )
        : error('ThrottlingException', 'Rate of requests exceeds the allowed throughput.'),
    batches: ['BatchWriteItem'],
    // DynamoDB names no reason: what was not done comes back as UnprocessedItems.
    entryErrors: ['Unprocessed']
  },
  kms: {
    throttle: () =>
      error(
        'ThrottlingException',
        'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'
      ),
    batches: [],
    entryErrors: []
  },
  s3: {
    throttle: () => error('SlowDown', 'Please reduce your request rate.', 503),
    batches: [],
    entryErrors: []
  },
  sqs: {
    throttle: () => error('RequestThrottled', 'The request was denied due to request throttling.'),
    batches: ['SendMessageBatch', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'],
    entryErrors: ['InternalError', 'ServiceUnavailable', 'RequestThrottled']
  },
  firehose: {
    throttle: operation =>
      ['PutRecord', 'PutRecordBatch'].includes(operation)
        ? error('ServiceUnavailableException', 'Slow down.', 503)
        : error('ThrottlingException', 'Rate exceeded'),
    batches: ['PutRecordBatch'],
    entryErrors: ['ServiceUnavailableException', 'InternalFailure']
  },
  search: {
    throttle: () => {
      const type = 'es_rejected_execution_exception'
      const reason = { type, reason: 'rejected execution of coordinating operation' }
      return {
        kind: 'answer',
        status: 429,
        body: { error: { root_cause: [reason], ...reason }, status: 429 }
      }
    },
    batches: ['_bulk'],
    entryErrors: [
      'es_rejected_execution_exception',
      'unavailable_shards_exception',
      'document_parsing_exception'
    ]
  },
  hec: {
    throttle: () => ({ kind: 'answer', status: 503, body: { text: 'Server is busy', code: 9 } }),
    batches: [],
    entryErrors: []
  },
  redshift: {
    throttle: () => error('ConnectionFailed', 'the database takes no more connections'),
    batches: [],
    entryErrors: []
  }
}

/** What a proxy answers whose service does not. */
export const badGateway: Fault = {
  kind: 'answer',
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n'
}

/** Operations that KMS refuses with a disabled key. */
export const keyUses: readonly string[] = [
  'Encrypt',
  'Decrypt',
  'ReEncrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext'
]

function error(type: string, message: string, status?: number): Fault {
  return { kind: 'error', error: new AwsError(type, message, status) }
}
