import { startsWithMagic } from '../core/aggregated-record.ts'
import { InvalidRecordError } from '../core/errors.ts'
import { parseHashKey } from '../core/hash-key.ts'
import type { UserRecord } from '../core/user-record.ts'

/** Longest partition key, in Unicode characters (PutRecords API reference). */
const maxPartitionKeyCharacters = 256

export interface CheckedRecord {
  /** In plain decimal. */
  readonly explicitHashKey: string | undefined
}

/**
 * Checks what does not depend on the producer's settings. Messages hold lengths, never contents.
 * @throws InvalidRecordError
 */
export function checkRecord(record: UserRecord, refusesMagic: boolean): CheckedRecord {
  if (typeof record !== 'object' || record === null) {
    throw new InvalidRecordError(
      'record',
      `expected an object, found ${record === null ? 'null' : typeof record}`
    )
  }
  const { partitionKey, explicitHashKey, data } = record
  if (typeof partitionKey !== 'string') {
    throw new InvalidRecordError('partitionKey', `expected a string, found ${typeof partitionKey}`)
  }
  if (partitionKey === '') throw new InvalidRecordError('partitionKey', 'is empty')
  if (partitionKey.length > maxPartitionKeyCharacters) {
    // Characters beyond the basic plane are two units of a JavaScript string and one of the service's.
    const characters = [...partitionKey].length
    if (characters > maxPartitionKeyCharacters) {
      throw new InvalidRecordError(
        'partitionKey',
        `has ${characters} characters; at most ${maxPartitionKeyCharacters} are allowed`
      )
    }
  }
  if (!(data instanceof Uint8Array)) {
    throw new InvalidRecordError('data', `expected a Uint8Array, found ${typeof data}`)
  }
  if (refusesMagic && startsWithMagic(data)) {
    throw new InvalidRecordError('data', 'begins with the four bytes that mark an aggregated record')
  }
  if (explicitHashKey === undefined) return { explicitHashKey: undefined }
  const hashKey = typeof explicitHashKey === 'string' ? parseHashKey(explicitHashKey) : undefined
  if (hashKey === undefined) {
    throw new InvalidRecordError(
      'explicitHashKey',
      `expected a decimal integer from 0 to 2^128 - 1, found ${typeof explicitHashKey === 'string' ? 'another string' : typeof explicitHashKey}`
    )
  }
  return { explicitHashKey: String(hashKey) }
}
