import { roleArnPattern } from './s3.ts'
import { invalid, type Members, Shape } from './shape.ts'

/** The Kinesis stream that a delivery stream reads from. */
export interface StreamSource {
  readonly streamArn: string
  readonly roleArn: string
}

const types = ['DirectPut', 'KinesisStreamAsSource', 'MSKAsSource', 'DatabaseAsSource'] as const

/** Where the records of a CreateDeliveryStream request come from; undefined for direct puts. */
export function parseSource(input: Members): StreamSource | undefined {
  const request = new Shape(input, '')
  const type = request.oneOf('DeliveryStreamType', types, 'DirectPut')
  const isGiven = request.has('KinesisStreamSourceConfiguration')
  const shape = request.child('KinesisStreamSourceConfiguration')
  const source = isGiven
    ? {
        streamArn: shape.required('KinesisStreamARN', {
          max: 512,
          pattern: /^arn:[^:]+:kinesis:[a-zA-Z0-9-]+:\d{12}:stream\/[a-zA-Z0-9_.-]+$/
        }),
        roleArn: shape.required('RoleARN', { max: 512, pattern: roleArnPattern })
      }
    : undefined
  if (type === 'MSKAsSource' || type === 'DatabaseAsSource') {
    throw invalid(`DeliveryStreamType ${type} is not implemented by the local engine`)
  }
  if (type === 'DirectPut') {
    if (source === undefined) return undefined
    throw invalid('KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type')
  }
  if (source === undefined) {
    throw invalid('KinesisStreamSourceConfiguration must be specified for KinesisStreamAsSource stream type')
  }
  if (request.has('DeliveryStreamEncryptionConfigurationInput')) {
    throw invalid('DeliveryStreamEncryptionConfigurationInput is only applicable for DirectPut stream type')
  }
  return source
}
