import { checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'

/*
 * What AWS takes as a name. Refused here, since CloudFormation tells only after a part of the stack was made.
 */

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html, and RegisterStreamConsumer */
export function checkStreamName(option: string, value: unknown): string {
  return checkPattern(option, value, /^[a-zA-Z0-9_.-]{1,128}$/, "1 to 128 letters, digits, '_', '.' and '-'")
}

/**
 * A name that is a lease table's and a fan-out consumer's at once
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html).
 */
export function checkApplicationName(option: string, value: unknown): string {
  const accepted = "3 to 128 letters, digits, '_', '.' and '-'"
  return checkPattern(option, value, /^[a-zA-Z0-9_.-]{3,128}$/, accepted)
}

/** https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html */
export function checkDeliveryStreamName(option: string, value: unknown): string {
  return checkPattern(option, value, /^[a-zA-Z0-9_.-]{1,64}$/, "1 to 64 letters, digits, '_', '.' and '-'")
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html; no FIFO queue */
export function checkQueueName(option: string, value: unknown): string {
  return checkPattern(option, value, /^[A-Za-z0-9_-]{1,80}$/, "1 to 80 letters, digits, '_' and '-'")
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
export function checkRoleName(option: string, value: unknown): string {
  return checkPattern(option, value, /^[\w+=,.@-]{1,64}$/, "1 to 64 letters, digits and '+=,.@_-'")
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function checkBucketName(option: string, value: unknown): string {
  const name = checkString(option, value)
  const isName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/\.\.|\.-|-\./.test(name)
  const isReserved = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3)$/.test(name)
  if (isName && !isReserved && !/^\d+\.\d+\.\d+\.\d+$/.test(name)) return name
  throw new InvalidOptionError(
    option,
    "expected the name of a bucket: 3 to 63 lower-case letters, digits, '.' and '-', a letter or digit at both ends, and none of the reserved prefixes and suffixes"
  )
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html; no ARN */
export function checkFunctionName(option: string, value: unknown): string {
  const name = checkString(option, value)
  if (/^[\w-]{1,64}$/.test(name)) return name
  throw new InvalidOptionError(option, 'expected a name, not an ARN')
}

/** Of a function: a version or an alias. */
export function checkQualifier(option: string, value: unknown): string {
  const qualifier = checkString(option, value)
  if (/^[\w-]{1,128}$/.test(qualifier)) return qualifier
  throw new InvalidOptionError(option, "expected a version or an alias, not '$LATEST'")
}

/** An ARN of that service, in any partition, account and region. */
export function checkArn(option: string, value: unknown, service: string, resource: RegExp): string {
  const arn = checkString(option, value)
  const [, found, rest] = /^arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:\d*:(.+)$/.exec(arn) ?? []
  if (found === service && rest !== undefined && resource.test(rest)) return arn
  throw new InvalidOptionError(option, `expected an ARN of ${service}`)
}

export function checkRoleArn(option: string, value: unknown): string {
  return checkArn(option, value, 'iam', /^role\/[\w+=,.@/-]+$/)
}

/** Of the secret in Secrets Manager, not the secret. */
export function checkSecretId(option: string, value: unknown): string {
  const id = checkString(option, value)
  if (id.startsWith('arn:')) return checkArn(option, id, 'secretsmanager', /^secret:[\w/+=.@-]{1,519}$/)
  if (/^[\w/+=.@-]{1,512}$/.test(id)) return id
  throw new InvalidOptionError(option, 'expected the ARN or the name of a secret')
}

function checkPattern(option: string, value: unknown, pattern: RegExp, accepted: string): string {
  const name = checkString(option, value)
  if (pattern.test(name)) return name
  throw new InvalidOptionError(option, `expected ${accepted}`)
}
