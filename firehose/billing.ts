/** Firehose bills each record that is put by this many bytes: https://aws.amazon.com/firehose/pricing/ */
const unitBytes = 5 * 1024

/** What Firehose bills for a record of so many bytes; an empty one counts as one unit, which is a guess. */
export function billedBytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / unitBytes)) * unitBytes
}
