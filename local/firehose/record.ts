import { randomBytes } from 'node:crypto'
import type { BufferedRecord, KinesisOrigin } from './destinations/destination.ts'

/** A record as it comes in. `arrivedMs`: milliseconds since 1970. */
export function newRecord(data: Buffer, arrivedMs: number, origin?: KinesisOrigin): BufferedRecord {
  return { data, arrivedMs, id: recordId(), origin }
}

/** Looks like those of the service, which are sequence numbers of its own. */
function recordId(): string {
  const digits = BigInt(`0x${randomBytes(32).toString('hex')}`)
    .toString()
    .padStart(54, '0')
  return `49${digits.slice(-54)}.0`
}
