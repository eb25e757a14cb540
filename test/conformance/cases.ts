import type { ConformanceCase } from './case.ts'
import { dynamodbCases } from './cases/dynamodb.ts'
import { firehoseCases } from './cases/firehose.ts'
import { kinesisCases } from './cases/kinesis.ts'
import { kmsCases } from './cases/kms.ts'
import { s3Cases } from './cases/s3.ts'
import { sqsCases } from './cases/sqs.ts'

/** Every case, in the order of the table. */
export const cases: readonly ConformanceCase[] = [
  ...kinesisCases,
  ...dynamodbCases,
  ...kmsCases,
  ...s3Cases,
  ...sqsCases,
  ...firehoseCases
]
