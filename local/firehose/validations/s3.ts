import { constraintError } from '../../constraint-error.ts'
import { evaluatedPrefix, maxPrefixLength, partitionKeyNames, prefixFault } from '../object-key.ts'
import type { S3Settings } from '../settings.ts'
import { invalid, type Shape } from './shape.ts'

const compressions = ['ZIP', 'HADOOP_SNAPPY', 'Snappy', 'GZIP', 'UNCOMPRESSED'] as const

export const roleArnPattern = /^arn:[^:]*:iam::\d{12}:role\/.+/

/** A configuration of S3, as destination or as backup of another one. */
export function parseS3(shape: Shape, mayPartition = false): S3Settings {
  const roleArn = shape.required('RoleARN', { pattern: roleArnPattern })
  const bucketArn = shape.required('BucketARN', { pattern: /^arn:[^:]*:s3:::[\w.-]{1,255}$/ })
  const compression = shape.oneOf('CompressionFormat', compressions, 'UNCOMPRESSED')
  if (compression === 'Snappy' || compression === 'HADOOP_SNAPPY') {
    throw invalid(`CompressionFormat ${compression} is not implemented by the local engine`)
  }
  const prefix = shape.text('Prefix', { max: 1024 })
  const errorOutputPrefix = shape.text('ErrorOutputPrefix', { max: 1024 })
  checkPrefixes(prefix, errorOutputPrefix, mayPartition)
  checkLength('Prefix', prefix)
  checkLength('ErrorOutputPrefix', errorOutputPrefix, longestErrorType)
  return {
    kind: 's3',
    roleArn,
    bucketArn,
    bucket: bucketArn.slice(bucketArn.lastIndexOf(':') + 1),
    prefix,
    errorOutputPrefix,
    compression,
    fileExtension: fileExtension(shape),
    timeZone: timeZone(shape),
    kmsKeyArn: kmsKeyArn(shape.child('EncryptionConfiguration')),
    ...shape.bufferingHints('BufferingHints', 128, 900, 300),
    appendDelimiter: shape.processors().includes('AppendDelimiterToRecord')
  }
}

/**
 * A configuration of ExtendedS3, with its backup. `backupMember` is what the configuration of the backup is called in
 * the path.
 */
export function parseExtendedS3(shape: Shape, backupMember: string): S3Settings {
  // Without Enabled a conversion is on.
  const { Enabled: converts = true } = shape.child('DataFormatConversionConfiguration').members
  if (shape.has('DataFormatConversionConfiguration') && converts === true) {
    throw invalid('DataFormatConversionConfiguration is not implemented by the local engine')
  }
  const isPartitioned = shape.child('DynamicPartitioningConfiguration').members.Enabled === true
  const parsed = parseS3(shape, isPartitioned)
  const settings = isPartitioned ? parsePartitioning(shape, parsed) : parsed
  const sourceBackup = parseSourceBackup(shape, backupMember)
  return sourceBackup === undefined ? settings : { ...settings, sourceBackup }
}

/** Where records go as they were put; undefined without S3BackupMode. */
export function parseSourceBackup(shape: Shape, backupMember: string): S3Settings | undefined {
  return shape.oneOf('S3BackupMode', ['Disabled', 'Enabled'], 'Disabled') === 'Disabled'
    ? undefined
    : parseBackupS3(shape.requiredChild('S3BackupConfiguration', backupMember))
}

const errorType = '!{firehose:error-output-type}'

