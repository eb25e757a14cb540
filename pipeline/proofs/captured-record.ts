import { ErrorCode, SealstreamError } from '../../core/errors.ts'
import { deaggregate } from '../../core/index.ts'
import type { RecordOpener } from '../../core/record-transform.ts'
import type { Pipeline } from '../create-pipeline.ts'

/** A Kinesis record as the stream stores it. */
export interface CapturedRecord {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly data: Uint8Array
}

/** Puts one user record through the real producer, and reads back what the stream made of it. */
export async function putAndCapture(
  pipeline: Pick<Pipeline, 'plan' | 'createProducer' | 'readStored'>,
  partitionKey: string,
  data: Uint8Array
): Promise<CapturedRecord> {
  const [tenant] = pipeline.plan.sealing.tenants
  const producer = pipeline.createProducer({
    maxBufferedMs: 0,
    ...(tenant === undefined ? {} : { keyFor: () => tenant.id })
  })
  try {
    const { shardId, sequenceNumber } = await producer.put({ partitionKey, data })
    const stored = await pipeline.readStored(shardId, sequenceNumber)
    if (stored === undefined) {
      throw new SealstreamError(ErrorCode.service, 'kinesis: a record that was put cannot be read back')
    }
    return { shardId, sequenceNumber, data: stored.data }
  } finally {
    await producer.close()
  }
}

/** The sealed messages in it: one around an aggregate, or one for each user record; undefined when not all is sealed. */
export function sealedMessagesOf(
  { data, sequenceNumber }: CapturedRecord,
  opener: Pick<RecordOpener, 'isSealed'>
): readonly Uint8Array[] | undefined {
  const messages = deaggregate([{ Data: data, SequenceNumber: sequenceNumber, PartitionKey: '' }]).map(
    record => record.data
  )
  return messages.length > 0 && messages.every(message => opener.isSealed(message)) ? messages : undefined
}
