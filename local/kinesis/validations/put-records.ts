import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import { largestHashKey } from '../hash-keys.ts'
import type { NewRecord, Stream } from '../store.ts'

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
const maxEntries = 500
const maxRequestBytes = 10 * 1024 * 1024
const maxKeyCharacters = 256

/**
 * Checks the entries of a put; one wrong entry fails the whole request, as on AWS. The stream's limit holds for data
 * and partition key together; a key may be left out where the distribution is AUTO.
 */
export function validateEntries(
  entries: unknown,
  { maxRecordBytes, recordDistribution }: Stream
): readonly NewRecord[] {
  if (!Array.isArray(entries) || entries.length === 0)
    throw constraintError('records', 'Member must have length greater than or equal to 1')
  if (entries.length > maxEntries) {
    throw constraintError('records', `Member must have length less than or equal to ${maxEntries}`)
  }
  let total = 0
  const checked = entries.map((entry: Record<string, unknown>, index) => {
    const { ExplicitHashKey: hashKey, Data: data } = entry
    const partitionKey = entry.PartitionKey ?? undefined
    if (!isPartitionKey(partitionKey) && (partitionKey !== undefined || recordDistribution !== 'AUTO')) {
      throw constraintError(
        `records.${index + 1}.member.partitionKey`,
        'Member must have length between 1 and 256'
      )
    }
    if (typeof data !== 'string')
      throw constraintError(`records.${index + 1}.member.data`, 'Member must not be null')
    // A cheap look for what cannot be base64; the rest is taken as it comes.
    if (Buffer.byteLength(data) !== data.length || data.length % 4 !== 0) {
      throw new AwsError('SerializationException', `Data of record ${index + 1} is not base64.`)
    }
    if (hashKey !== undefined && hashKey !== null && !isHashKey(hashKey)) {
      throw new AwsError(
        'InvalidArgumentException',
        `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was not.`
      )
    }
    const dataBytes = base64Bytes(data)
    const keyBytes = Buffer.byteLength(partitionKey ?? '')
    if (dataBytes + keyBytes > maxRecordBytes) {
      throw constraintError(
        `records.${index + 1}.member.data`,
        `Member must have length less than or equal to ${maxRecordBytes}`
      )
    }
    total += dataBytes + keyBytes
    return {
      partitionKey,
      explicitHashKey: hashKey === null ? undefined : (hashKey as string | undefined),
      data,
      dataBytes
    }
  })
  if (total > maxRequestBytes) {
    throw new AwsError('InvalidArgumentException', `Records size exceeds ${maxRequestBytes} bytes limit.`)
  }
  return checked
}

function isPartitionKey(value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return false
  // Characters are code points; counting them is for the keys that have too many code units.
  return value.length <= maxKeyCharacters || [...value].length <= maxKeyCharacters
}

function isHashKey(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,39}$/.test(value) && BigInt(value) <= largestHashKey
}

function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.floor((text.length * 3) / 4) - padding
}
