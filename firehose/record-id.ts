import { UndeliverableError } from '../core/errors.ts'
import type { SinkRecord } from './types.ts'

/**
 * Names one user record for good: `<stream>/<shard>/<sequence number>/<sub-sequence number>`. A record that is
 * delivered twice has it twice; one that its producer put twice has two.
 * @throws UndeliverableError for a record that did not come from a stream
 */
export function recordIdOf({ streamName, shardId, sequenceNumber, subSequenceNumber }: SinkRecord): string {
  if (
    streamName === undefined ||
    shardId === undefined ||
    sequenceNumber === undefined ||
    subSequenceNumber === undefined
  ) {
    throw new UndeliverableError('a record id needs the stream, shard and position that the record came from')
  }
  return `${streamName}/${shardId}/${sequenceNumber}/${subSequenceNumber}`
}
