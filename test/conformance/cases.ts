import type { ConformanceCase } from './case.ts'
import { dynamodbCases } from './cases/dynamodb.ts'
import { firehoseCases } from './cases/firehose.ts'
import { kinesisCases } from './cases/kinesis.ts'
import { kmsCases } from './cases/kms.ts'
import { s3Cases } from './cases/s3.ts'
import { s3SettingCases } from './cases/s3-settings.ts'
import { s3VersionCases } from './cases/s3-versions.ts'
import { sqsCases } from './cases/sqs.ts'

/** Every case, in the order of the table. */
export const cases: readonly ConformanceCase[] = [
  ...kinesisCases,
  ...dynamodbCases,
  ...kmsCases,
  ...s3Cases,
  ...s3VersionCases,
  ...s3SettingCases,
  ...sqsCases,
  ...firehoseCases
]
