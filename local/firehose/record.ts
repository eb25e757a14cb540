import { randomBytes } from 'node:crypto'
import type { BufferedRecord, KinesisOrigin } from './destinations/destination.ts'

/** A record as it comes in. `arrivedMs`: milliseconds since 1970. */
export function newRecord(data: Buffer, arrivedMs: number, origin?: KinesisOrigin): BufferedRecord {
  return { data, arrivedMs, id: recordId(), ...(origin === undefined ? {} : { origin }) }
}

/**
 * Looks like those of the service, which are sequence numbers of its own: a random start, then one after the other.
 * Random bytes for each record would cost more than all else about it.
 */
function recordId(): string {
  recordIds += 1
  return `49${recordIdStart}${String(recordIds).padStart(16, '0')}.0`
}

const recordIdStart = BigInt(`0x${randomBytes(24).toString('hex')}`)
  .toString()
  .padStart(38, '0')
  .slice(-38)
let recordIds = 0
