import { AwsError } from '../../aws-json.ts'

const maxRecordBytes = 1_024_000
const maxRecords = 500
const maxBatchBytes = 4 * 1024 * 1024

/** The payload of a PutRecord request. */
export function parseRecord(input: Readonly<Record<string, unknown>>): Buffer {
  const faults: string[] = []
  const data = payload(input.Record, 'record', faults)
  raise(faults)
  return data
}

/** The payloads of a PutRecordBatch request. One that is wrong fails the whole call. */
export function parseRecords(input: Readonly<Record<string, unknown>>): Buffer[] {
  const records = Array.isArray(input.Records) ? (input.Records as unknown[]) : []
  const faults: string[] = []
  if (records.length < 1 || records.length > maxRecords) {
    const rule = records.length < 1 ? 'greater than or equal to 1' : `less than or equal to ${maxRecords}`
    faults.push(`Value at 'records' failed to satisfy constraint: Member must have length ${rule}`)
  }
  const payloads = records.map((record, index) => payload(record, `records.${index + 1}.member`, faults))
  raise(faults)
  if (payloads.reduce((sum, { length }) => sum + length, 0) > maxBatchBytes) {
    throw new AwsError('InvalidArgumentException', 'Records size exceeds 4 MB limit')
  }
  return payloads
}

function payload(record: unknown, path: string, faults: string[]): Buffer {
  const data = (record as { Data?: unknown } | null | undefined)?.Data
  if (typeof data !== 'string') {
    faults.push(`Value null at '${path}.data' failed to satisfy constraint: Member must not be null`)
    return Buffer.alloc(0)
  }
  const bytes = Buffer.from(data, 'base64')
  if (bytes.length > maxRecordBytes) {
    faults.push(
      `Value at '${path}.data' failed to satisfy constraint: Member must have length less than or equal to ${maxRecordBytes}`
    )
  }
  return bytes
}

function raise(faults: readonly string[]): void {
  if (faults.length === 0) return
  const count = `${faults.length} validation error${faults.length === 1 ? '' : 's'} detected`
  throw new AwsError('ValidationException', `${count}: ${faults.join('; ')}`)
}
