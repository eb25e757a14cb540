import type { _Record as KinesisRecord } from '@aws-sdk/client-kinesis'
import type { ReadRecord, RecordReader } from '../core/record-reader.ts'

/**
 * Opens all records before any is handed on, so that an invocation that fails for a key has processed nothing. The data
 * keys of several writers are asked for beside each other.
 * Rejects with `KeyUnavailableError` when one of them cannot be had at the moment, and not before all have been
 * answered: nothing goes on behind the end of an invocation.
 */
export async function readAll(
  reader: RecordReader,
  records: readonly KinesisRecord[]
): Promise<readonly ReadRecord[]> {
  const settled = await Promise.allSettled(records.map(async record => reader.read(record)))
  return settled.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
