import { AwsError } from '../../aws-json.ts'

/** Value of a number parameter; undefined when it is not given. @throws AwsError InvalidParameterValue */
export function numberParameter(name: string, value: unknown, min: number, max: number): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new AwsError(
    'InvalidParameterValue',
    `Value ${String(value)} for parameter ${name} is invalid. Reason: Must be between ${min} and ${max}, if provided.`
  )
}

/** @throws AwsError InvalidParameterValue */
export function checkQueueName(name: unknown): string {
  if (typeof name === 'string' && /^[A-Za-z0-9_-]{1,80}$/.test(name)) return name
  if (typeof name === 'string' && name.endsWith('.fifo')) {
    throw new AwsError('UnsupportedOperation', 'FIFO queues are not implemented by the local engine.')
  }
  throw new AwsError(
    'InvalidParameterValue',
    'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length'
  )
}

/** A handle of ours is 48 bytes in base64. @throws AwsError ReceiptHandleIsInvalid */
export function checkReceipt(handle: unknown): string {
  if (typeof handle === 'string' && /^[A-Za-z0-9+/]{64}$/.test(handle)) return handle
  throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.')
}
