import { AwsError } from '../../aws-json.ts'
import { prefixFault } from '../object-key.ts'
import type { DestinationSettings, S3Settings } from '../settings.ts'

type Members = Readonly<Record<string, unknown>>

const compressions = ['ZIP', 'HADOOP_SNAPPY', 'Snappy', 'GZIP', 'UNCOMPRESSED']

/** The destination of a CreateDeliveryStream request: shapes first, meaning afterwards, as the service does it. */
export function parseDestination(input: Members): DestinationSettings {
  const given = Object.keys(input).filter(member => member.endsWith('DestinationConfiguration'))
  if (given.length !== 1) {
    throw invalid('Exactly one destination configuration is supported for a Firehose')
  }
  const member = given[0]!
  if (member !== 'ExtendedS3DestinationConfiguration' && member !== 'S3DestinationConfiguration') {
    throw invalid(`${member} is not implemented by the local engine`)
  }
  const configuration = input[member] as Members
  const path = member[0]!.toLowerCase() + member.slice(1)
  const text = (name: string): string => (typeof configuration[name] === 'string' ? configuration[name] : '')

  for (const [name, pattern] of [
    ['RoleARN', /^arn:[^:]*:iam::\d{12}:role\/.+/],
    ['BucketARN', /^arn:[^:]*:s3:::[\w.-]{1,255}$/]
  ] as const) {
    const at = `${path}.${name[0]!.toLowerCase()}${name.slice(1)}`
    if (text(name) === '') throw constraint(at, 'Member must not be null')
    if (!pattern.test(text(name))) {
      throw constraint(at, `Member must satisfy regular expression pattern: ${pattern.source}`)
    }
  }
  const compression = text('CompressionFormat') || 'UNCOMPRESSED'
  if (!compressions.includes(compression)) {
    throw constraint(
      `${path}.compressionFormat`,
      `Member must satisfy enum value set: [${compressions.join(', ')}]`
    )
  }
  if (compression !== 'GZIP' && compression !== 'UNCOMPRESSED') {
    throw invalid(`CompressionFormat ${compression} is not implemented by the local engine`)
  }
  const prefix = text('Prefix')
  const errorOutputPrefix = text('ErrorOutputPrefix')
  checkPrefixes(path, prefix, errorOutputPrefix)
  return {
    kind: 's3',
    roleArn: text('RoleARN'),
    bucketArn: text('BucketARN'),
    bucket: text('BucketARN').slice(text('BucketARN').lastIndexOf(':') + 1),
    prefix,
    errorOutputPrefix,
    compression,
    fileExtension: fileExtension(path, text('FileExtension')),
    timeZone: timeZone(text('CustomTimeZone')),
    ...bufferingHints(path, configuration.BufferingHints as Members | undefined),
    appendDelimiter: appendsDelimiter(configuration.ProcessingConfiguration as Members | undefined)
  }
}

function checkPrefixes(path: string, prefix: string, errorOutputPrefix: string): void {
  for (const [name, value] of Object.entries({ prefix, errorOutputPrefix })) {
    if (value.length > 1024)
      throw constraint(`${path}.${name}`, 'Member must have length less than or equal to 1024')
  }
  const fault = prefixFault(prefix)
  if (fault !== undefined) throw invalid(`Prefix: ${fault}`)
  if (prefix.includes('!{') && errorOutputPrefix === '') {
    throw invalid('ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.')
  }
  if (!errorOutputPrefix.includes('!{')) return
  const errorType = '!{firehose:error-output-type}'
  if (!errorOutputPrefix.includes(errorType)) {
    throw invalid(`ErrorOutputPrefix must contain ${errorType} when it contains expressions.`)
  }
  const errorFault = prefixFault(errorOutputPrefix.replaceAll(errorType, ''))
  if (errorFault !== undefined) throw invalid(`ErrorOutputPrefix: ${errorFault}`)
}

function bufferingHints(
  path: string,
  hints: Members | undefined
): Pick<S3Settings, 'bufferSizeMiB' | 'bufferIntervalSeconds'> {
  const { SizeInMBs: size, IntervalInSeconds: interval } = hints ?? {}
  if (size === undefined && interval === undefined) return { bufferSizeMiB: 5, bufferIntervalSeconds: 300 }
  if (size === undefined || interval === undefined) {
    throw invalid('Both SizeInMBs and IntervalInSeconds must be specified in BufferingHints.')
  }
  const inRange = (name: string, value: unknown, min: number, max: number): number => {
    const at = `${path}.bufferingHints.${name}`
    if (typeof value !== 'number' || value < min) {
      throw constraint(at, `Member must have value greater than or equal to ${min}`)
    }
    if (value > max) throw constraint(at, `Member must have value less than or equal to ${max}`)
    return value
  }
  return {
    bufferSizeMiB: inRange('sizeInMBs', size, 1, 128),
    bufferIntervalSeconds: inRange('intervalInSeconds', interval, 0, 900)
  }
}

function fileExtension(path: string, extension: string): string {
  if (extension === '' || (/^\.[0-9a-z!\-_.*'()]+$/.test(extension) && extension.length <= 128))
    return extension
  throw constraint(
    `${path}.fileExtension`,
    "Member must satisfy regular expression pattern: ^$|\\.[0-9a-z!\\-_.*'()]+"
  )
}

function timeZone(zone: string): string {
  if (zone === '') return 'UTC'
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return zone
  } catch {
    throw invalid(`CustomTimeZone ${zone} is not known.`)
  }
}

function appendsDelimiter(processing: Members | undefined): boolean {
  if (processing?.Enabled !== true) return false
  const types = ((processing.Processors ?? []) as { Type: string }[]).map(({ Type }) => Type)
  const unknown = types.find(type => type !== 'AppendDelimiterToRecord')
  if (unknown !== undefined) throw invalid(`processor ${unknown} is not implemented by the local engine`)
  return types.length > 0
}

function constraint(path: string, rule: string): AwsError {
  return new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${path}' failed to satisfy constraint: ${rule}`
  )
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message)
}
