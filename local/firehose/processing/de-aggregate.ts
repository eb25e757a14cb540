import { jsonObjects } from './json-objects.ts'
import type { DeAggregation } from './settings.ts'

/** Sub-records of one record (https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html). */
const maxSubRecords = 500

/** The sub-records of a record; the record itself when it cannot be taken apart, or holds more than 500. */
export function deAggregate(data: Buffer, how: DeAggregation): readonly Buffer[] {
  const parts = how.subRecords === 'JSON' ? jsonObjects(data) : split(data, how.delimiter)
  return parts === undefined || parts.length === 0 || parts.length > maxSubRecords ? [data] : parts
}

/** Without the delimiters, and without what is empty: the last one may or may not be followed by one. */
function split(data: Buffer, delimiter: Buffer): readonly Buffer[] {
  const parts: Buffer[] = []
  for (let start = 0; start <= data.length; ) {
    const found = data.indexOf(delimiter, start)
    const end = found < 0 ? data.length : found
    if (end > start) parts.push(data.subarray(start, end))
    start = end + delimiter.length
  }
  return parts
}
