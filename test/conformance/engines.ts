import type { ConformanceService } from './case.ts'

export const engines = ['embedded', 'kinesis-local', 'localstack', 'aws'] as const
export type ConformanceEngine = (typeof engines)[number]

/** What each engine has. */
export const servicesOf: Readonly<Record<ConformanceEngine, readonly ConformanceService[]>> = {
  embedded: ['kinesis', 'dynamodb', 'kms', 's3', 'sqs', 'firehose'],
  'kinesis-local': ['kinesis'],
  localstack: ['kinesis', 'dynamodb', 'kms', 's3', 'sqs', 'firehose'],
  aws: ['kinesis', 'dynamodb', 'kms', 's3', 'sqs', 'firehose']
}

/**
 * The engine of this run: `SEALSTREAM_TEST_ENGINE`, by default the embedded ones. AWS costs money and has to be meant:
 * besides, `SEALSTREAM_CONFORMANCE_AWS` must be `yes`.
 */
export function engineOfRun(): ConformanceEngine {
  const named = process.env.SEALSTREAM_TEST_ENGINE ?? 'embedded'
  // Our engines in a container are the embedded ones.
  const engine = named === 'container' ? 'embedded' : engines.find(one => one === named)
  if (engine === undefined) throw new Error(`SEALSTREAM_TEST_ENGINE: there is no engine ${named}`)
  if (engine === 'aws' && process.env.SEALSTREAM_CONFORMANCE_AWS !== 'yes') {
    throw new Error(
      'the suite makes resources that AWS charges for: say so by SEALSTREAM_CONFORMANCE_AWS=yes'
    )
  }
  return engine
}