function parsePartitioning(shape: Shape, settings: S3Settings): S3Settings {
  const retrySeconds = shape
    .child('DynamicPartitioningConfiguration')
    .child('RetryOptions')
    .number('DurationInSeconds', 0, 7200, 300)
  if (partitionKeyNames(settings.prefix).length === 0) {
    throw invalid('Prefix must contain a partition key when dynamic partitioning is enabled.')
  }
  if (!settings.errorOutputPrefix.includes(errorType)) {
    throw invalid(`ErrorOutputPrefix must contain ${errorType} when dynamic partitioning is enabled.`)
  }
  if (!shape.processors().includes('Lambda')) {
    throw invalid('A Lambda processor is required for partition keys from Lambda.')
  }
  // Without hints it is what the guide recommends.
  const bufferSizeMiB = shape.has('BufferingHints') ? settings.bufferSizeMiB : 128
  if (bufferSizeMiB < 64) throw invalid('SizeInMBs must be at least 64 when dynamic partitioning is enabled.')
  return { ...settings, bufferSizeMiB, partitioning: { retrySeconds } }
}

/** A configuration of S3 that is the backup of a destination: it has no zero buffering. */
export function parseBackupS3(shape: Shape): S3Settings {
  const settings = parseS3(shape)
  if (settings.bufferIntervalSeconds < 60) {
    throw invalid(`IntervalInSeconds of ${shape.path} must be between 60 and 900.`)
  }
  return settings
}

const longestErrorType = 'AmazonOpenSearchService-failed'

/** When every part of a date has as many digits as it can have. */
const longestDateMs = Date.UTC(2000, 11, 31, 23, 59, 59, 999)

function checkLength(member: string, prefix: string, errorOutputType?: string): void {
  const evaluated = evaluatedPrefix({ prefix, errorOutputType, arrivedMs: longestDateMs, timeZone: 'UTC' })
  if (evaluated.length > maxPrefixLength) {
    throw invalid(`${member} must be at most ${maxPrefixLength} characters after evaluation.`)
  }
}

function checkPrefixes(prefix: string, errorOutputPrefix: string, mayPartition: boolean): void {
  const fault = prefixFault(prefix, mayPartition)
  if (fault !== undefined) throw invalid(`Prefix: ${fault}`)
  if (prefix.includes('!{') && errorOutputPrefix === '') {
    throw invalid('ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.')
  }
  if (!errorOutputPrefix.includes('!{')) return
  if (!errorOutputPrefix.includes(errorType)) {
    throw invalid(`ErrorOutputPrefix must contain ${errorType} when it contains expressions.`)
  }
  const errorFault = prefixFault(errorOutputPrefix.replaceAll(errorType, ''))
  if (errorFault !== undefined) throw invalid(`ErrorOutputPrefix: ${errorFault}`)
}

/** undefined when nothing is asked of S3. */
function kmsKeyArn(shape: Shape): string | undefined {
  if (shape.has('NoEncryptionConfig')) shape.oneOf('NoEncryptionConfig', ['NoEncryption'])
  if (!shape.has('KMSEncryptionConfig')) return undefined
  const keyArn = shape.child('KMSEncryptionConfig').required('AWSKMSKeyARN', {
    max: 512,
    pattern: /^arn:[^:]+:kms:[a-zA-Z0-9-]+:\d{12}:(key|alias)\/[a-zA-Z_0-9+=,.@/-]+$/
  })
  if (!shape.has('NoEncryptionConfig')) return keyArn
  throw invalid('Exactly one of NoEncryptionConfig and KMSEncryptionConfig must be specified.')
}

function fileExtension(shape: Shape): string {
  const extension = shape.text('FileExtension')
  if (extension === '' || (/^\.[0-9a-z!\-_.*'()]+$/.test(extension) && extension.length <= 128))
    return extension
  throw constraintError(
    shape.at('FileExtension'),
    "Member must satisfy regular expression pattern: ^$|\\.[0-9a-z!\\-_.*'()]+"
  )
}

function timeZone(shape: Shape): string {
  const zone = shape.text('CustomTimeZone', { max: 50 })
  if (zone === '') return 'UTC'
  if (!/^[a-zA-Z/_]+$/.test(zone)) {
    throw constraintError(
      shape.at('CustomTimeZone'),
      'Member must satisfy regular expression pattern: ^$|[a-zA-Z/_]+'
    )
  }
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return zone
  } catch {
    throw invalid(`CustomTimeZone ${zone} is not known.`)
  }
}
