import type { Control } from './control.ts'
import { cloudHsmControls } from './controls/cloudhsm/index.ts'
import { dynamodbControls } from './controls/dynamodb/index.ts'
import { endToEndControls } from './controls/end-to-end/index.ts'
import { firehoseControls } from './controls/firehose/index.ts'
import { flinkControls } from './controls/flink/index.ts'
import { glueControls } from './controls/glue/index.ts'
import { iamControls } from './controls/iam/index.ts'
import { iotControls } from './controls/iot/index.ts'
import { kinesisControls } from './controls/kinesis/index.ts'
import { kmsControls } from './controls/kms/index.ts'
import { lambdaControls } from './controls/lambda/index.ts'
import { logControls } from './controls/logs/index.ts'
import { networkControls } from './controls/network/index.ts'
import { openSearchControls } from './controls/opensearch/index.ts'
import { rdsControls } from './controls/rds/index.ts'
import { redshiftControls } from './controls/redshift/index.ts'
import { s3Controls } from './controls/s3/index.ts'
import { sqsControls } from './controls/sqs/index.ts'

/** Every control, in the order in which reports have them. */
export const catalogue: readonly Control[] = [
  ...restingOn(['kms:DescribeKey'], kmsControls),
  ...cloudHsmControls,
  ...restingOn(['kinesis:DescribeStreamSummary'], kinesisControls),
  ...restingOn(['firehose:DescribeDeliveryStream'], firehoseControls),
  ...flinkControls,
  ...restingOn(['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'], sqsControls),
  ...iotControls,
  ...s3Controls,
  ...restingOn(['dynamodb:DescribeTable'], dynamodbControls),
  ...rdsControls,
  ...redshiftControls,
  ...openSearchControls,
  ...lambdaControls,
  ...glueControls,
  ...restingOn(['iam:GetRole'], iamControls),
  ...networkControls,
  ...restingOn(['logs:DescribeLogGroups'], logControls),
  ...endToEndControls
]

/** Undefined for an id that no control has. Ids are not case-sensitive. */
export function findControl(id: string): Control | undefined {
  return catalogue.find(control => control.id === id.toUpperCase())
}

/** A resource that could not be read at all is not in the model, so that its controls would find nothing to say. */
function restingOn(reads: readonly string[], controls: readonly Control[]): readonly Control[] {
  return controls.map(control => ({ ...control, reads: [...reads, ...(control.reads ?? [])] }))
}
